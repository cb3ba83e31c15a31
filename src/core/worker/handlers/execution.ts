import { Uint32List } from "../../base/columns.ts";
import type { FinishedTasks, TaskRefs } from "../../model/batches.ts";
import type { TaskFailure } from "../../model/failures.ts";
import type { WorkerState } from "../state.ts";
import { TASK_RUNNING } from "../tables/task-table.ts";
import { addPresentObject, forgetTask } from "../transitions.ts";

const NONE = -1;

/** The row of the attempt if it runs, or -1: then the report is stale. */
function findRunning(state: WorkerState, task: number, attempt: number): number {
  const row = state.tasks.findAttempt(task, attempt);
  return row !== NONE && state.tasks.states[row] === TASK_RUNNING ? row : NONE;
}

export function onTasksExecuted(state: WorkerState, finished: FinishedTasks): void {
  const accepted = new Uint32List();
  for (let i = 0; i < finished.tasks.length; i++) {
    const task = finished.tasks[i] as number;
    const attempt = finished.attempts[i] as number;
    const row = findRunning(state, task, attempt);
    if (row === NONE) {
      // It was killed or replaced when it had just ended: its result is in the store for nobody.
      if (state.objects.find(task, attempt) === NONE) state.outbox.discarded.push(task, attempt);
      continue;
    }
    forgetTask(state, row);
    addPresentObject(state, task, attempt);
    accepted.push(i);
  }
  if (accepted.length > 0) state.outbox.finished = selectFinished(finished, accepted);
}

export function onTaskExecutionFailed(
  state: WorkerState,
  event: { readonly task: number; readonly attempt: number; readonly failure: TaskFailure },
): void {
  const { task, attempt, failure } = event;
  const row = findRunning(state, task, attempt);
  if (row === NONE) return;
  forgetTask(state, row);
  state.outbox.failed.push({ kind: "report-failed", task, attempt, failure });
}

export function onCheckpointsNotFound(state: WorkerState, { tasks, attempts }: TaskRefs): void {
  for (let i = 0; i < tasks.length; i++) {
    const task = tasks[i] as number;
    const attempt = attempts[i] as number;
    const row = findRunning(state, task, attempt);
    if (row === NONE) continue;
    forgetTask(state, row);
    state.outbox.missingCheckpoints.push(task, attempt);
  }
}

/** The entries at the accepted indexes; the batch itself if those are all. */
function selectFinished(finished: FinishedTasks, accepted: Uint32List): FinishedTasks {
  if (accepted.length === finished.tasks.length) return finished;
  const indexes = accepted.toArray();
  const pick = (column: { readonly [index: number]: number }) => (index: number) =>
    column[index] as number;
  return {
    tasks: indexes.map(pick(finished.tasks)),
    attempts: indexes.map(pick(finished.attempts)),
    sizesBytes: Float64Array.from(indexes, pick(finished.sizesBytes)),
    lengths: Float64Array.from(indexes, pick(finished.lengths)),
    dataTypes: Uint16Array.from(indexes, pick(finished.dataTypes)),
    durationsUs: Float32Array.from(indexes, pick(finished.durationsUs)),
  };
}
