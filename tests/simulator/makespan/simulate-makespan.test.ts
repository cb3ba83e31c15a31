import { describe, expect, test } from "vitest";
import { simulateMakespan } from "../../../src/simulator/makespan/simulate-makespan.ts";
import { POLICIES, POLICY_NAMES } from "../../../src/simulator/policies/catalog.ts";
import type { Workflow, WorkflowTask } from "../../../src/simulator/workflows/workflow.ts";

const task = (durationUs: number, given: Partial<WorkflowTask> = {}): WorkflowTask => ({
  name: "task",
  group: "all",
  durationUs,
  cpus: 1,
  outputs: [{ sizeBytes: 0 }],
  inputs: [],
  ...given,
});

const workflow = (tasks: readonly WorkflowTask[]): Workflow => ({ name: "test", tasks });

const repeat = (count: number, made: () => WorkflowTask): WorkflowTask[] =>
  Array.from({ length: count }, made);

describe.each(POLICY_NAMES)("%s", (name) => {
  const run = (tasks: readonly WorkflowTask[], given: object = {}) =>
    simulateMakespan(workflow(tasks), { policy: POLICIES[name](1), ...given });

  test("a chain takes the time of its tasks, and a task of 4 cpus has them", () => {
    const chain = [
      task(1_000_000),
      task(2_000_000, { cpus: 4, inputs: [{ task: 0, output: 0 }] }),
      task(4_000_000, { inputs: [{ task: 1, output: 0 }] }),
    ];
    const report = run(chain, { workers: 2 });
    expect(report.makespanUs).toBe(7_000_000);
    expect(report.utilization).toBeCloseTo(13 / (7 * 8), 6);
  });

  test("the same seed gives the same, and nothing is faster than the work allows", () => {
    const tasks = repeat(40, () => task(3_000_000));
    const options = { workers: 3, cpusPerWorker: 2, seed: 5, noise: 0.1 };
    const report = run(tasks, options);
    expect(run(tasks, options)).toEqual(report);
    expect(report.makespanUs).toBeGreaterThan(0.9 * ((40 * 3_000_000) / 6));
    expect(report.makespanUs).toBeLessThan(3 * ((40 * 3_000_000) / 6));
  });

  test("outputs with consumers of their own move each for itself", () => {
    const tasks = [
      task(1_000_000, { outputs: [{ sizeBytes: 3_000_000 }, { sizeBytes: 5_000_000 }] }),
      task(50_000_000, { cpus: 2, outputs: [], inputs: [{ task: 0, output: 0 }] }),
      task(50_000_000, { cpus: 2, outputs: [], inputs: [{ task: 0, output: 1 }] }),
    ];
    const report = run(tasks, { workers: 2, cpusPerWorker: 2, bytesPerUs: 10 });
    if (name === "random")
      expect([0, 3_000_000, 5_000_000, 8_000_000]).toContain(report.bytesMoved);
    else expect([3_000_000, 5_000_000]).toContain(report.bytesMoved);
    if (name !== "random") expect(report.makespanUs).toBeLessThanOrEqual(51_500_000);
  });

  test.each(["known", "learned", "unknown"] as const)(
    "comes to an end, durations %s",
    (knowledge) => {
      const layers = 6;
      const width = 20;
      const tasks = Array.from({ length: layers * width }, (_, index) => {
        const layer = Math.floor(index / width);
        const below = (offset: number) => ({
          task: (layer - 1) * width + ((index * 7 + offset) % width),
          output: 0,
        });
        return task(100_000 * (1 + (index % 9)), {
          cpus: 1 + (index % 4),
          outputs: [{ sizeBytes: 1_000_000 * (index % 5) }],
          inputs: layer === 0 ? [] : [below(0), below(3)],
        });
      });
      const report = run(tasks, {
        workers: 4,
        bytesPerUs: 20,
        latencyUs: 500,
        knowledge,
        noise: 0.01,
      });
      expect(report.makespanUs).toBeGreaterThan(0);
      expect(report.utilization).toBeLessThanOrEqual(1);
    },
  );
});

test("a server that takes its time makes all wait", () => {
  const tasks = repeat(1000, () => task(1_000));
  const quick = simulateMakespan(workflow(tasks), { workers: 8 });
  const slow = simulateMakespan(workflow(tasks), {
    workers: 8,
    serverCosts: { messageUs: 0, taskUs: 500 },
  });
  expect(quick.serverBusyShare).toBe(0);
  expect(slow.makespanUs).toBeGreaterThan(400_000);
  expect(slow.serverBusyShare).toBeGreaterThan(0.8);
});

describe("our policy", () => {
  test("begins with what leads to the end last, once durations are known", () => {
    const tasks = [
      ...repeat(8, () => task(1_000_000)),
      task(1_000_000),
      task(9_000_000, { inputs: [{ task: 8, output: 0 }] }),
    ];
    const options = { workers: 1, cpusPerWorker: 2 };
    expect(simulateMakespan(workflow(tasks), options).makespanUs).toBeLessThanOrEqual(11_000_000);
  });

  test("slow links do not have tasks go to and fro between workers", () => {
    const tasks = [
      task(1_000_000, { outputs: [{ sizeBytes: 10_000_000_000 }] }),
      ...repeat(40, () => task(5_000_000, { outputs: [], inputs: [{ task: 0, output: 0 }] })),
    ];
    const report = simulateMakespan(workflow(tasks), {
      workers: 8,
      cpusPerWorker: 1,
      bytesPerUs: 30,
    });
    expect(report.serverMessages).toBeLessThan(10 * tasks.length);
    expect(report.makespanUs).toBe(201_000_000);
  });
});
