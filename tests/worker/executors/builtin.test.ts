import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DATA_TYPE, TASK_TYPE } from "../../../src/core/model/symbols.ts";
import { BUILTINS } from "../../../src/worker/executors/builtin/builtins.ts";
import { readValue } from "../../../src/worker/store/read-value.ts";
import type { Store } from "../../../src/worker/store/store.ts";
import {
  createValue,
  type Shape,
  shapeOf,
  testDirectory,
  testStore,
} from "../support/test-store.ts";

type Type = keyof typeof TASK_TYPE;

const u64 = (...numbers: (number | bigint)[]): Buffer => {
  const bytes = Buffer.alloc(8 * numbers.length);
  for (const [i, number] of numbers.entries()) bytes.writeBigUInt64LE(BigInt(number), 8 * i);
  return bytes;
};
const number = (value: number | bigint): string => u64(value).toString();

/** Runs the task at once if it can be, and aside, compares the two, and leaves nothing behind. */
async function run(type: Type, inputs: Shape[], config: string | Uint8Array = ""): Promise<Shape> {
  const store = testStore();
  const { values } = store;
  const builtin = BUILTINS.get(TASK_TYPE[type]);
  if (builtin === undefined) throw new Error(`no built-in ${type}`);
  const ids = [];
  for (const input of inputs) ids.push(await createValue(store, input));
  const task = { values, inputs: ids, config: Buffer.from(config) };
  let aside: Shape;
  try {
    const now = builtin.now(task);
    const value = await builtin.aside(task, new AbortController().signal);
    aside = await shapeOf(store, value);
    values.release(value);
    if (now !== undefined) {
      expect(await shapeOf(store, now)).toEqual(aside);
      values.release(now);
    }
  } finally {
    for (const id of ids) values.release(id);
    expect(values.count).toBe(0);
    await values.files.settled();
    expect(store.files()).toEqual([]);
  }
  return aside;
}

const index = (...items: string[]): Shape => ({ index: items });

describe("results", () => {
  test.each<[Type, Shape[], string | Uint8Array, Shape]>([
    ["const", [], "Hello", "Hello"],
    ["const", [], "", ""],
    ["merge", [], ",", ""],
    ["merge", ["a"], ",", "a"],
    ["merge", ["a", "", "b"], ", ", "a, , b"],
    ["merge", ["Hello ", "world!"], "", "Hello world!"],
    ["split", [""], "", index()],
    ["split", ["a"], "", index("a")],
    ["split", ["a\nb\n"], "", index("a\n", "b\n")],
    ["split", ["a\nb"], "", index("a\n", "b")],
    ["split", ["\n\n"], "\n", index("\n", "\n")],
    ["split", ["a, b, c"], ", ", index("a, ", "b, ", "c")],
    ["split", ["aaa"], "aa", index("aa", "a")],
    ["arrayMake", [], "", []],
    ["arrayMake", ["a", ["b"], index("c")], "", ["a", ["b"], index("c")]],
    ["get", [["a", ["b"]]], u64(1), ["b"]],
    ["get", [index("a\n", "b")], u64(0), "a\n"],
    ["get", [index("a\n", "b")], u64(1), "b"],
    ["slice", [["a", "b", "c"]], u64(1, 3), ["b", "c"]],
    ["slice", [["a", "b", "c"]], u64(1, 2n ** 64n - 1n), ["b", "c"]],
    ["slice", [["a", "b", "c"]], u64(2, 1), []],
    ["slice", [["a"]], u64(7, 9), []],
    ["slice", [index("a\n", "b\n", "c")], u64(0, 2), "a\nb\n"],
    ["slice", [index("a\n", "b\n", "c")], u64(1, 99), "b\nc"],
    ["slice", [index("a\n", "b\n", "c")], u64(3, 3), ""],
    ["size", [], "", number(0)],
    ["size", ["abc"], "", number(3)],
    ["size", ["abc", ["d", ["ef"]], index("g\n", "h")], "", number(6 + 3 + 24)],
    ["length", ["abc", ["d", ["ef"]], index("g\n", "h")], "", number(4)],
  ])("%s %j", async (type, inputs, config, result) => {
    expect(await run(type, inputs, config)).toEqual(result);
  });
});

