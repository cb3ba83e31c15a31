import { describe, expect, test } from "vitest";
import type { FaultName } from "../../src/simulator/faults/catalog.ts";
import { runSimulation } from "../../src/simulator/run-simulation.ts";
import { WORKLOAD_NAMES } from "../../src/simulator/workloads/catalog.ts";

const SEEDS = 20;

const FAULT_SETS: readonly (readonly FaultName[])[] = [
  [],
  ["lost"],
  ["slow"],
  ["late"],
  ["leave"],
  ["release"],
  ["flaky"],
  ["lost", "slow", "late", "release", "leave", "flaky", "vanish"],
];

test("checkpoints that vanish are computed again", () => {
  let executions = 0;
  let executionsWithFaults = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const options = { seed, workload: "checkpoints" } as const;
    executions += runSimulation(options).executions;
    executionsWithFaults += runSimulation({ ...options, faults: ["vanish"] }).executions;
  }
  expect(executionsWithFaults).toBeGreaterThan(executions + SEEDS);
});

// For the course of events these two are like `tree`.
const names = WORKLOAD_NAMES.filter((name) => name !== "light-tree" && name !== "growing-tree");

describe.each(names)("workload %s", (workload) => {
  test.each(FAULT_SETS.map((faults) => [faults.join(" ") || "no faults", faults] as const))(
    "with %s ends well",
    (_, faults) => {
      for (let seed = 1; seed <= SEEDS; seed += 1) {
        const report = runSimulation({
          seed,
          workload,
          faults,
          taskCount: 10 + (seed % 5) * 5,
          clientCount: 1 + (seed % 2),
          workerCount: 1 + (seed % 4),
          latencyUs: seed % 5 === 0 ? 20_000 : 100,
          // So little that plans take many steps to come and to go.
          ...(seed % 3 === 0 ? {} : { workPerStep: 48 }),
        });
        // A client may leave before anything of its plans has begun.
        if (!faults.includes("leave")) expect(report.executions).toBeGreaterThan(0);
      }
    },
  );
});
