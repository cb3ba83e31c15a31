// The scheduler's brain alone, without sockets: `brain-loop.js SHAPE TASKS WORKERS` gives it a plan and
// so many workers that finish at once what they are assigned. Prints tasks per second of CPU as JSON.
import { BUILTIN_SYMBOLS, CPUS, TASK_TYPE } from "../../src/core/model/symbols.ts";
import type { SchedulerEvent } from "../../src/core/scheduler/events.ts";
import { createSchedulerState } from "../../src/core/scheduler/state.ts";
import { hasWork, stepScheduler } from "../../src/core/scheduler/step.ts";
import { decodeClientRequest } from "../../src/protocol/client/client-request.ts";
import { FRAME_HEADER_BYTES } from "../../src/protocol/client/frame.ts";
import { PlanEncoder } from "../../src/protocol/client/plan-encoder.ts";
import { finishAtOnce } from "./answer.ts";

const NOTHING = new Uint8Array(0);

type Shape = {
  /** The number of tasks nearest to this one that the shape can have. */
  readonly fit: (taskCount: number) => number;
  /** Ids of the inputs of a task; tasks are numbered so that inputs come first. */
  readonly inputsOf: (task: number, taskCount: number) => readonly number[];
};

const SHAPES: Readonly<Record<string, Shape>> = {
  independent: { fit: (taskCount) => taskCount, inputsOf: () => [] },
  // Leaves first, then each level: two tasks in a row are the inputs of one.
  tree: {
    fit: (taskCount) => 2 * Math.floor(taskCount / 2) + 1,
    inputsOf: (task, taskCount) => {
      const leaves = (taskCount + 1) / 2;
      return task < leaves ? [] : [2 * (task - leaves), 2 * (task - leaves) + 1];
    },
  },
  // Each task needs its left, its upper, and its upper left neighbor.
  grid: {
    fit: (taskCount) => Math.floor(Math.sqrt(taskCount)) ** 2,
    inputsOf: (task, taskCount) => {
      const side = Math.sqrt(taskCount);
      const isFirst = task % side === 0;
      if (task < side) return isFirst ? [] : [task - 1];
      return isFirst ? [task - side] : [task - 1, task - side, task - side - 1];
    },
  },
};

function encode({ inputsOf }: Shape, taskCount: number): Uint8Array {
  const encoder = new PlanEncoder();
  const isIndependent = inputsOf(taskCount - 1, taskCount).length === 0;
  for (let task = 0; task < taskCount; task++) {
    const inputs = inputsOf(task, taskCount);
    const type = inputs.length === 0 ? TASK_TYPE.const : TASK_TYPE.merge;
    // Only what a result needs is computed.
    const isResult = task === taskCount - 1 || isIndependent;
    encoder.addTask(type, NOTHING, inputs, -1, isResult);
  }
  return encoder.finish(0, false).subarray(FRAME_HEADER_BYTES);
}

function run(shape: Shape, taskCount: number, workerCount: number): number {
  const state = createSchedulerState();
  const events: SchedulerEvent[] = [];
  let finished = 0;
  const step = (event: SchedulerEvent): void => {
    for (const command of stepScheduler(state, event)) {
      if (command.kind !== "assign") continue;
      finished += command.batch.tasks.length;
      const { workerId, batch } = command;
      const atMs = event.atMs + 0.01;
      events.push({ kind: "tasks-finished", atMs, workerId, finished: finishAtOnce(batch) });
    }
  };
  for (let worker = 1; worker <= workerCount; worker++) {
    const offer = [{ resource: CPUS, amount: 1 }];
    step({ kind: "worker-joined", atMs: 0, workerId: worker, name: `w${worker}`, offer });
  }
  const request = decodeClientRequest(encode(shape, taskCount), {
    resolveSymbol: () => undefined,
    isTaskType: (id) => id < BUILTIN_SYMBOLS.length,
    isResource: (id) => id === CPUS,
  });
  if (request.kind !== "plan") throw new Error("not a plan");
  const before = process.cpuUsage();
  step({ kind: "plan-submitted", atMs: 0, clientId: 1, plan: request.plan, loadable: undefined });
  for (let next = 0; next < events.length || hasWork(state); ) {
    // As in the server: what is left to do comes in turn with what has arrived.
    if (hasWork(state)) step({ kind: "work-continued", atMs: state.nowMs });
    const event = events[next];
    if (event === undefined) continue;
    step(event);
    // The queue would hold all events of the run.
    delete events[next];
    next++;
  }
  if (finished !== taskCount) throw new Error(`${finished} of ${taskCount} tasks were assigned`);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

const [name = "", tasks = "", workers = ""] = process.argv.slice(2);
const shape = SHAPES[name];
if (shape === undefined) throw new Error(`no shape ${name}`);
// The first, smaller run is for the compiler.
run(shape, shape.fit(Math.min(Number(tasks), 50_000)), Number(workers));
const taskCount = shape.fit(Number(tasks));
const tasksPerSecond = taskCount / run(shape, taskCount, Number(workers));
process.stdout.write(`${JSON.stringify({ tasksPerSecond })}\n`);
