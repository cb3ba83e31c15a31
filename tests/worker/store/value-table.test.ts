import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { DATA_TYPE } from "../../../src/core/model/symbols.ts";
import { createRawWriter } from "../../../src/worker/store/raw-writer.ts";
import { copyValue, readQuick, readValue } from "../../../src/worker/store/read-value.ts";
import { dropObject, putObject } from "../../../src/worker/store/store.ts";
import { FILE_BYTES_MIN, type ValueId } from "../../../src/worker/store/value-id.ts";
import { createValue, shapeOf, testDirectory, testStore } from "../support/test-store.ts";

test("sizes, lengths and frames are those of the task model", async () => {
  const store = testStore();
  const { values } = store;
  const facts = async (shape: Parameters<typeof createValue>[1]): Promise<number[]> => {
    const value = await createValue(store, shape);
    const found = [values.sizeBytes(value), values.length(value), values.messageCount(value)];
    values.release(value);
    return found;
  };
  expect(await facts("")).toEqual([0, 0, 1]);
  expect(await facts("Hello")).toEqual([5, 0, 1]);
  expect(await facts([])).toEqual([0, 0, 1]);
  expect(await facts(["ab", "cde"])).toEqual([5, 2, 3]);
  expect(await facts([["ab", []], "cde"])).toEqual([5, 2, 5]);
  expect(await facts({ index: ["a\n", "bc"] })).toEqual([4 + 24, 2, 2]);
  expect(await facts({ index: [] })).toEqual([8, 0, 2]);
  expect(values.count).toBe(0);
});

test("whatever is made and given back in whatever order, nothing is left", async () => {
  const step = fc.record({
    kind: fc.constantFrom("bytes", "range", "array", "index", "release", "retain"),
    a: fc.nat(),
    b: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
      const store = testStore();
      const { values } = store;
      /** References that the test owns, with the text or the shape that each must have. */
      const owned: { value: ValueId; shape: unknown }[] = [];
      const pick = (n: number): (typeof owned)[number] | undefined => owned[n % owned.length];
      for (const { kind, a, b } of steps) {
        const first = owned.length > 0 ? pick(a) : undefined;
        if (kind === "bytes" || first === undefined) {
          const text = `${a % 100}`.repeat(b % 50);
          owned.push({ value: await createValue(store, text), shape: text });
        } else if (kind === "array") {
          const second = pick(b) ?? first;
          const items = Uint32Array.of(first.value, second.value, first.value);
          const shape = [first.shape, second.shape, first.shape];
          if (JSON.stringify(shape).length > 5000) continue;
          owned.push({ value: values.createArray(items), shape });
        } else if (kind === "range" && typeof first.shape === "string") {
          const offset = b % (first.shape.length + 1);
          const sizeBytes = (b >> 3) % (first.shape.length - offset + 1);
          owned.push({
            value: values.createRange(first.value, offset, sizeBytes),
            shape: first.shape.slice(offset, offset + sizeBytes),
          });
        } else if (kind === "index") {
          const index = { index: ["x".repeat(a % 9), "yz", ""] };
          owned.push({ value: await createValue(store, index), shape: index });
        } else if (kind === "retain") {
          values.retain(first.value);
          owned.push({ ...first });
        } else if (kind === "release") {
          values.release(first.value);
          owned.splice(owned.indexOf(first), 1);
        }
      }
      for (const { value, shape } of owned) expect(await shapeOf(store, value)).toEqual(shape);
      for (const { value } of owned) values.release(value);
      expect(values.count).toBe(0);
    }),
    { numRuns: 60 },
  );
});

test("an array nested 100,000 deep is built, sized and dropped", () => {
  const { values } = testStore();
  let value = values.createBytes(Buffer.from("core"));
  for (let depth = 0; depth < 100_000; depth++) {
    const outer = values.createArray(Uint32Array.of(value));
    values.release(value);
    value = outer;
  }
  expect(values.count).toBe(100_001);
  expect(values.sizeBytes(value)).toBe(4);
  expect(values.messageCount(value)).toBe(100_001);
  values.release(value);
  expect(values.count).toBe(0);
});