describe("what is the task's fault fails the task", () => {
  test.each<[Type, Shape[], string | Uint8Array, string]>([
    ["const", ["a"], "", "expected no inputs, got 1"],
    ["merge", ["a", ["b"]], "", "expected raw data as input 1, got an array"],
    ["merge", [index("a")], "", "expected raw data as input 0, got an index"],
    ["split", [], "", "expected exactly 1 input, got 0"],
    ["split", [["a"]], "", "expected raw data as input 0, got an array"],
    ["get", ["a"], u64(0), "expected an array or an index, got raw data"],
    ["get", [["a"]], u64(1), "index 1 is out of range: the length is 1"],
    ["get", [index("a")], u64(2n ** 63n), `index ${2n ** 63n} is out of range: the length is 1`],
    ["get", [["a"]], "abc", "expected a config of one number of 8 bytes, got 3 bytes"],
    ["get", [["a"], ["b"]], u64(0), "expected exactly 1 input, got 2"],
    ["slice", [["a"]], u64(0), "expected a config of 2 numbers of 8 bytes, got 8 bytes"],
    ["slice", ["a"], u64(0, 1), "expected an array or an index, got raw data"],
    ["save", ["a"], "here.txt", "Path 'here.txt' is not absolute path"],
    ["save", ["a"], "", "expected a path, got an empty config"],
    ["save", [["a"]], "/tmp/x", "expected raw data as input 0, got an array"],
    ["open", [], Buffer.from([0xff]), 'expected a path in UTF-8, got "ÿ"'],
    [
      "open",
      [],
      "/no/such/file",
      "Cannot open file '/no/such/file': no such file or directory (ENOENT)",
    ],
    ["open", [], "/tmp", "Cannot open file '/tmp': it is a directory"],
  ])("%s %j", async (type, inputs, config, message) => {
    await expect(run(type, inputs, config)).rejects.toMatchObject({
      name: "TaskError",
      failure: { message },
    });
  });

  test("a sum that 8 bytes cannot hold", async () => {
    const { values } = testStore();
    let value = values.createBytes(Buffer.from("ab"));
    for (let i = 0; i < 64; i++) value = values.createArray(Uint32Array.of(value, value));
    const task = { values, inputs: [value], config: new Uint8Array(0) };
    expect(() => BUILTINS.get(TASK_TYPE.size)?.now(task)).toThrow("a sum below 2^64");
  });
});

describe("large data", () => {
  test("a constant is a file", async () => {
    const text = "x".repeat(3_000_000);
    expect((await run("const", [], text)) === text).toBe(true);
  });

  test("merge joins small and large, many and few", async () => {
    const large = "L".repeat(1_500_000);
    const inputs = [large, ...Array.from({ length: 3000 }, (_, i) => `${i}`), large, ""];
    expect((await run("merge", inputs, "--")) === inputs.join("--")).toBe(true);
  });

  test("split finds what an independent search finds, wherever chunks end", async () => {
    const piece = fc.constantFrom("a", "b", "ab", "bba", "x".repeat(50_000), "ab".repeat(70_000));
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 30 }),
        fc.constantFrom("a", "ab", "bba", "aab"),
        async (pieces, delimiter) => {
          const text = pieces.join("");
          const parts = text.split(delimiter);
          const items = parts.map((part, i) => (i < parts.length - 1 ? part + delimiter : part));
          if (items.at(-1) === "") items.pop();
          expect(await run("split", [text], delimiter)).toEqual({ index: items });
        },
      ),
      { numRuns: 40 },
    );
  }, 30_000);

  test("the loop turns while large data is split and merged", async () => {
    const store = testStore();
    const lines = await createValue(store, "a short line\n".repeat(2_000_000));
    let longestMs = 0;
    let lastMs = performance.now();
    const timer = setInterval(() => {
      longestMs = Math.max(longestMs, performance.now() - lastMs);
      lastMs = performance.now();
    }, 1);
    const task = { values: store.values, inputs: [lines], config: new Uint8Array(0) };
    const { signal } = new AbortController();
    const split = await BUILTINS.get(TASK_TYPE.split)?.aside(task, signal);
    const twice = { ...task, inputs: [lines, lines] };
    await BUILTINS.get(TASK_TYPE.merge)?.aside(twice, signal);
    clearInterval(timer);
    expect(store.values.length(split ?? lines)).toBe(2_000_000);
    expect(longestMs).toBeLessThan(100);
  });

  test("a canceled merge leaves no file", async () => {
    const store = testStore();
    const large = await createValue(store, "L".repeat(4_000_000));
    const aborting = new AbortController();
    const task = { values: store.values, inputs: [large, large], config: new Uint8Array(0) };
    const merging = BUILTINS.get(TASK_TYPE.merge)?.aside(task, aborting.signal);
    aborting.abort(new Error("canceled"));
    await expect(merging).rejects.toThrow("canceled");
    store.values.release(large);
    await store.values.files.settled();
    expect(store.files()).toEqual([]);
  });
});

