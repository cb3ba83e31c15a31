import { TASK_TYPE } from "../../core/model/symbols.ts";
import { createPlanBuilder, LIGHT, type PlanBuilder } from "./plan-builder.ts";
import type { Workload, WorkloadOptions } from "./workload.ts";

/** Tasks without inputs, all of them results. */
export function independent(options: WorkloadOptions): Workload {
  const plan = createPlanBuilder(options);
  for (let task = 0; task < options.taskCount; task += 1) {
    plan.run([], { isResult: true, label: `part: ${task}` });
  }
  return [plan.build()];
}

/** Each task needs the one before it; every fourth is light. */
export function chain(options: WorkloadOptions): Workload {
  const plan = createPlanBuilder(options);
  let last = plan.run([]);
  for (let task = 1; task < options.taskCount; task += 1) {
    const request = task % 4 === 0 ? { request: LIGHT } : {};
    last = plan.run([last], { ...request, isResult: task === options.taskCount - 1 });
  }
  return [plan.build()];
}

/** A binary tree: its leaves make data, and each inner task reduces two. The root is the result. */
export function tree(options: WorkloadOptions): Workload {
  const plan = createPlanBuilder(options);
  const work = { sizeBytes: 1_000_000, durationUs: 10_000 };
  return binaryTree(
    plan,
    options.taskCount,
    () => plan.run([], { work, label: "leaf" }),
    (pair, isResult) => plan.run(pair, { work, isResult, label: "reduce" }),
  );
}

/** The same, but each inner task's data is as large as its inputs together, as that of a merge is. */
export function growingTree(options: WorkloadOptions): Workload {
  const plan = createPlanBuilder(options);
  const sizes = new Map<number, number>();
  const add = (inputs: readonly number[], isResult: boolean): number => {
    const sizeBytes = inputs.reduce((sum, input) => sum + (sizes.get(input) ?? 0), 0) || 10_000;
    const id = plan.run(inputs, { work: { sizeBytes, durationUs: 10_000 }, isResult });
    sizes.set(id, sizeBytes);
    return id;
  };
  return binaryTree(plan, options.taskCount, () => add([], false), add);
}

/** The same of built-ins that take next to no time: constants and merges. */
export function lightTree(options: WorkloadOptions): Workload {
  const plan = createPlanBuilder(options);
  return binaryTree(
    plan,
    options.taskCount,
    () => plan.add(TASK_TYPE.const, [], { work: { sizeBytes: 1000 } }),
    (pair, isResult) => plan.merge(pair, { isResult }),
  );
}

function binaryTree(
  plan: PlanBuilder,
  taskCount: number,
  addLeaf: () => number,
  addInner: (inputs: readonly number[], isResult: boolean) => number,
): Workload {
  let level: number[] = [];
  while (level.length * 2 < taskCount) level.push(addLeaf());
  while (level.length > 1) {
    const above: number[] = [];
    for (let left = 0; left < level.length; left += 2) {
      above.push(addInner(level.slice(left, left + 2), level.length <= 2));
    }
    level = above;
  }
  return [plan.build()];
}

/** Programs below, light merges above, as pipelines that end in one file have it. */
export function mergeTree(options: WorkloadOptions): Workload {
  const plan = createPlanBuilder(options);
  let level: number[] = [];
  while (level.length * 1.5 < options.taskCount) level.push(plan.run([]));
  while (level.length > 1) {
    const above: number[] = [];
    for (let first = 0; first < level.length; first += 3) {
      above.push(plan.merge(level.slice(first, first + 3), { isResult: level.length <= 3 }));
    }
    level = above;
  }
  return [plan.build()];
}

/** A square in which each task needs its left and its upper neighbor; the last row is the results. */
export function grid(options: WorkloadOptions): Workload {
  const plan = createPlanBuilder(options);
  const side = Math.max(2, Math.round(Math.sqrt(options.taskCount)));
  let above: number[] = [];
  for (let row = 0; row < side; row += 1) {
    const current: number[] = [];
    for (let column = 0; column < side; column += 1) {
      const inputs = [above[column], current[column - 1]].filter((id) => id !== undefined);
      current.push(plan.run(inputs, { isResult: row === side - 1 }));
    }
    above = current;
  }
  return [plan.build()];
}

/** Layers of random width; each task needs a few of the layer below, some of them twice. */
export function layered(options: WorkloadOptions): Workload {
  const plan = createPlanBuilder(options);
  const { random } = plan;
  let below: number[] = [];
  let made = 0;
  while (made < options.taskCount) {
    const layer: number[] = [];
    const width = 1 + random.below(Math.max(2, options.taskCount / 6));
    for (let task = 0; task < width && made < options.taskCount; task += 1) {
      const inputs: number[] = [];
      const inputCount = below.length === 0 ? 0 : random.below(4);
      for (let input = 0; input < inputCount; input += 1) {
        inputs.push(below[random.below(below.length)] ?? 0);
      }
      const isResult = random.unit() < 0.2 || made === options.taskCount - 1;
      const isLight = random.unit() < 0.3;
      layer.push(
        isLight
          ? plan.merge(inputs, { isResult })
          : plan.run(inputs, { isResult, label: `layer-${width % 3}: ${made}` }),
      );
      made += 1;
    }
    below = layer;
  }
  return [plan.build()];
}
