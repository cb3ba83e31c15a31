import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runToEnd } from "../../cli/processes/programs.ts";

const ROOT = join(import.meta.dirname, "../../..");
const DATA = join(ROOT, "node_modules/vega-datasets/data/flights-200k.json");

type Flight = { delay: number; distance: number; time: number };

/** The same statistics as the pipeline's, from the same file, by nothing but JavaScript. */
function computeIndependently(): { cells: number[][]; hours: number[][] } {
  const flights = JSON.parse(readFileSync(DATA, "utf8")) as Flight[];
  const counts = new Map<string, number>();
  const delaysByHour = new Map<number, number[]>();
  for (const { delay, time } of flights) {
    const key = `${Math.floor(time * 4)} ${Math.floor(delay / 3) * 3}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    const hour = Math.floor(time);
    const delays = delaysByHour.get(hour) ?? [];
    delays.push(delay);
    delaysByHour.set(hour, delays);
  }
  const cells = [...counts]
    .map(([key, count]) => [...key.split(" ").map(Number), count])
    .sort(([a = 0, b = 0], [c = 0, d = 0]) => a - c || b - d);
  const hours = [...delaysByHour]
    .sort(([a], [b]) => a - b)
    .map(([hour, delays]) => {
      delays.sort((a, b) => a - b);
      const quantile = (share: number): number =>
        delays[Math.max(Math.ceil(delays.length * share), 1) - 1] ?? Number.NaN;
      const late = delays.filter((delay) => delay > 15).length;
      return [hour, delays.length, late, quantile(0.1), quantile(0.5), quantile(0.9)];
    });
  return { cells, hours };
}

const readTable = (path: string): number[][] =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t").map(Number));

describe("the main job", { timeout: 120_000 }, () => {
  let output = "";
  beforeAll(() => {
    output = mkdtempSync(join(tmpdir(), "hyperloom-flights-"));
  });
  afterAll(() => rmSync(output, { recursive: true, force: true }));

  test.each([1, 7, 96])(
    "finds what an independent computation finds, in %i pieces",
    async (pieces) => {
      const expected = computeIndependently();
      const { code, stdout, stderr } = await runToEnd("hyperloom", [
        ...["run", "--workers", "2", join(ROOT, "examples/flights/main.ts"), "--"],
        ...["--pieces", String(pieces), "--output", output],
      ]);
      expect(code, stdout + stderr).toBe(0);
      expect(readTable(join(output, "flights-by-time-and-delay.tsv"))).toEqual(expected.cells);
      expect(readTable(join(output, "flights-by-hour.tsv"))).toEqual(expected.hours);

      const late = expected.hours.reduce((sum, hour) => sum + (hour[2] ?? 0), 0);
      expect(stdout).toContain(`200,000 flights, ${(late / 2_000).toFixed(1)} % more than`);
      // Five tasks for each piece, three for each hour, and the few at both ends.
      const [, done, total] = /(\d+)\/(\d+) tasks, 0 running/.exec(stderr) ?? [];
      expect(done).toBe(total);
      expect(Number(done)).toBeGreaterThanOrEqual(pieces * 5 + 24 * 3);

      const chart = readFileSync(join(output, "flight-delays.svg"), "utf8");
      expect(chart).toMatch(/^<svg /);
      expect(chart).not.toMatch(/NaN|undefined/);
    },
  );
});
