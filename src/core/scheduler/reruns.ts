import type { RerunReason } from "../model/explanation.ts";
import type { SchedulerState } from "./state.ts";

/** Tasks whose reruns are remembered; the oldest are forgotten first. */
export const REMEMBERED_TASKS_MAX = 4_096;
/** Reruns that are remembered of one task; the newest matter most. */
const REMEMBERED_OF_TASK_MAX = 8;

export type Rerun = {
  /** Counts from 1. */
  readonly attempt: number;
  /** The worker's name. */
  readonly worker: string;
  readonly reason: RerunReason;
  readonly atMs: number;
};

/** Why the attempts of a row ended without a result that lasted. */
type RowReruns = {
  /** Tells the task from a later one in the same row. */
  readonly attemptBase: number;
  readonly reruns: Rerun[];
};

/** What `explain` tells of tasks that were tried more than once: bounded, and of no consequence. */
export type Reruns = Map<number, RowReruns>;

/** Remembers why the row's newest attempt was not the last; before its worker is forgotten. */
export function rememberRerun(
  state: SchedulerState,
  row: number,
  worker: string,
  reason: RerunReason,
): void {
  const { tasks, reruns } = state;
  const attemptBase = tasks.attemptBase[row] as number;
  let known = reruns.get(row);
  if (known === undefined || known.attemptBase !== attemptBase) {
    reruns.delete(row);
    known = { attemptBase, reruns: [] };
    reruns.set(row, known);
    if (reruns.size > REMEMBERED_TASKS_MAX) forgetOldest(reruns);
  }
  known.reruns.push({ attempt: tasks.attemptsMade(row), worker, reason, atMs: state.nowMs });
  if (known.reruns.length > REMEMBERED_OF_TASK_MAX) known.reruns.shift();
}

export function rerunsOf({ tasks, reruns }: SchedulerState, row: number): readonly Rerun[] {
  const known = reruns.get(row);
  if (known === undefined || known.attemptBase !== tasks.attemptBase[row]) return [];
  return known.reruns;
}

function forgetOldest(reruns: Reruns): void {
  for (const row of reruns.keys()) {
    reruns.delete(row);
    return;
  }
}
