import { POLICIES, type PolicyName } from "../policies/catalog.ts";
import { criticalPathUs, type Workflow, workUs } from "../workflows/workflow.ts";
import type { Knowledge } from "./makespan-options.ts";
import { type MakespanReport, simulateMakespan } from "./simulate-makespan.ts";

export type PredictionOptions = {
  readonly workers: number;
  readonly cpusPerWorker: number;
  readonly bytesPerUs: number;
  readonly latencyUs: number;
  readonly policy: PolicyName;
  readonly knowledge: Knowledge;
  readonly seed: number;
};

/** What a workflow would take on a cluster, and what another cluster would bring. */
export type Prediction = MakespanReport & {
  readonly workflow: string;
  readonly tasks: number;
  readonly workUs: number;
  readonly criticalPathUs: number;
  readonly alternatives: readonly {
    readonly workers: number;
    readonly transfers: "as given" | "take no time";
    readonly makespanUs: number;
    readonly utilization: number;
  }[];
};

/** Durations deviate by so much from what the workflow says, as the seed wants it. */
const NOISE = 0.01;

/** Throws HyperloomError `invalid-argument` where a task asks for more cpus than a worker has. */
export function predict(workflow: Workflow, options: PredictionOptions): Prediction {
  const simulate = (changed: Partial<PredictionOptions>): MakespanReport =>
    simulateMakespan(workflow, {
      ...options,
      noise: NOISE,
      ...changed,
      policy: POLICIES[options.policy](options.seed),
    });
  const { workers } = options;
  const report = simulate({});
  const alternative = (factor: number, given: Partial<PredictionOptions> = {}) => {
    const { makespanUs, utilization } = simulate({ workers: workers * factor, ...given });
    const transfers = given.bytesPerUs === undefined ? "as given" : "take no time";
    return { workers: workers * factor, transfers, makespanUs, utilization } as const;
  };
  return {
    ...report,
    workflow: workflow.name,
    tasks: workflow.tasks.length,
    workUs: workUs(workflow),
    criticalPathUs: criticalPathUs(workflow),
    alternatives: [
      alternative(2),
      alternative(4),
      alternative(1, { bytesPerUs: Number.POSITIVE_INFINITY }),
    ],
  };
}
