export { FAULT_NAMES, type FaultName } from "./faults.ts";
export type { SimulationReport } from "./report.ts";
export { runSimulation } from "./run-simulation.ts";
export { SimulationFailure } from "./simulation-failure.ts";
export {
  DEFAULT_OPTIONS,
  reproducingCommand,
  type SimulationOptions,
} from "./simulation-options.ts";
export { WORKLOAD_NAMES, type WorkloadName } from "./workloads/catalog.ts";
export type { Sabotage } from "./world.ts";
