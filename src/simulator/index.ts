export { drawOptions } from "./draw-options.ts";
export { FAULT_NAMES, type FaultName } from "./faults/catalog.ts";
export { KNOWLEDGES, type Knowledge } from "./makespan/makespan-options.ts";
export { type Prediction, type PredictionOptions, predict } from "./makespan/predict.ts";
export { minimizeFailure } from "./minimize.ts";
export { POLICY_NAMES, type PolicyName } from "./policies/catalog.ts";
export type { SimulationReport } from "./report.ts";
export { runSimulation } from "./run-simulation.ts";
export { SimulationFailure } from "./simulation-failure.ts";
export {
  DEFAULT_OPTIONS,
  reproducingCommand,
  type SimulationOptions,
} from "./simulation-options.ts";
export { readWorkflows } from "./workflows/read-workflows.ts";
export type { Workflow } from "./workflows/workflow.ts";
export { WORKLOAD_NAMES, type WorkloadName } from "./workloads/catalog.ts";
export type { Sabotage } from "./world.ts";
