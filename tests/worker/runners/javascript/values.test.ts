import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { items, type PythonObject, tasks } from "../../../../src/client/index.ts";
import { HELD } from "../../../../src/core/model/python-object.ts";
import {
  createValues,
  cutLeaves,
  type Values,
} from "../../../../src/worker/runners/javascript/read-values.ts";
import { writeResult } from "../../../../src/worker/runners/javascript/write-result.ts";
import { type InputNode, RESULT_FILE_BYTES_MIN } from "../../../../src/worker/runners/messages.ts";
import { testDirectory } from "../../support/test-store.ts";

const DEPTH = 100_000;

const place = { directory: "/nowhere", createName: () => "never" };
const write = (value: unknown): ReturnType<typeof writeResult> => writeResult(value, place);

/** Values of calls with these inputs; of one with the last row, unless said otherwise. */
function read(
  nodes: readonly InputNode[],
  payload: string,
  inputs: readonly (readonly number[])[] = [[nodes.length - 1]],
): Values {
  return createValues(nodes, cutLeaves(nodes, Buffer.from(payload)).leafBytes, inputs);
}

test("arrays are read to any depth", () => {
  const nodes: InputNode[] = [{ type: "data", bytes: 4 }];
  for (let i = 0; i < DEPTH; i++) nodes.push({ type: "array", items: [i] });
  let value = read(nodes, "core").valueOf(DEPTH);
  let depth = 0;
  while (Array.isArray(value)) {
    value = value[0];
    depth += 1;
  }
  expect([depth, String(value)]).toEqual([DEPTH, "core"]);
});

test("calls that share an input, or a part of one, cannot change it for each other", () => {
  const nodes: InputNode[] = [
    { type: "data", bytes: 3 },
    { type: "array", items: [0] },
    { type: "array", items: [1, 0] },
  ];
  const values = read(nodes, "abc", [[0], [2]]);
  const first = values.valueOf(0) as Buffer;
  first.fill("1");
  const [[nested], direct] = values.valueOf(2) as [[Buffer], Buffer];
  nested.fill("2");
  expect([first, nested, direct].map(String)).toEqual(["111", "222", "abc"]);
});

test("an input of one call alone is a view of what came", () => {
  const nodes: InputNode[] = [{ type: "data", bytes: 3 }];
  const { leafBytes } = cutLeaves(nodes, Buffer.from("abc"));
  const values = createValues(nodes, leafBytes, [[0]]);
  expect(values.valueOf(0)).toBe(leafBytes[0]);
});

test("what is read a second time is what came", () => {
  const values = read(
    [
      { type: "json", bytes: 3 },
      { type: "array", items: [0, 0] },
    ],
    "[1]",
  );
  const [a, b] = values.valueOf(1) as [number[], number[]];
  a.push(2);
  expect([a, b]).toEqual([[1, 2], [1]]);
});

test("lists of bytes are written to any depth, in linear time", () => {
  let list: unknown = [Buffer.from("core")];
  for (let i = 1; i < DEPTH; i++) list = [list];
  const { nodes, payload } = write(list);
  expect(nodes).toHaveLength(DEPTH + 1);
  expect(nodes.at(-1)).toEqual({ type: "array", items: [DEPTH - 1] });
  expect(payload.map(String)).toEqual(["core"]);
});

test("large bytes are written to a file", () => {
  const directory = testDirectory();
  const bytes = Buffer.alloc(RESULT_FILE_BYTES_MIN, "x");
  const { nodes, payload } = writeResult([bytes, Buffer.from("y")], {
    directory,
    createName: () => "large",
  });
  expect(nodes[0]).toEqual({ type: "data", bytes: bytes.length, file: "large" });
  expect(readFileSync(join(directory, "large")).equals(bytes)).toBe(true);
  expect(payload.map(String)).toEqual(["y"]);
});

test("a task is written after its inputs, once however often it is used", () => {
  const run = tasks.run("cat", { stdin: tasks.const("x"), resources: { cpus: 2 } });
  const { nodes, isRedirect } = write(tasks.merge([run, run], { delimiter: "," }));
  expect(isRedirect).toBe(true);
  expect(nodes).toMatchObject([
    { type: "data", bytes: 1 },
    { type: "task", taskType: "loom/run/run", inputs: [0], request: { "loom/resource/cpus": 2 } },
    { type: "task", taskType: "loom/data/merge", inputs: [1, 1], config: 1, checkpointPath: "" },
  ]);
});

test("a chain of tasks is written to any length", () => {
  let chain = tasks.merge([]);
  for (let i = 1; i < DEPTH; i++) chain = tasks.merge([chain]);
  expect(write(chain).nodes).toHaveLength(DEPTH);
});

test("a list becomes an array if it says so, or holds nothing but bytes and handles", () => {
  const handle = { sizeBytes: 1, [HELD]: { row: 7 } } as PythonObject;
  const typesOf = (value: unknown): string[] => write(value).nodes.map(({ type }) => type);
  expect(typesOf([])).toEqual(["array"]);
  expect(typesOf([handle, Buffer.alloc(1)])).toEqual(["ref", "data", "array"]);
  expect(typesOf(items(["a", 1]))).toEqual(["data", "json", "array"]);
  expect(typesOf(["a", "b"])).toEqual(["json"]);
  expect(typesOf([Buffer.alloc(1), 1])).toEqual(["jsobj"]);
  expect(() => write({ handle })).toThrow(/Python object.*cannot be a part of a value/);
  expect(() => write({ task: tasks.merge([]) })).toThrow(/cannot be a part of a value/);
});
