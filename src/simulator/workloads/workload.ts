import type { TaskPolicy } from "../../core/model/policies.ts";
import type { ResourceRequest } from "../../core/model/resources.ts";

export type WorkloadTask = {
  /** Symbol id. */
  readonly taskType: number;
  readonly config: Uint8Array;
  /** Client ids of tasks of this plan or of earlier ones. */
  readonly inputs: readonly number[];
  readonly request: ResourceRequest;
  readonly isResult: boolean;
  readonly label: string;
  readonly checkpointPath: string | undefined;
  readonly policy: TaskPolicy | undefined;
};

/** Task *i* has the client id `idBase + i`. */
export type WorkloadPlan = {
  readonly idBase: number;
  readonly tasks: readonly WorkloadTask[];
  readonly loadsCheckpoints: boolean;
  /** `at-once`: right behind the plan before it; `previous-ended`: once that one's results are known. */
  readonly submitted: "at-once" | "previous-ended";
};

/** What one client submits, in this order. */
export type Workload = readonly WorkloadPlan[];

/** What the shape of a workload depends on. */
export type WorkloadOptions = {
  /** About how many tasks there are to be. */
  readonly taskCount: number;
  /** Durations, sizes and random shapes. */
  readonly seed: number;
  /** Salts of this client's tasks start here, so that no two clients make the same values. */
  readonly saltBase: number;
};
