import { expect, test } from "vitest";
import { drawChart } from "../../examples/flights/chart.ts";
import { formatProgress } from "../../examples/flights/progress.ts";
import { type DelayReport, parseCells, parseHours } from "../../examples/flights/report.ts";
import { summarize } from "../../examples/flights/summary.ts";

const REPORT: DelayReport = {
  cells: parseCells("24\t-3\t5000\n24\t0\t2500\n88\t33\t2500\n"),
  hours: parseHours("6\t7500\t0\t-3\t-3\t0\n22\t2500\t2500\t33\t34\t35\n23\t1\t1\t200\t200\t200\n"),
};

test("progress shows what is done, running, the rate and the time left", () => {
  const counts = { done: 30, running: 2, total: 120, failed: 0 };
  expect(formatProgress(counts, 1_500)).toBe(
    `${"\u2588".repeat(7)}${"\u2591".repeat(21)} 30/120 tasks, 2 running, 20/s, 4.5 s left`,
  );
  expect(formatProgress({ ...counts, failed: 1 }, 60_000)).toContain(
    "2 running, 1 failed, 1/s, 3 min 0 s left",
  );
  expect(formatProgress({ done: 0, running: 0, total: 0, failed: 0 }, 0)).toContain("- left");
});

test("the summary compares the hours in which much flies", () => {
  const text = summarize(REPORT);
  expect(text).toContain("10,001 flights, 25.0 % more than 15 minutes late");
  expect(text).toMatch(/best hour {3}06:00 {2}0\.0 % late/);
  expect(text).toMatch(/worst hour {2}22:00 {2}100\.0 % late, 1 in 10 by more than 35 min/);
  expect(summarize({ cells: [], hours: [] })).toBe("No flights.\n");
});

test("the chart has a cell for each entry within its range, and both quantiles", () => {
  const chart = drawChart(REPORT);
  const count = (pattern: RegExp): number => chart.match(pattern)?.length ?? 0;
  const outside = drawChart({ ...REPORT, cells: [...REPORT.cells, ...parseCells("1 900 7\n")] });
  expect(outside.match(/<rect/g)?.length).toBe(count(/<rect/g));
  expect(chart).toContain("10,000 flights");
  expect(count(/>median</g)).toBe(1);
  expect(count(/>1 in 10 is later</g)).toBe(1);
  expect(chart).not.toMatch(/NaN|undefined|Infinity/);
});
