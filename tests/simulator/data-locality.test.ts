import { expect, test } from "vitest";
import { runSimulation } from "../../src/simulator/run-simulation.ts";

test("a binary tree of 2^12 leaves on 4 workers moves at most 15 % of its edges' data", () => {
  const report = runSimulation({
    workload: "tree",
    taskCount: 2 ** 13 - 1,
    workerCount: 4,
    checksInvariants: false,
  });
  expect(report.executions).toBe(2 ** 13 - 1);
  expect(report.edgeBytes).toBe((2 ** 13 - 2) * 1_000_000);
  expect(report.bytesMoved / report.edgeBytes).toBeLessThanOrEqual(0.15);
});
