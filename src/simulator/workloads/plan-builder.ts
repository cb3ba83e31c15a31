import { createRandom, type Random } from "../../core/base/random.ts";
import type { ResourceRequest } from "../../core/model/resources.ts";
import { CPUS, TASK_TYPE } from "../../core/model/symbols.ts";
import { encodeTaskWork, type TaskWork } from "../task-work.ts";
import type { WorkloadOptions, WorkloadPlan, WorkloadTask } from "./workload.ts";

export const ONE_CPU: ResourceRequest = [{ resource: CPUS, amount: 1 }];
export const LIGHT: ResourceRequest = [];

type TaskOptions = Partial<Omit<WorkloadTask, "taskType" | "inputs" | "config">> & {
  readonly work?: Partial<TaskWork>;
  /** Replaces `work`. */
  readonly config?: Uint8Array;
};

/** Collects the tasks of one plan; each call answers the client id of the task it has added. */
export type PlanBuilder = {
  readonly random: Random;
  add(taskType: number, inputs: readonly number[], options?: TaskOptions): number;
  /** A program on one cpu with a duration and a size by chance. */
  run(inputs: readonly number[], options?: TaskOptions): number;
  /** A light built-in that joins its inputs. */
  merge(inputs: readonly number[], options?: TaskOptions): number;
  build(options?: Partial<Pick<WorkloadPlan, "loadsCheckpoints" | "submitted">>): WorkloadPlan;
};

/** `options.idBase` is the client id of the first task, 0 unless given. */
export function createPlanBuilder(
  options: WorkloadOptions & { readonly idBase?: number },
): PlanBuilder {
  const idBase = options.idBase ?? 0;
  const random = createRandom(options.seed + idBase);
  const tasks: WorkloadTask[] = [];

  const add: PlanBuilder["add"] = (taskType, inputs, taskOptions = {}) => {
    const id = idBase + tasks.length;
    const { work, config, ...rest } = taskOptions;
    tasks.push({
      taskType,
      inputs,
      config:
        config ??
        encodeTaskWork({
          durationUs: 1,
          sizeBytes: 0,
          salt: options.saltBase + id,
          operation: "hash",
          fails: false,
          failures: 0,
          pieces: 0,
          ...work,
        }),
      request: LIGHT,
      isResult: false,
      label: "",
      checkpointPath: undefined,
      policy: undefined,
      ...rest,
    });
    return id;
  };

  const run: PlanBuilder["run"] = (inputs, taskOptions = {}) => {
    const work = {
      durationUs: 500 + random.below(20_000),
      sizeBytes: 100 + random.below(100_000),
      ...taskOptions.work,
    };
    return add(TASK_TYPE.run, inputs, { request: ONE_CPU, label: "run", ...taskOptions, work });
  };

  return {
    random,
    add,
    run,
    merge: (inputs, taskOptions) => add(TASK_TYPE.merge, inputs, taskOptions),
    build: (planOptions) => ({
      idBase,
      tasks,
      loadsCheckpoints: false,
      submitted: "at-once",
      ...planOptions,
    }),
  };
}
