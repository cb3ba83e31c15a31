import { DEFAULT_POLICY } from "../../core/model/policies.ts";
import type { ResourceRequest } from "../../core/model/resources.ts";
import { TASK_TYPE } from "../../core/model/symbols.ts";
import { GPUS, LICENSES } from "./mixtures.ts";
import { createPlanBuilder, LIGHT, ONE_CPU, type PlanBuilder } from "./plan-builder.ts";
import type { Workload, WorkloadOptions, WorkloadPlan } from "./workload.ts";

/**
 * What may be needed by later tasks. Items of arrays are values that no other task makes: what is
 * made of equal items is equal work, and a checker could not tell one from the other.
 */
type Made = { readonly data: number[]; readonly items: number[] };

const REQUESTS: readonly ResourceRequest[] = [
  ONE_CPU,
  ONE_CPU,
  ONE_CPU,
  LIGHT,
  [{ resource: GPUS, amount: 1 }],
  [{ resource: LICENSES, amount: 1 }],
];

/**
 * One to four plans of everything together: programs, functions and built-ins, fast ones and slow
 * ones, small results and large ones, chains, fans and tasks that need one input twice, expansions,
 * results in the middle, inputs from earlier plans, checkpoints. In one workload in four a few tasks
 * fail; in others none does, so that all of it has to end well.
 */
export function random(options: WorkloadOptions): Workload {
  const { random: source } = createPlanBuilder({ ...options, seed: options.seed + 31 });
  const failShare = source.unit() < 0.25 ? 3 / options.taskCount : 0;
  const planCount = 1 + source.below(4);
  const plans: WorkloadPlan[] = [];
  let results: number[] = [];
  let idBase = 0;
  for (let number = 0; number < planCount; number += 1) {
    const plan = createPlanBuilder({ ...options, idBase });
    const tasks = addTasks(plan, options, Math.ceil(options.taskCount / planCount), {
      failShare,
      earlier: results,
      isLast: number === planCount - 1,
    });
    const submitted = plan.random.unit() < 0.3 ? "previous-ended" : "at-once";
    plans.push(plan.build({ submitted, loadsCheckpoints: plan.random.unit() < 0.3 }));
    results = [...results, ...tasks.results];
    idBase += tasks.count;
  }
  return plans;
}

type Shape = {
  readonly failShare: number;
  /** Results of earlier plans. */
  readonly earlier: readonly number[];
  readonly isLast: boolean;
};

function addTasks(
  plan: PlanBuilder,
  options: WorkloadOptions,
  count: number,
  shape: Shape,
): { readonly results: number[]; readonly count: number } {
  const { random: source } = plan;
  const made: Made = { data: [...shape.earlier], items: [] };
  const results: number[] = [];
  // From chains, where each needs what was made last, to heaps, where it needs anything.
  const nearness = source.unit();
  let added = 0;

  const near = (ids: readonly number[]): number => {
    const back = source.unit() < nearness ? source.below(3) : source.below(ids.length);
    return ids[Math.max(0, ids.length - 1 - back)] ?? 0;
  };
  const inputsOf = (most: number): number[] => {
    if (made.data.length === 0) return [];
    return Array.from({ length: source.below(most + 1) }, () => near(made.data));
  };
  const note = (id: number, isResult: boolean): number => {
    added += 1;
    if (isResult) results.push(id);
    return id;
  };

  const addWork = (isResult: boolean): void => {
    const fails = source.unit() < shape.failShare;
    const isSlow = source.unit() < 0.05;
    const work = {
      durationUs: isSlow ? 300_000 : ([1, 80, 2_000, 20_000][source.below(4)] ?? 1),
      sizeBytes: [0, 50, 3_000, 200_000, 3_000_000][source.below(5)] ?? 0,
      fails,
      // Some are tried as often as they fail, and once more.
      failures: !fails && source.unit() < 0.06 ? 1 + source.below(3) : 0,
    };
    const policy =
      work.failures === 0
        ? undefined
        : { ...DEFAULT_POLICY, attemptsMax: 1 + work.failures, backoffMs: source.below(3) * 40 };
    const inputs = inputsOf(4);
    const label = source.unit() < 0.5 ? `group-${source.below(4)}: ${added}` : "";
    const kind = source.unit();
    if (kind < 0.2) made.data.push(note(plan.merge(inputs, { isResult, label }), isResult));
    else if (kind < 0.35) {
      const taskType = TASK_TYPE.const;
      made.data.push(note(plan.add(taskType, [], { work, isResult, policy }), isResult));
    } else {
      const request = REQUESTS[source.below(REQUESTS.length)] ?? ONE_CPU;
      // The path belongs to the plan: what an earlier run of the same work wrote is another's.
      const checkpointPath =
        source.unit() < 0.1
          ? `/random/${options.saltBase}/${shape.earlier.length}/${added}`
          : undefined;
      const details = { request, isResult, label, work, checkpointPath, policy };
      const id = note(plan.run(inputs, details), isResult);
      made.data.push(id);
      made.items.push(id);
    }
  };

  /** An array, its items one by one or in slices, what is made of each, and all of it joined. */
  const addExpansion = (): void => {
    const items = new Set(Array.from({ length: 1 + source.below(6) }, () => near(made.items)));
    const array = note(plan.add(TASK_TYPE.arrayMake, [...items]), false);
    const isSliced = source.unit() < 0.5;
    const each = note(plan.add(isSliced ? TASK_TYPE.dslice : TASK_TYPE.dget, [array]), false);
    const work = isSliced ? { operation: "fold" as const } : {};
    const mapped = note(plan.run([each], { work, label: "each" }), false);
    const isResult = source.unit() < 0.5;
    made.data.push(note(plan.merge([mapped], { isResult }), isResult));
  };

  while (added < count) {
    if (made.items.length > 2 && source.unit() < 0.04) addExpansion();
    else addWork(source.unit() < 0.15);
  }
  addWork(true);
  return { results, count: added };
}
