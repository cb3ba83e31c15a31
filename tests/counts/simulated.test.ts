import { test } from "vitest";
import { runSimulation } from "../../src/simulator/run-simulation.ts";
import type { SimulationOptions } from "../../src/simulator/simulation-options.ts";
import { expectCounts } from "./expected.ts";

/** What a run costs a task; the simulator makes it the same on every machine. */
const CASES: readonly Partial<SimulationOptions>[] = [
  { workload: "independent", taskCount: 4_000, workerCount: 1 },
  { workload: "independent", taskCount: 4_000, workerCount: 4 },
  { workload: "chain", taskCount: 2_000, workerCount: 2 },
  { workload: "light-tree", taskCount: 4_095, workerCount: 2 },
  { workload: "tree", taskCount: 1_023, workerCount: 8 },
  { workload: "layered", taskCount: 2_000, workerCount: 16 },
  { workload: "layered", taskCount: 500, workerCount: 4, faults: ["lost"] },
];

test.each(CASES)("messages, bytes and steps of %o", (options) => {
  const report = runSimulation({ ...options, checksInvariants: false, fetchShare: 0.1 });
  const { taskCount = 1, workerCount = 0, faults = [] } = options;
  const name = [`${taskCount} tasks ${options.workload}`, `${workerCount} workers`, ...faults];
  expectCounts(name.join(", "), {
    messages: report.messages / taskCount,
    messageBytes: report.messageBytes / taskCount,
    executions: report.executions / taskCount,
    transfers: report.transfers / taskCount,
    bytesCrossing: report.edgeBytes === 0 ? 0 : report.bytesMoved / report.edgeBytes,
    schedulerEvents: report.scheduler.events / taskCount,
    rowsTouched: report.scheduler.rowsTouched / taskCount,
    placementCandidates: report.scheduler.placementCandidates / taskCount,
  });
});
