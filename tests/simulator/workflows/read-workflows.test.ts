import { describe, expect, test } from "vitest";
import { HyperloomError } from "../../../src/core/model/errors.ts";
import { readWorkflows } from "../../../src/simulator/workflows/read-workflows.ts";
import {
  criticalPathUs,
  type Workflow,
  workUs,
} from "../../../src/simulator/workflows/workflow.ts";
import { DATA_DIRECTORY, readDataDirectory } from "./shared-data.ts";

const read = (json: unknown): Workflow[] => readWorkflows(JSON.stringify(json));

/** Two tasks read one's two files; the last only waits for the first. */
const WF_15 = {
  name: "two-and-two",
  schemaVersion: "1.5",
  workflow: {
    specification: {
      tasks: [
        {
          name: "join_ID03",
          id: "j",
          parents: ["a", "b"],
          inputFiles: ["a.out", "b.out", "given"],
        },
        {
          name: "part_ID01",
          id: "a",
          parents: [] as string[],
          inputFiles: ["given"],
          outputFiles: ["a.out", "a.log"],
        },
        { name: "part_ID02", id: "b", parents: ["a"], inputFiles: [], outputFiles: ["b.out"] },
      ],
      files: [
        { id: "given", sizeInBytes: 9 },
        { id: "a.out", sizeInBytes: 100 },
        { id: "a.log", sizeInBytes: 1 },
        { id: "b.out", sizeInBytes: 200 },
      ],
    },
    execution: {
      tasks: [
        { id: "a", runtimeInSeconds: 1.5, coreCount: 2, command: { program: "part" } },
        { id: "b", runtimeInSeconds: 2 },
        { id: "j", runtimeInSeconds: 0.25, coreCount: 0.5 },
      ],
    },
  },
};

const WF_14 = {
  name: "older",
  schemaVersion: "1.4",
  workflow: {
    tasks: [
      {
        name: "first",
        id: "1",
        runtimeInSeconds: 3,
        cores: 1,
        category: "make",
        parents: [],
        files: [{ link: "output", name: "x", sizeInBytes: 7 }],
      },
      {
        name: "second",
        id: "2",
        runtimeInSeconds: 4,
        parents: ["first"],
        files: [{ link: "input", name: "x", sizeInBytes: 7 }],
      },
    ],
  },
};

const ESTEE = {
  graph_name: { "0": "pair" },
  graph_id: { "0": "id" },
  graph: {
    "0": JSON.stringify([
      { d: 1, e_d: 2, cpus: 4, outputs: [], inputs: [[1, 1]] },
      { d: 3, e_d: null, cpus: 1, outputs: [{ s: 1, e_s: 1 }, { s: 0.5 }], inputs: [] },
    ]),
  },
};

describe("WfFormat 1.5", () => {
  test("inputs come first, files are outputs, and a parent without files is an input of 0 bytes", () => {
    const [workflow] = read(WF_15);
    expect(workflow).toEqual({
      name: "two-and-two",
      tasks: [
        {
          name: "part_ID01",
          group: "part",
          durationUs: 1_500_000,
          cpus: 2,
          outputs: [{ sizeBytes: 100 }, { sizeBytes: 1 }, { sizeBytes: 0 }],
          inputs: [],
        },
        {
          name: "part_ID02",
          group: "part",
          durationUs: 2_000_000,
          cpus: 1,
          outputs: [{ sizeBytes: 200 }],
          inputs: [{ task: 0, output: 2 }],
        },
        {
          name: "join_ID03",
          group: "join",
          durationUs: 250_000,
          cpus: 1,
          outputs: [],
          inputs: [
            { task: 0, output: 0 },
            { task: 1, output: 0 },
          ],
        },
      ],
    });
  });

  test("work is time by cpus, the critical path is the longest chain", () => {
    const [workflow] = read(WF_15);
    expect(workUs(workflow as Workflow)).toBe(5_250_000);
    expect(criticalPathUs(workflow as Workflow)).toBe(3_750_000);
  });
});

test("WfFormat 1.4 has a task's files with the task, and parents by name", () => {
  const [workflow] = read(WF_14);
  expect(
    workflow?.tasks.map(({ group, durationUs, inputs }) => ({ group, durationUs, inputs })),
  ).toEqual([
    { group: "make", durationUs: 3_000_000, inputs: [] },
    { group: "second", durationUs: 4_000_000, inputs: [{ task: 0, output: 0 }] },
  ]);
});

