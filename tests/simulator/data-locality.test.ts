import { expect, test } from "vitest";
import { runSimulation } from "../../src/simulator/run-simulation.ts";

test.each(["tree", "light-tree", "growing-tree"] as const)(
  "a %s of 2^12 leaves on 4 workers moves at most 15 percent of its edges' data",
  (workload) => {
    const report = runSimulation({
      workload,
      taskCount: 2 ** 13 - 1,
      workerCount: 4,
      checksInvariants: false,
    });
    expect(report.executions).toBe(2 ** 13 - 1);
    expect(report.edgeBytes).toBeGreaterThan(0);
    expect(report.bytesMoved / report.edgeBytes).toBeLessThanOrEqual(0.15);
  },
  30_000,
);

test("a chain stays where it began", () => {
  const report = runSimulation({ workload: "chain", taskCount: 200, workerCount: 4 });
  expect(report.executions).toBe(200);
  expect(report.transfers).toBe(0);
});
