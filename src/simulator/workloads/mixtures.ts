import { BUILTIN_SYMBOLS, CPUS, TASK_TYPE } from "../../core/model/symbols.ts";
import { createPlanBuilder, LIGHT, ONE_CPU } from "./plan-builder.ts";
import type { Workload, WorkloadOptions } from "./workload.ts";

/** The second and third kind of resource that simulated workers offer. */
export const GPUS: number = BUILTIN_SYMBOLS.length;
export const LICENSES: number = BUILTIN_SYMBOLS.length + 1;

/** Requests of several kinds and amounts in two layers. */
export function resources(options: WorkloadOptions): Workload {
  const plan = createPlanBuilder(options);
  const requests = [
    ONE_CPU,
    LIGHT,
    [{ resource: CPUS, amount: 2 }],
    [{ resource: GPUS, amount: 1 }],
    [
      { resource: CPUS, amount: 1 },
      { resource: GPUS, amount: 1 },
      { resource: LICENSES, amount: 1 },
    ],
    [{ resource: LICENSES, amount: 2 }],
  ];
  const half = Math.ceil(options.taskCount / 2);
  for (let task = 0; task < options.taskCount; task += 1) {
    const request = requests[plan.random.below(requests.length)] ?? ONE_CPU;
    const inputs = task < half ? [] : [task - half, plan.random.below(half)];
    plan.run(inputs, { request, isResult: task >= half });
  }
  return [plan.build()];
}

/** Calls of a few functions, most of them fast and some of them slow, among programs. */
export function functions(options: WorkloadOptions): Workload {
  const plan = createPlanBuilder(options);
  const count = 3;
  const codes = Array.from({ length: count }, () => plan.add(TASK_TYPE.pyValue, []));
  const below: number[] = [];
  for (let task = 0; task < options.taskCount; task += 1) {
    const { random } = plan;
    const which = random.below(count);
    const isSlow = which === 0 && random.unit() < 0.1;
    const durationUs = isSlow ? 20_000 : 50 + 1000 * which;
    const inputs = task < options.taskCount / 2 ? [] : [below[random.below(below.length)] ?? 0];
    const isResult = task === options.taskCount - 1 || random.unit() < 0.2;
    if (random.unit() < 0.1) below.push(plan.run(inputs, { isResult }));
    else {
      const taskType = which === 2 ? TASK_TYPE.jsCall : TASK_TYPE.pyCall;
      const request = random.unit() < 0.1 ? LIGHT : ONE_CPU;
      const work = { durationUs, sizeBytes: 100 };
      below.push(plan.add(taskType, [codes[which] ?? 0, ...inputs], { request, isResult, work }));
    }
  }
  return [plan.build()];
}

/** Half of it `dget` over an array, half of it `dslice` over an array and over an index. */
export function expansions(options: WorkloadOptions): Workload {
  const plan = createPlanBuilder(options);
  const width = Math.max(2, Math.floor(options.taskCount / 8));
  const parts: number[] = [];
  for (let part = 0; part < width; part += 1) parts.push(plan.run([]));
  const array = plan.add(TASK_TYPE.arrayMake, parts);
  const side = plan.run([]);

  const each = plan.add(TASK_TYPE.dget, [array]);
  const mapped = plan.run([side, each], { label: "map" });
  plan.merge([parts[0] ?? 0, mapped, side], { isResult: true });

  const slices = plan.add(TASK_TYPE.dslice, [array]);
  const folded = plan.run([slices], { work: { operation: "fold" }, label: "fold" });
  plan.merge([folded], { isResult: true });

  const table = plan.run([]);
  const index = plan.add(TASK_TYPE.split, [table], { work: { pieces: width * 3 } });
  const ranges = plan.add(TASK_TYPE.dslice, [index]);
  const counted = plan.run([ranges], { work: { operation: "fold" } });
  const joined = plan.merge([side, counted], { isResult: true });
  plan.run([joined], { isResult: true });
  return [plan.build()];
}

/**
 * Layers in which a few tasks fail by themselves; a plan without failures; and one that builds on a
 * result of the first and cannot but share its fate.
 */
export function failing(options: WorkloadOptions): Workload {
  const plan = createPlanBuilder(options);
  const half = Math.floor(options.taskCount / 2);
  for (let task = 0; task < half; task += 1) {
    const inputs = task < 3 ? [] : [plan.random.below(task), plan.random.below(task)];
    const fails = plan.random.unit() < 2 / Math.max(1, half);
    plan.run(inputs, { isResult: plan.random.unit() < 0.4 || task === half - 1, work: { fails } });
  }
  const second = createPlanBuilder({ ...options, idBase: half });
  for (let task = half; task < options.taskCount; task += 1) {
    const inputs = task === half ? [] : [half + second.random.below(task - half)];
    second.run(inputs, { isResult: task === half || task === options.taskCount - 1 });
  }
  const third = createPlanBuilder({ ...options, idBase: options.taskCount });
  const doomed = third.run([half - 1]);
  third.run([doomed, half], { isResult: true });
  return [plan.build(), second.build(), third.build()];
}

/** Plans that take results of earlier plans as inputs, some of them not finished yet. */
export function crossPlan(options: WorkloadOptions): Workload {
  const plans = 4;
  const width = Math.max(2, Math.floor(options.taskCount / plans));
  const built: Workload[number][] = [];
  let results: number[] = [];
  for (let number = 0; number < plans; number += 1) {
    const plan = createPlanBuilder({ ...options, idBase: number * width });
    const here: number[] = [];
    for (let task = 0; task < width; task += 1) {
      const inputs = results.length === 0 ? [] : [results[plan.random.below(results.length)] ?? 0];
      const isResult = task % 2 === 0 || task === width - 1;
      const id = plan.run(task % 3 === 2 ? [...inputs, number * width + task - 1] : inputs, {
        isResult,
      });
      if (isResult) here.push(id);
    }
    built.push(plan.build({ submitted: number === 2 ? "previous-ended" : "at-once" }));
    results = [...results, ...here];
  }
  return built;
}

/** A plan that writes checkpoints, and the same again, which loads those that are there. */
export function checkpoints(options: WorkloadOptions): Workload {
  const half = Math.max(3, Math.floor(options.taskCount / 2));
  return [0, half].map((idBase, number) => {
    // The same random choices and salts in both, so that their checkpoints hold the same values.
    const plan = createPlanBuilder({ ...options, seed: options.seed - idBase, idBase });
    for (let task = 0; task < half; task += 1) {
      const inputs = task < 2 ? [] : [idBase + plan.random.below(task)];
      plan.run(inputs, {
        work: { salt: options.saltBase + task },
        isResult: task % 5 === 4 || task === half - 1,
        checkpointPath: task % 3 === 0 ? `/checkpoints/${options.saltBase}/${task}` : undefined,
      });
    }
    return plan.build({
      loadsCheckpoints: number > 0,
      submitted: number > 0 ? "previous-ended" : "at-once",
    });
  });
}
