import { createRandom } from "../core/base/random.ts";
import { FAULT_NAMES } from "./faults/catalog.ts";
import { pick } from "./faults/fault.ts";
import type { SimulationOptions } from "./simulation-options.ts";
import { DEFAULT_OPTIONS } from "./simulation-options.ts";
import { WORKLOAD_NAMES } from "./workloads/catalog.ts";

/** The options that a seed stands for: any workload, any cluster, any number of faults together. */
export function drawOptions(seed: number): SimulationOptions {
  const random = createRandom(seed ^ 0x0bad_cafe);
  const oneOf = <Item>(items: readonly Item[], otherwise: Item): Item =>
    pick(random, items) ?? otherwise;
  // Most plans are random ones, which mix all kinds of tasks.
  const workload = random.unit() < 0.4 ? "random" : oneOf(WORKLOAD_NAMES, "random");
  const taskCount = oneOf([10, 25, 60, 60, 120, 250], 60);
  // Few at a time can be understood; all at once find what nobody thought of.
  const share = oneOf([0, 0.1, 0.2, 0.4, 1], 0.2);
  return {
    ...DEFAULT_OPTIONS,
    seed,
    workload,
    taskCount,
    clientCount: taskCount > 100 ? 1 : 1 + random.below(3),
    workerCount: 1 + random.below(5),
    // Some of its tasks ask for two.
    cpusPerWorker: (workload === "resources" ? 2 : 1) + random.below(3),
    // A server that dies is no part of it so far: other faults at the same time are not understood.
    faults: FAULT_NAMES.filter((name) => name !== "died" && random.unit() < share),
    latencyUs: oneOf([20, 100, 100, 2_000, 20_000], 100),
    bytesPerUs: oneOf([10, 1000, 1000], 1000),
    fetchShare: oneOf([0, 0.5, 1], 0.5),
    givesAhead: random.unit() < 0.85,
    workPerStep: oneOf([48, 500, DEFAULT_OPTIONS.workPerStep], 500),
  };
}
