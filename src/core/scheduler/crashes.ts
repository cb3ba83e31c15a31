import type { TaskFailure } from "../model/failures.ts";
import { BUILTIN_SYMBOLS, TASK_TYPE } from "../model/symbols.ts";
import { policyOf } from "./policies.ts";
import type { SchedulerState, WorkerRecord } from "./state.ts";
import { RUNNING } from "./task-table.ts";

/** A worker that was lost while it executed a task, as far as is known. */
export type Crash = {
  readonly workerId: number;
  readonly worker: string;
  readonly atMs: number;
};

/** By row: of tasks that may be the cause of losses. Tasks that finish are cleared. */
export type Crashes = Map<number, { readonly attemptBase: number; readonly crashes: Crash[] }>;

/** The worker was lost while it executed the row, or may have; returns how often that has happened. */
export function blame(state: SchedulerState, row: number, worker: WorkerRecord): number {
  const attemptBase = state.tasks.attemptBase[row] as number;
  let known = state.crashes.get(row);
  if (known === undefined || known.attemptBase !== attemptBase) {
    known = { attemptBase, crashes: [] };
    state.crashes.set(row, known);
  }
  known.crashes.push({ workerId: worker.id, worker: worker.name, atMs: state.nowMs });
  return known.crashes.length;
}

/** Of tasks whose start is not told, so many at the head of a worker's queue may be executing. */
const POSSIBLY_EXECUTING_MAX = 2;

/**
 * The tasks that the worker executes, as far as is known, or may: operations of its own say nothing of
 * their start, and where nothing has begun, what comes first may just have.
 */
export function findSuspects(state: SchedulerState, worker: WorkerRecord): number[] {
  const { tasks, queues } = state;
  const running: number[] = [];
  const possible: number[] = [];
  const first: number[] = [];
  queues.forFirst(worker.given, queues.count(worker.given), (row) => {
    if (tasks.state[row] === RUNNING) running.push(row);
    else {
      if (first.length < POSSIBLY_EXECUTING_MAX) first.push(row);
      if (possible.length < POSSIBLY_EXECUTING_MAX && isOperation(tasks.taskType[row] as number)) {
        possible.push(row);
      }
    }
  });
  return running.length === 0 && possible.length === 0 ? first : [...running, ...possible];
}

const isOperation = (taskType: number): boolean =>
  taskType < BUILTIN_SYMBOLS.length &&
  taskType !== TASK_TYPE.run &&
  taskType !== TASK_TYPE.pyCall &&
  taskType !== TASK_TYPE.jsCall;

/** How many workers may be lost while they execute the row. */
export const crashLimitOf = (state: SchedulerState, row: number): number =>
  policyOf(state, row).crashLimit || state.options.crashLimit;

/** The worker is back: it was only cut off, and no task has ended it. */
export function forgiveWorker({ crashes }: SchedulerState, workerId: number): void {
  for (const [row, known] of crashes) {
    const left = known.crashes.filter((crash) => crash.workerId !== workerId);
    if (left.length === known.crashes.length) continue;
    if (left.length === 0) crashes.delete(row);
    else crashes.set(row, { ...known, crashes: left });
  }
}

export function crashesOf(state: SchedulerState, row: number): readonly Crash[] {
  const known = state.crashes.get(row);
  return known?.attemptBase === state.tasks.attemptBase[row] ? (known?.crashes ?? []) : [];
}

/** What the client of a task is told that was being executed by so many workers when they were lost. */
export function crashFailure(state: SchedulerState, row: number): TaskFailure {
  const crashes = crashesOf(state, row);
  const story = crashes.map(({ worker, atMs }) => {
    const seconds = (state.nowMs - atMs) / 1000;
    return `${worker}, ${seconds < 0.05 ? "just now" : `${seconds.toFixed(1)} s ago`}`;
  });
  const capitalized = crashes.length === 1 ? "A worker was" : `${crashes.length} workers were`;
  return {
    kind: "worker-lost",
    message:
      `${capitalized} lost while it was executed: ${story.join("; ")}. ` +
      "It may end its worker, for example by using all memory of the machine; see the workers' logs. " +
      "Other tasks are kept from it: it is not tried again.",
  };
}