test("large data is a read-only file, which goes with its last reference, a range's too", async () => {
  const store = testStore();
  const { values } = store;
  const bytes = Buffer.alloc(FILE_BYTES_MIN + 5, "0123456789");
  const value = await createValue(store, bytes);
  const [name = ""] = store.files();
  expect(statSync(join(store.directory, name)).mode & 0o777).toBe(0o444);
  const range = values.createRange(value, 3, FILE_BYTES_MIN);
  const inner = values.createRange(range, 7, 4);
  values.release(value);
  values.release(range);
  expect(Buffer.from(readQuick(values, inner)).toString()).toBe("0123");
  values.release(inner);
  await values.files.settled();
  expect(store.files()).toEqual([]);
  expect(values.count).toBe(0);
});

test("data is passed on in bounded chunks, whatever it lies in", async () => {
  const store = testStore();
  const { values } = store;
  for (const sizeBytes of [0, 1, 1000, FILE_BYTES_MIN - 1, FILE_BYTES_MIN, 5_000_000]) {
    const bytes = Buffer.alloc(sizeBytes, "abcdefghijk");
    const value = await createValue(store, bytes);
    const chunks: Buffer[] = [];
    await copyValue(
      values,
      value,
      (chunk) => {
        expect(chunk.length).toBeLessThanOrEqual(70_000);
        chunks.push(Buffer.from(chunk));
        return undefined;
      },
      { chunkBytes: 70_000, fromBytes: Math.min(3, sizeBytes) },
    );
    expect(Buffer.concat(chunks).equals(bytes.subarray(3))).toBe(true);
    expect(bytes.equals(await readValue(values, value))).toBe(true);
    values.release(value);
  }
});

test("a user's file is read, and left alone", async () => {
  const store = testStore();
  const { values } = store;
  const path = join(testDirectory(), "mine.txt");
  writeFileSync(path, "mine");
  const value = values.createFile(path, 4, { isOwned: false });
  expect(Buffer.from(await readValue(values, value)).toString()).toBe("mine");
  values.release(value);
  await values.files.settled();
  expect(existsSync(path)).toBe(true);
});

test("a file that has shrunk since it was opened is named", async () => {
  const { values } = testStore();
  const path = join(testDirectory(), "shrinking");
  writeFileSync(path, "12");
  const value = values.createFile(path, 4, { isOwned: false });
  await expect(readValue(values, value)).rejects.toThrow(`'${path}' is shorter than`);
  expect(() => readQuick(values, value)).toThrow(`'${path}' is shorter than`);
});

test("a writer that is given up leaves nothing", async () => {
  const store = testStore();
  const writer = createRawWriter(store.values, { sizeBytes: 2_000_000 });
  await writer.write(Buffer.alloc(1_500_000));
  await writer.abort();
  await store.values.files.settled();
  expect(store.files()).toEqual([]);
  expect(store.values.count).toBe(0);
});

test("objects are found by task and attempt, and the first copy stays", async () => {
  const store = testStore();
  const { values, objects } = store;
  const first = values.createBytes(Buffer.from("1"));
  const second = values.createBytes(Buffer.from("2"), DATA_TYPE.pyobj);
  expect(putObject(store, 7, 1, first)).toBe(true);
  expect(putObject(store, 7, 2, second)).toBe(true);
  expect(putObject(store, 7, 1, values.createBytes(Buffer.from("again")))).toBe(false);
  expect(objects.get(7, 1)).toBe(first);
  expect(objects.get(7, 2)).toBe(second);
  expect(objects.get(7, 3)).toBeUndefined();
  dropObject(store, 7, 2);
  dropObject(store, 7, 2);
  expect(objects.get(7, 1)).toBe(first);
  expect(values.count).toBe(1);
  dropObject(store, 7, 1);
  expect(objects.size).toBe(0);
  expect(values.count).toBe(0);
});