describe("files of the user", () => {
  const open = async (store: Store, path: string): Promise<ReturnType<typeof store.objects.get>> =>
    BUILTINS.get(TASK_TYPE.open)?.aside(
      { values: store.values, inputs: [], config: Buffer.from(path) },
      new AbortController().signal,
    );

  test("open is the file's bytes, and never touches it", async () => {
    const store = testStore();
    const path = join(testDirectory(), "ä file");
    writeFileSync(path, "its content");
    const value = await open(store, path);
    if (value === undefined) throw new Error("not opened");
    expect(Buffer.from(await readValue(store.values, value)).toString()).toBe("its content");
    expect(store.values.sizeBytes(value)).toBe(11);
    store.values.release(value);
    expect(existsSync(path)).toBe(true);
  });

  test("save writes the whole file, over an old one, through a link", async () => {
    const directory = testDirectory();
    const path = join(directory, "saved");
    expect(await run("save", ["first"], path)).toBe("");
    expect(readFileSync(path, "utf8")).toBe("first");
    symlinkSync(path, join(directory, "link"));
    expect(await run("save", ["second"], join(directory, "link"))).toBe("");
    expect(readFileSync(path, "utf8")).toBe("second");
    expect(await run("save", ["nowhere"], "/dev/null")).toBe("");
    expect(readdirSync(directory).sort()).toEqual(["link", "saved"]);
  });

  test("save says why it cannot", async () => {
    const directory = testDirectory();
    mkdirSync(join(directory, "taken"));
    const missing = join(directory, "missing", "file");
    const failure = (message: string): object => ({ failure: { message } });
    await expect(run("save", ["a"], missing)).rejects.toMatchObject(
      failure(
        `Cannot save to '${missing}': the directory '${join(directory, "missing")}' does not exist`,
      ),
    );
    await expect(run("save", ["a"], join(directory, "taken"))).rejects.toMatchObject(
      failure(`Cannot save to '${join(directory, "taken")}': it is a directory`),
    );
    expect(readdirSync(directory)).toEqual(["taken"]);
  });
});

describe.each([
  ["json", "a JSON value"],
  ["jsobj", "a JavaScript object"],
  ["pyobj", "a Python object"],
  ["arrow", "an Arrow table"],
] as const)("a value of type %s", (name, words) => {
  const runOn = (type: Type, config: Uint8Array = Buffer.alloc(0)): string => {
    const { values } = testStore();
    const inputs = [values.createBytes(Buffer.from('{"a":1}'), DATA_TYPE[name])];
    const value = BUILTINS.get(TASK_TYPE[type])?.now({ values, inputs, config });
    return value === undefined ? "" : Buffer.from(values.bytes(value) ?? []).toString();
  };

  test("has a size and no items", () => {
    expect(runOn("size")).toBe(number(7));
    expect(runOn("length")).toBe(number(0));
  });

  test.each<[Type, Uint8Array]>([
    ["merge", Buffer.alloc(0)],
    ["split", Buffer.alloc(0)],
    ["save", Buffer.from("/tmp/never")],
  ])("is no raw data for %s", (type, config) => {
    expect(() => runOn(type, config)).toThrow(`expected raw data as input 0, got ${words}`);
  });

  test.each<[Type, Uint8Array]>([
    ["get", u64(0)],
    ["slice", u64(0, 1)],
  ])("has nothing for %s", (type, config) => {
    expect(() => runOn(type, config)).toThrow(`expected an array or an index, got ${words}`);
  });
});
