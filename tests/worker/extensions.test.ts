import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { defineTaskType, type ExecuteTask, type TaskInput } from "../../src/worker/extension.ts";
import { loadModules } from "../../src/worker/extensions/load-modules.ts";
import { runCustom } from "../../src/worker/extensions/run-custom.ts";
import { FILE_BYTES_MIN } from "../../src/worker/store/value-id.ts";
import {
  createValue,
  type Shape,
  shapeOf,
  testDirectory,
  testStore,
} from "./support/test-store.ts";

/** Runs one task of a type that does `execute`; nothing may be left. */
async function run(execute: ExecuteTask, inputs: Shape[] = [], config = ""): Promise<Shape> {
  const store = testStore();
  const { values } = store;
  const ids = [];
  for (const input of inputs) ids.push(await createValue(store, input));
  const task = { values, inputs: ids, config: Buffer.from(config), log: (): void => {} };
  try {
    const { signal } = new AbortController();
    const value = await runCustom(defineTaskType("my/test", execute), task, signal);
    const shape = await shapeOf(store, value);
    values.release(value);
    return shape;
  } finally {
    for (const id of ids) values.release(id);
    expect(values.count).toBe(0);
    await values.files.settled();
    expect(store.files()).toEqual([]);
  }
}

const large = "0123456789".repeat(FILE_BYTES_MIN / 8);

describe("what a task type returns becomes data", () => {
  test.each<[string, ExecuteTask, Shape[], Shape]>([
    ["text", () => "hällo", [], "hällo"],
    ["bytes", () => Uint8Array.of(65, 66), [], "AB"],
    ["large bytes", () => Buffer.from(large), [], large],
    ["an array", () => ["a", ["b", []], Buffer.from("c")], [], ["a", ["b", []], "c"]],
    ["an input", ({ inputs }) => inputs[1] as TaskInput, ["a", ["b"]], ["b"]],
    [
      "items",
      ({ inputs }) => inputs.flatMap((i) => i.items()),
      [["a", "b"], { index: ["c\n", "d"] }],
      ["a", "b", "c\n", "d"],
    ],
    ["one item", ({ inputs }) => (inputs[0] as TaskInput).item(1), [{ index: ["c\n", "d"] }], "d"],
    [
      "pieces",
      async function* () {
        yield "a";
        yield Buffer.from("b");
      } as unknown as ExecuteTask,
      [],
      "ab",
    ],
    ["an input's pieces", ({ inputs }) => (inputs[0] as TaskInput).chunks(), [large], large],
    ["config", ({ config }) => Buffer.concat([config, config]), [], "cc"],
    [
      "texts",
      async ({ inputs }) => (await Promise.all(inputs.map((i) => i.text()))).join("+"),
      ["x", "y"],
      "x+y",
    ],
    [
      "facts",
      ({ inputs }) =>
        JSON.stringify(inputs.map(({ type, sizeBytes, length }) => [type, sizeBytes, length])),
      ["ab", ["c"], { index: ["d"] }],
      '[["data",2,0],["array",1,1],["index",17,1]]',
    ],
  ])("%s", async (_, execute, inputs, shape) => {
    const found = await run(execute, inputs, "c");
    expect(
      JSON.stringify(found) === JSON.stringify(shape),
      JSON.stringify(found).slice(0, 200),
    ).toBe(true);
  });
});

describe("what it throws fails the task", () => {
  test.each<[string, ExecuteTask, RegExp]>([
    [
      "an error, with its stack",
      () => {
        throw new RangeError("too far");
      },
      /^Task type 'my\/test' failed: RangeError: too far\n {4}at .*extensions\.test\.ts/,
    ],
    ["anything", () => Promise.reject("just text"), /^Task type 'my\/test' failed: just text$/],
    [
      "a number returned",
      (() => 42) as unknown as ExecuteTask,
      /an async iterable of them, an input, or an array of these; got number/,
    ],
    ["nothing returned", (() => {}) as unknown as ExecuteTask, /got undefined/],
    ["null in an array", (() => ["a", null]) as unknown as ExecuteTask, /got null/],
    [
      "reading an array",
      ({ inputs }) => (inputs[0] as TaskInput).text(),
      /only raw data can be read/,
    ],
    [
      "a missing item",
      ({ inputs }) => (inputs[0] as TaskInput).item(1),
      /item 1 is out of range: the length is 1/,
    ],
    [
      "pieces that break",
      async function* () {
        yield large;
        throw new Error("broke");
      } as unknown as ExecuteTask,
      /broke/,
    ],
  ])("%s", async (_, execute, message) => {
    await expect(run(execute, [["a"]])).rejects.toMatchObject({
      name: "TaskError",
      failure: { message: expect.stringMatching(message) },
    });
  });

  test("an input is closed when its task has ended", async () => {
    let kept: TaskInput | undefined;
    await run(
      ({ inputs }) => {
        kept = inputs[0];
        return "";
      },
      ["a"],
    );
    await expect(kept?.read()).rejects.toThrow("only be read while its task runs");
  });

  test("pieces that nobody reads to the end are given up", async () => {
    const read = await run(
      async ({ inputs }) => {
        for await (const chunk of (inputs[0] as TaskInput).chunks()) return String(chunk.length);
        return "none";
      },
      ["a".repeat(5 * FILE_BYTES_MIN)],
    );
    expect(read).toBe(String(FILE_BYTES_MIN));
  });

  test("an aborted task rejects with the reason", async () => {
    const store = testStore();
    const aborting = new AbortController();
    const type = defineTaskType("my/slow", async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return "late";
    });
    const task = { values: store.values, inputs: [], config: new Uint8Array(0), log: () => {} };
    const running = runCustom(type, task, aborting.signal);
    aborting.abort(new Error("no longer wanted"));
    await expect(running).rejects.toThrow("no longer wanted");
    expect(store.values.count).toBe(0);
  });
});

describe("modules", () => {
  const mark = 'Symbol.for("hyperloom/task-type")';
  const write = (source: string): string => {
    const path = join(testDirectory(), "types.mjs");
    writeFileSync(path, source);
    return path;
  };

  test("all task types that it exports, each once", async () => {
    const path = write(`
      const type = (name) => ({ name, execute: () => name, [${mark}]: true });
      export const a = type("my/a");
      export { a as again };
      export const others = [type("my/b"), type("my/c")];
      export default a;
      export const somethingElse = 3;`);
    const types = await loadModules([path]);
    expect([...types.keys()].sort()).toEqual(["my/a", "my/b", "my/c"]);
  });

  test.each([
    ["export const x = 1;", "it exports no task type"],
    ["throw new Error('at once')", "at once"],
    ["this is no JavaScript", "cannot be loaded"],
    [
      `export const types = [1, 2].map(() => ({ name: "my/a", execute() {}, [${mark}]: true }));`,
      "task type 'my/a' is there twice",
    ],
  ])("%s", async (source, reason) => {
    const path = write(source);
    const failed = await loadModules([path]).catch((error) => error);
    expect(failed).toMatchObject({ name: "HyperloomError", code: "module-unusable" });
    expect(failed.message).toContain(path);
    expect(failed.message).toContain(reason);
  });

  test("one that is not there", async () => {
    await expect(loadModules(["/no/such/module.mjs"])).rejects.toThrow("/no/such/module.mjs");
  });

  test("a bad name is refused where it is defined", () => {
    expect(() => defineTaskType("count", () => "")).toThrow("prefix/name");
    expect(() => defineTaskType("loom/count", () => "")).toThrow("a prefix of its own");
  });
});
