import { describe, expect, test } from "vitest";
import { runSimulation } from "../../src/simulator/run-simulation.ts";
import { WORKLOAD_NAMES } from "../../src/simulator/workloads/catalog.ts";

describe.each(WORKLOAD_NAMES.filter((name) => name !== "random"))("workload %s", (workload) => {
  test("ends well though the server dies at writes of its journal", () => {
    for (let seed = 1; seed <= 6; seed += 1) {
      const report = runSimulation({
        seed,
        workload,
        faults: ["died"],
        taskCount: 10 + (seed % 5) * 5,
        clientCount: 1 + (seed % 2),
        workerCount: 1 + (seed % 4),
        ...(seed % 3 === 0 ? {} : { workPerStep: 48 }),
      });
      expect(report.executions).toBeGreaterThan(0);
    }
  });
});
