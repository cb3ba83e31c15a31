import { describe, expect, test } from "vitest";
import { formatFigure, formatName } from "../../benchmarks/harness/format.ts";
import type { ResultLine } from "../../benchmarks/harness/results.ts";
import { formatCase } from "../../benchmarks/harness/show-case.ts";
import { geometricMean, quantile } from "../../benchmarks/harness/statistics.ts";
import { formatFigures } from "../../benchmarks/report/figures.ts";
import { drawPlots } from "../../benchmarks/report/plots.ts";
import { replaceFigures } from "../../benchmarks/report/write-report.ts";

function line(tasksPerSecond: number, overrides: Partial<ResultLine> = {}): ResultLine {
  return {
    row: 1,
    title: "N independent tasks",
    case: "10k tasks, 1 worker",
    subject: "this",
    commit: "abc1234",
    at: "2026-01-02T03:04:05.000Z",
    command: "npm run bench -- 1",
    quick: false,
    machine: { cpu: "A cpu", cores: 2, memoryBytes: 8e9, kernel: "6.1", node: "v20.19.0" },
    headline: "tasksPerSecond",
    goals: [{ figure: "tasksPerSecond", atLeast: 200_000 }],
    peers: "original 99k/s",
    limits: { echoUs: 40 },
    wallSeconds: 1,
    cpuSeconds: { server: 0.5 },
    peakBytes: { server: 1e8 },
    figures: { tasksPerSecond, serverCpuUsPerTask: 2, othersPercent: 3 },
    ...overrides,
  };
}

test.each([
  ["tasksPerSecond", 412_345, "412k/s"],
  ["bytesPerSecond", 1_234_000_000, "1.23 GB/s"],
  ["keptAfterReleaseBytes", 36_400_000, "36.4 MB"],
  ["bytesPerTask", 120, "120 B"],
  ["serverCpuUsPerTask", 1.2345, "1.23 us"],
  ["loadDelayMs", 48.7, "48.7 ms"],
  ["crossedPercent", 9.79, "9.79 %"],
  ["ratio", 0.8512, "0.851"],
  ["ratio", Number.NaN, "-"],
])("%s of %d is written as %s", (name, value, expected) => {
  expect(formatFigure(name, value)).toBe(expected);
});

test.each([
  ["coldTasksPerSecond", "cold tasks"],
  ["serverCpuUsPerTask", "server cpu per task"],
  ["casesWithin3Percent", "cases within 3 percent"],
  ["crossedPercent", "crossed"],
  ["at64Nodes", "at 64 nodes"],
  ["p50Us", "p50"],
])("%s is called %s", (name, expected) => {
  expect(formatName(name)).toBe(expected);
});

test("a quantile lies between two values where it falls between", () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(quantile([5], 0.99)).toBe(5);
});

test("a geometric mean treats twice and half alike", () => {
  expect(geometricMean([2, 0.5])).toBeCloseTo(1);
});

describe("the table of a case", () => {
  const results = new Map([
    ["this", [line(300_000), line(200_000), line(400_000)]],
    ["against", [line(150_000, { subject: "against" })]],
  ]);

  test("says the median, the range, the goal, and the ratio to the other build", () => {
    const table = formatCase(line(0), results, []);
    expect(table.split("\n")[1]?.split(/ {2,}/)).toEqual([
      "tasks",
      "300k/s",
      "200k/s",
      "400k/s",
      ">= 200k/s",
      "reached",
      "150k/s",
      "x2.000",
    ]);
  });

  test("compares with an earlier run", () => {
    const table = formatCase(line(0), new Map([["this", [line(300_000)]]]), [line(600_000)]);
    expect(table.split("\n")[1]).toMatch(/600k\/s +x0\.500$/);
  });
});

describe("the figures of the document", () => {
  test("say what was missed", () => {
    const text = formatFigures([line(100_000), line(120_000), line(140_000)], []);
    expect(text).toContain("0 of 1 goals are reached");
    expect(text).toContain(
      "| 10k tasks, 1 worker | tasks | >= 200k/s | 120k/s (100k/s to 140k/s) | **missed** | original 99k/s |",
    );
  });

  test("name the command without the paths of the machine", () => {
    const command = "npm run bench -- 1 --quick --build ../before --out /somewhere/1.jsonl";
    const text = formatFigures([line(300_000, { command })], []);
    expect(text).toContain("by `npm run bench -- 1 --quick`.");
  });

  test("have the peer that was measured beside it", () => {
    const peer = line(2_400, { subject: "dask", goals: [] });
    expect(formatFigures([line(300_000), peer], [])).toContain("Dask here: 2.40k/s");
  });

  test("go between their marks, and nowhere else", () => {
    const [begin, end] = [
      "<!-- figures: written by npm run bench -- --report FILE -->",
      "<!-- end of figures -->",
    ];
    const document = `before\n${begin}\nold\n${end}\nafter\n`;
    expect(replaceFigures(document, "new\n")).toBe(`before\n${begin}\nnew\n${end}\nafter\n`);
    expect(() => replaceFigures("nothing", "new\n")).toThrow("expected <!-- figures");
  });
});

test("plots are drawn of what was measured, and only of that", () => {
  const plots = drawPlots([line(300_000), line(400_000, { case: "100k tasks, 1 worker" })]);
  expect([...plots.keys()]).toEqual(["throughput.svg", "cost.svg"]);
  for (const svg of plots.values()) {
    expect(svg).toMatch(/^<svg [^>]*viewBox="0 0 \d+ \d+"/);
    expect(svg).not.toContain("NaN");
  }
});