test("graphs of Estee are in seconds and MiB", () => {
  expect(read(ESTEE)).toEqual([
    {
      name: "pair-0",
      tasks: [
        {
          name: "1",
          group: "any/1",
          durationUs: 3_000_000,
          cpus: 1,
          outputs: [{ sizeBytes: 1_048_576 }, { sizeBytes: 524_288 }],
          inputs: [],
        },
        {
          name: "0",
          group: "2/4",
          durationUs: 1_000_000,
          cpus: 4,
          outputs: [],
          inputs: [{ task: 0, output: 1 }],
        },
      ],
    },
  ]);
});

const changed = (change: (copy: typeof WF_15) => void): unknown => {
  const copy = structuredClone(WF_15);
  change(copy);
  return copy;
};

describe("a mistake in a file is named with its place", () => {
  test.each<[string, string, RegExp]>([
    ["no JSON", "{", /it is no JSON/],
    ["neither format", "{}", /neither WfFormat .* nor a set of Estee graphs/],
    ["a number", "3", /neither WfFormat/],
    [
      "no runtime",
      JSON.stringify(changed((wf) => wf.workflow.execution.tasks.splice(0, 1))),
      /specification\.tasks\[1\] \(a\) is not among workflow\.execution\.tasks/,
    ],
    [
      "an unknown parent",
      JSON.stringify(changed((wf) => wf.workflow.specification.tasks[1]?.parents.push("z"))),
      /task a has parent z, which is no task/,
    ],
    [
      "a cycle",
      JSON.stringify(changed((wf) => wf.workflow.specification.tasks[1]?.parents.push("j"))),
      /task \w+ depends on itself/,
    ],
    [
      "a file of two makers",
      JSON.stringify(
        changed((wf) => wf.workflow.specification.tasks[2]?.outputFiles?.push("a.out")),
      ),
      /file a\.out is made by two tasks, a and b/,
    ],
    [
      "the same task twice",
      JSON.stringify(
        changed((wf) => wf.workflow.specification.tasks.push(...wf.workflow.specification.tasks)),
      ),
      /task j is there twice/,
    ],
    [
      "a negative time",
      '[{"d": -1, "outputs": [], "inputs": []}]',
      /graph\[0\]\.d is not a number >= 0, but -1/,
    ],
    ["half a cpu", '[{"d": 1, "cpus": 0.5}]', /graph\[0\]\.cpus is not a whole number/],
    [
      "an output that is not there",
      '[{"d": 1, "outputs": []}, {"d": 1, "inputs": [[0, 0]]}]',
      /graph\[1\] takes output 0 of task 0/,
    ],
    [
      "a task that is not there",
      '[{"d": 1, "inputs": [[7, 0]]}]',
      /inputs\[0\]\[0\] is not a whole number from 0 to 0/,
    ],
    ["a graph that is no JSON", '{"graph": {"5": "["}}', /graph 5 is no JSON/],
    ["no graph", '{"graph": {}}', /graph is empty/],
    ["no task", "[]", /graph has no tasks/],
  ])("%s", (_, text, message) => {
    expect(() => readWorkflows(text)).toThrow(HyperloomError);
    expect(() => readWorkflows(text)).toThrow(message);
  });
});

test("a chain of 200,000 tasks in the wrong order is read without recursion", () => {
  const count = 200_000;
  const graph = Array.from({ length: count }, (_, index) => ({
    d: 1,
    outputs: [{ s: 0 }],
    inputs: index === count - 1 ? [] : [[index + 1, 0]],
  }));
  const [workflow] = read(graph);
  expect(workflow?.tasks[0]?.name).toBe(`${count - 1}`);
  expect(criticalPathUs(workflow as Workflow)).toBe(count * 1_000_000);
});

test(`recorded workflows are read, where there are some in ${DATA_DIRECTORY}`, () => {
  for (const workflow of [...readDataDirectory("estee"), ...readDataDirectory("wfinstances")]) {
    expect(workflow.tasks.length).toBeGreaterThan(10);
    expect(criticalPathUs(workflow)).toBeLessThanOrEqual(workUs(workflow));
    for (const [index, { inputs }] of workflow.tasks.entries()) {
      for (const { task, output } of inputs) {
        expect(task).toBeLessThan(index);
        expect(workflow.tasks[task]?.outputs[output]).toBeDefined();
      }
    }
  }
});
