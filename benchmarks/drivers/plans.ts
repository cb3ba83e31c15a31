import type { Task } from "../../src/client/index.ts";
import { median } from "../harness/statistics.ts";
import { cpuFigures, createMeter } from "./meter.ts";
import type { Scenario, ScenarioContext, Tasks } from "./scenario.ts";
import { watchWrites } from "./watch-writes.ts";

const LAYER_WIDTH = 1000;

/** `count` constants of one byte. */
export function constants(tasks: Tasks, count: number): Task<Buffer>[] {
  return Array.from({ length: count }, () => tasks.const("x"));
}

/** A binary tree of merges over `leafCount` constants; its root. */
export function mergeTree(tasks: Tasks, leafCount: number): Task<Buffer> {
  let level = constants(tasks, leafCount);
  while (level.length > 1) {
    const next: typeof level = [];
    for (let i = 0; i < level.length; i += 2) next.push(tasks.merge(level.slice(i, i + 2)));
    level = next;
  }
  return level[0] as Task<Buffer>;
}

/** One task after the other, each merging only the one before it; the last. */
export function chain(tasks: Tasks, length: number): Task<Buffer> {
  let last = tasks.const("x");
  for (let i = 0; i < length; i++) last = tasks.merge([last]);
  return last;
}

/** As `chain`, but each task must run on another worker than the one before it. */
function zigzag(tasks: Tasks, length: number): Task<Buffer> {
  const sides = [{ resources: { left: 1 } }, { resources: { right: 1 } }] as const;
  let last = tasks.const("x", sides[1]);
  for (let i = 0; i < length; i++) last = tasks.merge([last], sides[i % 2 === 0 ? 0 : 1]);
  return last;
}

/** Layers of tasks that merge two of the layer below each; one array of the last. */
export function layers(tasks: Tasks, size: number): Task {
  let layer: Task<Buffer>[] = constants(tasks, LAYER_WIDTH);
  for (let made = LAYER_WIDTH; made < size; made += LAYER_WIDTH) {
    const below = layer;
    layer = below.map((task, i) =>
      tasks.merge([task, below[(i + 1) % LAYER_WIDTH] as Task<Buffer>]),
    );
  }
  return tasks.array(layer);
}

/** By name: makes the tasks that are submitted, which need all others. */
const SHAPES: Readonly<Record<string, (tasks: Tasks, size: number) => readonly Task[]>> = {
  array: (tasks, size) => [tasks.array(constants(tasks, size))],
  merge: (tasks, size) => [tasks.merge(constants(tasks, size))],
  results: constants,
  tree: (tasks, size) => [mergeTree(tasks, size)],
  chain: (tasks, size) => [chain(tasks, size)],
  zigzag: (tasks, size) => [zigzag(tasks, size)],
};

/** Number of tasks of a shape, its last one aside where there is only one of those. */
export function taskCountOf(shape: string, size: number): number {
  return shape === "tree" ? 2 * size - 1 : size;
}

/**
 * Runs one plan: from the first byte of the encoded plan written to all results ready.
 * @returns seconds from that byte, and from the call of `submit`, which encodes
 */
async function runPlan(
  { client, tasks }: ScenarioContext,
  shape: string,
  size: number,
): Promise<{ seconds: number; withEncodingSeconds: number }> {
  const make = SHAPES[shape];
  if (make === undefined) throw new Error(`no shape ${shape}`);
  const roots = make(tasks, size);
  const writes = watchWrites();
  const submittedMs = performance.now();
  const futures = client.submit(roots);
  await client.wait(futures);
  const readyMs = performance.now();
  writes.stop();
  client.release(futures);
  // So that the next plan does not run while this one is given back.
  await client.stats();
  return {
    seconds: (readyMs - writes.firstAtMs()) / 1000,
    withEncodingSeconds: (readyMs - submittedMs) / 1000,
  };
}

/**
 * `size` tasks of a shape in one plan: the first plan of a fresh cluster and client ("cold"), then
 * `repeats` more, whose median counts.
 */
export const plans: Scenario = async (context) => {
  const shape = context.text("shape");
  const size = context.number("size");
  const repeats = context.number("repeats");
  const taskCount = taskCountOf(shape, size);
  const cold = await runPlan(context, shape, size);
  const meter = createMeter(context.pids);
  const warm: Awaited<ReturnType<typeof runPlan>>[] = [];
  for (let i = 0; i < repeats; i++) {
    meter.start();
    warm.push(await runPlan(context, shape, size));
    meter.stop();
  }
  const seconds = median(warm.map((plan) => plan.seconds));
  return meter.sample({
    tasksPerSecond: taskCount / seconds,
    coldTasksPerSecond: taskCount / cold.seconds,
    withEncodingTasksPerSecond: taskCount / median(warm.map((plan) => plan.withEncodingSeconds)),
    usPerTask: (seconds / taskCount) * 1e6,
    ...cpuFigures(meter, taskCount * repeats),
  });
};
