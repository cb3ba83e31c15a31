import { expect, test } from "vitest";
import { bytesText, countText, durationText } from "../../../src/core/base/units.ts";

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1536, "1.5 KiB"],
  [2 ** 30, "1.0 GiB"],
  [5 * 2 ** 50, "5120.0 TiB"],
])("%d bytes are %s", (bytes, text) => expect(bytesText(bytes)).toBe(text));

test.each([
  [0, "0 ms"],
  [0.0416, "0.04 ms"],
  [640.4, "640 ms"],
  [12_345, "12.3 s"],
])("%d ms are %s", (ms, text) => expect(durationText(ms)).toBe(text));

test("one is no plural", () => {
  expect([countText(1, "task"), countText(2, "task")]).toEqual(["1 task", "2 tasks"]);
});
