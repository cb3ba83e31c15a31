import { checkpoints, crossPlan, expansions, failing, functions, resources } from "./mixtures.ts";
import { random } from "./random.ts";
import {
  chain,
  grid,
  growingTree,
  independent,
  layered,
  lightTree,
  mergeTree,
  tree,
} from "./shapes.ts";
import type { Workload, WorkloadOptions } from "./workload.ts";

export type WorkloadName =
  | "independent"
  | "chain"
  | "tree"
  | "light-tree"
  | "growing-tree"
  | "merge-tree"
  | "grid"
  | "layered"
  | "resources"
  | "expansions"
  | "failing"
  | "cross-plan"
  | "checkpoints"
  | "functions"
  | "random";

/** The workloads by the names that the command line knows. */
export const WORKLOADS: Readonly<Record<WorkloadName, (options: WorkloadOptions) => Workload>> = {
  independent,
  chain,
  tree,
  "light-tree": lightTree,
  "growing-tree": growingTree,
  "merge-tree": mergeTree,
  grid,
  layered,
  resources,
  expansions,
  failing,
  "cross-plan": crossPlan,
  checkpoints,
  functions,
  random,
};

export const WORKLOAD_NAMES: readonly WorkloadName[] = Object.keys(WORKLOADS) as WorkloadName[];
