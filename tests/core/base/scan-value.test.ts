import fc from "fast-check";
import { expect, test } from "vitest";
import { scanValue } from "../../../src/core/base/scan-value.ts";

const never = (): boolean => false;

test("whatever is JSON survives JSON, and is found to", () => {
  // JSON has no negative zero.
  const value = fc
    .jsonValue()
    .filter((candidate) => !JSON.stringify([candidate], negativeZero).includes("negative"));
  fc.assert(
    fc.property(value, (candidate) => {
      expect(scanValue(candidate, never)).toBe("json");
      expect(JSON.parse(JSON.stringify(candidate))).toEqual(candidate);
    }),
  );
});

const negativeZero = (_: string, item: unknown): unknown =>
  Object.is(item, -0) ? "negative" : item;

const cycle: unknown[] = [];
cycle.push([cycle]);
const sparse: number[] = [];
sparse[2] = 1;
let deep: unknown = 1;
for (let i = 0; i < 100_000; i++) deep = [deep];

test.each<[string, unknown]>([
  ["undefined", undefined],
  ["undefined as a property", { a: undefined }],
  ["a hole", sparse],
  ["NaN", [Number.NaN]],
  ["infinity", Number.POSITIVE_INFINITY],
  ["negative zero", -0],
  ["a bigint", 1n],
  ["a date", new Date()],
  ["a map", { a: [new Map()] }],
  ["bytes", new Uint8Array(1)],
  ["an instance of a class", new (class Thing {})()],
  ["a function", () => 1],
  ["a cycle", cycle],
  ["what is nested deeply", deep],
])("%s does not", (_, value) => {
  expect(scanValue(value, never)).toBe("other");
});

test("what is special is found anywhere, before and behind what is not JSON", () => {
  const special = { isSpecial: true };
  const isSpecial = (value: object): boolean => value === special;
  for (const value of [special, [special], { a: [1n, { b: special }] }, [special, undefined]]) {
    expect(scanValue(value, isSpecial)).toBe("special");
  }
  expect(scanValue(new Map([[1, special]]), isSpecial)).toBe("other");
});
