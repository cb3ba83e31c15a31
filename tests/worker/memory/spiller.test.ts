import { chmodSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createSpiller } from "../../../src/worker/memory/spiller.ts";
import { readValue } from "../../../src/worker/store/read-value.ts";
import type { ValueId } from "../../../src/worker/store/value-id.ts";
import { shapeOf, testStore } from "../support/test-store.ts";

function spillStore({ quotaBytes = Number.POSITIVE_INFINITY, keepFreeBytes = 0 } = {}) {
  const store = testStore();
  const directory = join(store.directory, "spill");
  mkdirSync(directory);
  const { values } = store;
  const spiller = createSpiller({ values, directory, quotaBytes, keepFreeBytes });
  const bytesOf = (text: string): ValueId => values.createBytes(Buffer.from(text));
  /** Spills all that can be. */
  const spillAll = () => spiller.spill(values.cold.takeColdest(Number.POSITIVE_INFINITY));
  return { store, values, directory, spiller, bytesOf, spillAll };
}

test("spilled values read as before, also those that are made of them", async () => {
  const { store, values, directory, bytesOf, spillAll } = spillStore();
  const a = bytesOf("a".repeat(200));
  const b = bytesOf("b".repeat(300));
  const before = values.createRange(b, 10, 50);
  const array = values.createArray(Uint32Array.of(a, b, before));
  expect(await spillAll()).toBe(undefined);
  expect(readdirSync(directory)).toHaveLength(1);
  const after = values.createRange(b, 100, 7);
  const afterOfBefore = values.createRange(before, 1, 3);
  expect(values.bytes(a)).toBe(undefined);
  expect(await shapeOf(store, array)).toEqual(["a".repeat(200), "b".repeat(300), "b".repeat(50)]);
  expect(await shapeOf(store, after)).toBe("b".repeat(7));
  expect(await shapeOf(store, afterOfBefore)).toBe("bbb");
  expect(values.files.spilledBytes).toBe(500);
  for (const value of [a, b, before, array, after, afterOfBefore]) values.release(value);
  await values.files.settled();
  expect(readdirSync(directory)).toEqual([]);
  expect([values.count, values.files.spilledBytes, values.files.ownedBytes]).toEqual([0, 0, 0]);
});

test("memory is given back, and views of it stay as they are", async () => {
  const { values, bytesOf, spillAll } = spillStore();
  const owned = Array.from({ length: 20 }, (_, i) => bytesOf(String(i % 10).repeat(400_000)));
  const view = values.bytes(owned[0] as ValueId);
  expect(values.memoryBytes).toBeGreaterThanOrEqual(8_000_000);
  // Reading it was a use: it gets a second chance.
  await spillAll();
  expect(values.memoryBytes).toBeLessThan(3_000_000);
  expect(view?.every((byte) => byte === 0x30)).toBe(true);
  for (const value of owned) values.release(value);
});

test("values that are released while they are written leave nothing", async () => {
  const { values, directory, bytesOf, spillAll } = spillStore();
  const [a, b] = [bytesOf("a".repeat(100)), bytesOf("b".repeat(100))];
  const spilled = spillAll();
  values.release(a);
  await spilled;
  expect(values.count).toBe(2); // b, and the file it is in
  expect(Buffer.from(await readValue(values, b)).toString()).toBe("b".repeat(100));
  values.release(b);
  await values.files.settled();
  expect(readdirSync(directory)).toEqual([]);
});

test("what the quota or the disk has no room for stays in memory, and the reason is told", async () => {
  const quota = spillStore({ quotaBytes: 150 });
  const kept = quota.bytesOf("a".repeat(200));
  expect(await quota.spillAll()).toMatchObject({
    entries: Uint32Array.of(kept),
    sizesBytes: Uint32Array.of(200),
    reason: "the quota of 150 B for spilled data is used up (--spill-quota)",
  });
  expect(quota.values.bytes(kept)).toHaveLength(200);
  quota.values.release(kept);

  const guarded = spillStore({ keepFreeBytes: 2 ** 60 });
  const value = guarded.bytesOf("a".repeat(200));
  expect((await guarded.spillAll())?.reason).toMatch(
    /^only .* are free on the disk of '.*', of which .* are kept free$/,
  );
  guarded.values.release(value);
});

test("a directory that cannot be written to fails the spill and nothing else", async () => {
  const { values, directory, bytesOf, spillAll } = spillStore();
  const value = bytesOf("a".repeat(200));
  chmodSync(directory, 0o000);
  // The superuser may write anywhere, but not where there is nothing.
  if (process.getuid?.() === 0)
    await import("node:fs/promises").then(({ rm }) => rm(directory, { recursive: true }));
  expect((await spillAll())?.reason).toMatch(/EACCES|ENOENT/);
  expect(values.bytes(value)).toHaveLength(200);
  values.release(value);
});
