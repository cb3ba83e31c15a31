import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DATA_TYPE } from "../../src/core/model/symbols.ts";
import { loadCheckpoint } from "../../src/worker/checkpoints/load-checkpoint.ts";
import { writeCheckpoint } from "../../src/worker/checkpoints/write-checkpoint.ts";
import { FILE_BYTES_MIN, type ValueId } from "../../src/worker/store/value-id.ts";
import {
  createValue,
  type Shape,
  shapeOf,
  testDirectory,
  testStore,
} from "./support/test-store.ts";

const { signal } = new AbortController();

async function write(path: string, shape: Shape): Promise<void> {
  const store = testStore();
  const value = await createValue(store, shape);
  await writeCheckpoint(store.values, value, path, signal);
  store.values.release(value);
  expect(store.values.count).toBe(0);
}

async function load(path: string): Promise<{ shape: Shape | undefined; complaints: string[] }> {
  const store = testStore();
  const complaints: string[] = [];
  const value = await loadCheckpoint(store.values, path, (reason) => complaints.push(reason));
  const shape = value === undefined ? undefined : await shapeOf(store, value);
  if (value !== undefined) store.values.release(value);
  expect(store.values.count).toBe(0);
  return { shape, complaints };
}

describe("what was written is loaded", () => {
  test.each<[string, Shape, string, number]>([
    ["raw data", "Hello", "Hello", 1],
    ["nothing", "", "", 1],
    ["raw data that looks like something else", "loom checkpoint 1\n", "loom checkpoint 1\n", 1],
    ["an array", ["a", "", "bc"], "abc", 2],
    ["an empty array", [], "", 2],
    ["nested arrays", [["a", []], [["b"]], "c"], "abc", 2],
    ["an index", { index: ["a\n", "bc\n", ""] }, "a\nbc\n", 2],
    ["an array of an index", [{ index: ["a", "b"] }, "c"], "abc", 2],
  ])("%s", async (_, shape, bytes, fileCount) => {
    const directory = testDirectory();
    const path = join(directory, "point");
    await write(path, shape);
    expect(readFileSync(path, "utf8")).toBe(bytes);
    expect(readdirSync(directory)).toHaveLength(fileCount);
    expect(await load(path)).toEqual({ shape, complaints: [] });
  });

  test.each(["pyobj", "json", "jsobj", "arrow"] as const)("a %s stays one", async (name) => {
    const store = testStore();
    const path = join(testDirectory(), "point");
    const value = store.values.createBytes(Buffer.from("[1, 2]"), DATA_TYPE[name]);
    await writeCheckpoint(store.values, value, path, signal);
    const loaded = (await loadCheckpoint(store.values, path, () => {})) as ValueId;
    expect(store.values.dataType(loaded)).toBe(DATA_TYPE[name]);
    expect(await shapeOf(store, loaded)).toBe("[1, 2]");
  });

  test("large data", async () => {
    const path = join(testDirectory(), "point");
    const shape = [
      "L".repeat(3 * FILE_BYTES_MIN),
      { index: Array.from({ length: 200_000 }, (_, i) => `${i}\n`) },
    ];
    await write(path, shape);
    const { shape: loaded } = await load(path);
    expect(JSON.stringify(loaded) === JSON.stringify(shape)).toBe(true);
  });

  test("an array nested 100,000 deep", async () => {
    const store = testStore();
    const { values } = store;
    const path = join(testDirectory(), "point");
    let value = values.createBytes(Buffer.from("core"));
    for (let depth = 0; depth < 100_000; depth++) {
      const outer = values.createArray(Uint32Array.of(value));
      values.release(value);
      value = outer;
    }
    await writeCheckpoint(values, value, path, signal);
    values.release(value);
    const loaded = (await loadCheckpoint(values, path, () => {})) as ValueId;
    expect(values.messageCount(loaded)).toBe(100_001);
    values.release(loaded);
    expect(values.count).toBe(0);
  }, 30_000);
});

describe("over an older checkpoint", () => {
  test.each<[Shape, Shape]>([
    [["array"], "raw"],
    ["raw", ["array"]],
    [["a", "b"], { index: ["ab"] }],
  ])("%j, then %j", async (older, newer) => {
    const path = join(testDirectory(), "point");
    await write(path, older);
    writeFileSync(`${path}.loom.tmp`, "left by a worker that was killed");
    await write(path, newer);
    expect(await load(path)).toEqual({ shape: newer, complaints: [] });
  });

  test("a type file of another checkpoint is noticed", async () => {
    const path = join(testDirectory(), "point");
    await write(path, ["ab"]);
    writeFileSync(path, "cd");
    expect(await load(path)).toEqual({
      shape: undefined,
      complaints: [`'${path}.loom.type' belongs to another file`],
    });
    writeFileSync(`${path}.loom.type`, "what is this?");
    expect((await load(path)).complaints).toEqual([`'${path}.loom.type' is damaged`]);
    rmSync(`${path}.loom.type`);
    expect((await load(path)).shape).toBe("cd");
  });
});

test("one that is missing is not there, without a complaint", async () => {
  expect(await load(join(testDirectory(), "missing"))).toEqual({
    shape: undefined,
    complaints: [],
  });
});

test("a directory is no checkpoint", async () => {
  const path = testDirectory();
  expect((await load(path)).complaints).toEqual(["it is not a regular file"]);
});

describe("one that cannot be written says why", () => {
  test("no directory", async () => {
    const path = join(testDirectory(), "missing", "point");
    await expect(write(path, "a")).rejects.toMatchObject({
      failure: {
        message: `Cannot write checkpoint '${path}': no such file or directory (ENOENT)`,
      },
    });
  });

  test("a relative path", async () => {
    await expect(write("point", "a")).rejects.toThrow(
      "Checkpoint path 'point' is not absolute path",
    );
  });

  test("something in its place", async () => {
    const directory = testDirectory();
    mkdirSync(join(directory, "point"));
    await expect(write(join(directory, "point"), "a")).rejects.toThrow("directory (EISDIR)");
    expect(readdirSync(directory)).toEqual(["point"]);
  });
});
