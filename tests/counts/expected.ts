import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "vitest";

const FILE = new URL("./expected.json", import.meta.url);
/** Worse by more than this is a regression. */
const WORSE_MAX = 1.05;
/** Better by more than this is to be written down, so that it is not lost unseen. */
const BETTER_MIN = 0.8;
/** Counts below are noise of their own. */
const SMALLEST = 0.001;

type Counts = Readonly<Record<string, number>>;

const read = (): Record<string, Counts> =>
  JSON.parse(readFileSync(FILE, "utf8")) as Record<string, Counts>;

/**
 * Compares counts, which depend on no clock, with the committed ones: none may be greater by more
 * than 5 percent, or `worseMax` times as great, and one that is smaller by a fifth, or less than
 * `betterMin` times as great, asks to be written down. With HYPERLOOM_WRITE_COUNTS=1
 * (`npm run counts`) they are written instead.
 */
export function expectCounts(
  name: string,
  counts: Counts,
  { worseMax = WORSE_MAX, betterMin = BETTER_MIN }: { worseMax?: number; betterMin?: number } = {},
): void {
  if (process.env["HYPERLOOM_WRITE_COUNTS"] === "1") {
    const rounded = Object.fromEntries(
      Object.entries(counts).map(([key, value]) => [key, Number(value.toPrecision(4))]),
    );
    const all = { ...read(), [name]: rounded };
    const sorted = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
    writeFileSync(FILE, `${JSON.stringify(sorted, undefined, 2)}\n`);
    return;
  }
  const expected = read()[name];
  expect(Object.keys(counts), `${name} is in tests/counts/expected.json`).toEqual(
    Object.keys(expected ?? {}),
  );
  for (const [key, value] of Object.entries(counts)) {
    const known = expected?.[key] ?? 0;
    expect(value, `${name}: more ${key} than before`).toBeLessThanOrEqual(
      known * worseMax + SMALLEST,
    );
    expect(
      value,
      `${name}: fewer ${key} than before. Well done: keep it by "npm run counts"`,
    ).toBeGreaterThanOrEqual(known * betterMin - SMALLEST);
  }
}
