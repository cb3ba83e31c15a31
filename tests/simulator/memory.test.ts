import { expect, test } from "vitest";
import { drawOptions } from "../../src/simulator/draw-options.ts";
import { runSimulation } from "../../src/simulator/run-simulation.ts";
import { WORKLOAD_NAMES } from "../../src/simulator/workloads/catalog.ts";

const PLENTY_BYTES = 2 ** 40;

test.each(WORKLOAD_NAMES)(
  "%s: with a tenth of the memory all ends as it should, and memory is kept to",
  (workload) => {
    const options = { workload, seed: 1, taskCount: 120, memoryBytes: PLENTY_BYTES } as const;
    const free = runSimulation(options);
    expect(free.spilledBytes).toBe(0);
    const memoryBytes = Math.ceil(free.memoryPeakBytes / 10);
    const tight = runSimulation({ ...options, memoryBytes });
    expect(tight.spilledBytes).toBeGreaterThan(0);
    // What is larger than all of the memory comes in alone.
    expect(tight.memoryPeakBytes).toBeLessThanOrEqual(memoryBytes + tight.largestBytes);
  },
  60_000,
);

test("little memory and everything else that can go wrong", () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const memoryBytes = 50_000 * (1 + (seed % 5));
    const report = runSimulation({ ...drawOptions(seed), memoryBytes });
    expect(report.memoryPeakBytes).toBeLessThanOrEqual(memoryBytes + report.largestBytes);
  }
}, 120_000);
