import { test } from "vitest";
import { runSimulation } from "../../src/simulator/run-simulation.ts";
import type { SimulationOptions } from "../../src/simulator/simulation-options.ts";

/** What once failed, with what was wrong. */
const CASES: readonly (readonly [story: string, options: Partial<SimulationOptions>])[] = [
  [
    "a plan that builds on two failing ones is told failed once, though a third one holds its tasks",
    { seed: 254, workload: "random", taskCount: 120, workerCount: 1, fetchShare: 1 },
  ],
  [
    "two workers with equal loads do not steal one task from each other for ever",
    {
      seed: 379,
      workload: "independent",
      clientCount: 3,
      workerCount: 5,
      cpusPerWorker: 3,
      faults: ["slow", "release", "stalled", "delayed", "reordered", "full"],
      workPerStep: 48,
    },
  ],
  [
    "results may be released of a plan that is being refused, as what it builds on has just failed",
    {
      seed: 932,
      workload: "random",
      taskCount: 10,
      clientCount: 3,
      cpusPerWorker: 3,
      latencyUs: 2_000,
      fetchShare: 0,
      faults: ["release"],
      workPerStep: 500,
    },
  ],
  [
    "a worker that returns and repeats its reports does not fail for a second time what is tried again",
    {
      seed: 108,
      workload: "random",
      clientCount: 2,
      workerCount: 2,
      cpusPerWorker: 3,
      latencyUs: 20_000,
      fetchShare: 1,
      faults: ["slow", "cut"],
      workPerStep: 48,
      givesAhead: false,
    },
  ],
  [
    "a client that comes back to another server may release what that has let go already",
    {
      seed: 854,
      workload: "random",
      taskCount: 19,
      clientCount: 3,
      workerCount: 3,
      faults: ["died"],
      workPerStep: 8,
    },
  ],
  [
    "a client that comes back sends its plans again before it releases what they use",
    {
      seed: 362,
      workload: "random",
      taskCount: 10,
      clientCount: 2,
      workerCount: 2,
      faults: ["died"],
      workPerStep: 48,
    },
  ],
];

test.each(CASES)("%s", (_, options) => {
  runSimulation(options);
});
