import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  asJson,
  asLines,
  asText,
  type Client,
  isPythonObject,
  type PythonObject,
  type Task,
  tasks,
} from "../../../src/client/index.ts";
import { startCluster, type TestCluster } from "../../system/processes/cluster.ts";
import * as steps from "../modules/steps.ts";
import { PYTHON } from "./python/interpreter.ts";

type PythonSteps = {
  train(table: Buffer, depth: number): PythonObject;
  score(model: PythonObject, factor?: number): { depth: number; scaled: [number, null] };
  describe(value: unknown): string;
  length_of_view(data: Buffer, other: Buffer): string;
  give(kind: string): unknown;
  pass_on(value: unknown): unknown;
  fail(message: string): never;
  missing(): never;
};

const PYTHON_FILE = new URL("../modules/steps.py", import.meta.url);
const python = tasks.pythonModule<PythonSteps>(PYTHON_FILE);
const script = tasks.module(steps, new URL("../modules/steps.ts", import.meta.url));

let cluster: TestCluster;
let client: Client;

beforeAll(async () => {
  cluster = await startCluster({ workers: 2, cpus: 2, workerArgs: ["--python", PYTHON] });
  client = await cluster.connect();
});
afterAll(() => cluster[Symbol.asyncDispose]());

const run = <T>(task: Task<T>): Promise<T> => client.submit(task).gather();
const textOf = async (task: Task<Buffer>): Promise<string> => (await run(task)).toString();

describe("what Python gets", () => {
  test.each<[string, () => unknown, string]>([
    ["bytes", () => Buffer.from("ab"), "bytes b'ab'"],
    ["raw data of a task", () => tasks.const("ab"), "bytes b'ab'"],
    ["text that is an argument", () => "ab", "str 'ab'"],
    ["text that a function returned", () => script.shout("ab"), "bytes b'AB'"],
    ["raw data as text", () => asText(tasks.const("é")), "str 'é'"],
    ["raw data as lines", () => asLines(tasks.const("a\nb\n")), "list ['a', 'b']"],
    ["raw data as JSON", () => asJson(tasks.const("[1, null]")), "list [1, None]"],
    ["a value", () => ({ a: [1.5, true, null] }), "dict {'a': [1.5, True, None]}"],
    ["a value of a function", () => script.add(1, 2), "int 3"],
    ["a list of tasks", () => [script.add(1, 2), tasks.const("x")], "list [3, b'x']"],
    ["an array", () => script.pieces(tasks.const("abc"), 2), "list [b'ab', b'c']"],
    ["an empty array", () => tasks.array([]), "list []"],
    ["an index", () => tasks.split(tasks.const("a\nb")), "list [b'a\\n', b'b']"],
    ["nested arrays", () => tasks.array([tasks.array([tasks.const("x")])]), "list [[b'x']]"],
  ])("%s", async (_, make, text) => {
    expect(await textOf(python.describe(make()))).toBe(text);
  });

  test("a view of the bytes, where it says so", async () => {
    const large = tasks.run(["head", "-c", "3000000", "/dev/zero"]);
    expect(await textOf(python.length_of_view(large, large))).toBe("memoryview bytes 3000000");
  });

  test("nothing that only JavaScript has", () => {
    expect(() => python.describe(new Date())).toThrow(/must be bytes or what JSON can say/);
  });
});

describe("what TypeScript gets", () => {
  test.each<[string, unknown]>([
    ["text", Buffer.from("tèxt")],
    ["bytes", Buffer.from([0, 255])],
    ["list", [Buffer.from("a"), Buffer.from("b")]],
    ["number", 1.5],
    ["none", null],
    ["nested", { a: [1, [2, "é"]], b: true }],
    ["texts", ["a", "b"]],
  ])("%s", async (kind, value) => {
    expect(await run(python.give(kind))).toEqual(value);
    const echoed = script.echo(python.give(kind));
    expect(await run(echoed)).toEqual(value);
  });

  test.each(["large number", "not a number", "keys", "set"])("a handle: %s", async (kind) => {
    const handle = await run(python.give(kind));
    expect(isPythonObject(handle)).toBe(true);
  });
});

test("a Python object goes through TypeScript, in the cluster and by way of the client", async () => {
  const model = python.train(tasks.const("abc"), 2);
  const expected = { depth: 6, scaled: [18, null] };
  expect(await run(python.score(script.passOn(model), 3))).toEqual(expected);
  const [handle] = await run(script.echo([model]) as Task<PythonObject[]>);
  expect(handle?.sizeBytes).toBeGreaterThan(10);
  if (handle === undefined) throw new Error("no handle");
  expect(await run(python.score(handle, 3))).toEqual(expected);
  expect(await run(python.score(script.passOn(handle), 3))).toEqual(expected);
});

test("using it in TypeScript says what it is", async () => {
  const model = python.train(tasks.const("abc"), 2) as unknown as Task<steps.Model[]>;
  await expect(run(script.best(model))).rejects.toThrow(
    /handle to a Python object.*only Python functions can use/,
  );
});

test("an object of JavaScript goes through Python, which cannot look into it", async () => {
  const dates = new Map([["a", new Date(Date.UTC(2026, 0, 17))]]);
  const through = python.pass_on(script.echo(dates)) as Task<typeof dates>;
  expect(await run(script.days(through))).toEqual(new Map([["a", 17]]));
  expect(await textOf(python.describe(script.echo(dates)))).toMatch(/^StoredForeign/);
});

test("an error of Python shows the line of its file", async () => {
  await expect(run(python.fail("no such column"))).rejects.toThrow(
    new RegExp(`${PYTHON_FILE.pathname}", line 46, in fail.*ValueError: no such column`, "s"),
  );
  await expect(run(python.missing())).rejects.toThrow("steps.py has no function missing");
});

test("what stands for many tasks is refused", async () => {
  const each = python.describe(tasks.dget(script.pieces(tasks.const("abc"), 3)));
  await expect(run(python.describe([each]))).rejects.toThrow("given 3 inputs in place of 1");
  expect(await textOf(python.describe(tasks.array([each])))).toContain("[b\"bytes b'a'\"");
});

test("a Python file that is not there, and a time limit", async () => {
  expect(() => tasks.pythonModule("file:///nowhere.py")).toThrow(/address of a Python file/);
  const slow = tasks.pythonModule<{ wait(): void }>(
    new URL("../modules/wait.py", import.meta.url),
    { timeLimitMs: 300 },
  );
  await expect(run(slow.wait())).rejects.toThrow("time limit of 300 ms");
});
