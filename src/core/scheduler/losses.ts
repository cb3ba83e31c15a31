import type { StepContext } from "./context.ts";
import { addRef } from "./outbox.ts";
import { endArrivals } from "./placement/arrivals.ts";
import { makeReady } from "./ready.ts";
import { removeReplica } from "./replicas.ts";
import { REMEMBERED_TASKS_MAX, rememberRerun } from "./reruns.ts";
import type { SchedulerState } from "./state.ts";
import { ASSIGNED, DORMANT, HOLDS_INPUTS, READY, RUNNING, WAITING } from "./task-table.ts";
import { forEachConsumer, resurrect, stopAttempt } from "./wants.ts";

/**
 * The last copy of these objects, which the worker of this name had, is gone: whatever needs them
 * waits again, and they are computed again, with what they need in turn.
 */
export function loseObjects(
  context: StepContext,
  rows: readonly number[],
  workerName: string,
): void {
  const { state } = context;
  const { tasks } = state;
  // Of more than are remembered, only the last would be.
  for (const row of rows.slice(-REMEMBERED_TASKS_MAX)) {
    rememberRerun(state, row, workerName, "data-lost");
  }
  for (const row of rows) {
    tasks.state[row] = DORMANT;
    tasks.worker[row] = -1;
    state.objectCount -= 1;
    endArrivals(state, row);
    state.extraReplicas.delete(row);
    state.lengths.delete(row);
  }
  for (const row of rows) {
    forEachConsumer(state, row, (consumer) => {
      if (((tasks.flags[consumer] as number) & HOLDS_INPUTS) === 0) return;
      backToWaiting(context, consumer);
      tasks.unfinishedInputs[consumer] = (tasks.unfinishedInputs[consumer] as number) + 1;
    });
  }
  resurrect(context, rows);
}

/** An unfinished row that was ready or with a worker waits for its inputs again. */
function backToWaiting(context: StepContext, row: number): void {
  const { state } = context;
  const { tasks } = state;
  const current = tasks.state[row];
  if (current !== READY && current !== ASSIGNED && current !== RUNNING) return;
  if (current !== READY)
    rememberRerun(state, row, nameOf(state, tasks.worker[row] as number), "input-lost");
  stopAttempt(context, row);
  tasks.state[row] = WAITING;
}

const nameOf = (state: SchedulerState, workerId: number): string =>
  state.workers.get(workerId)?.name ?? "";

/** The worker does not have the object, though it was thought to. */
export function loseReplica(context: StepContext, row: number, workerId: number): void {
  const { state } = context;
  if (removeReplica(state, row, workerId)) return;
  loseObjects(context, [row], nameOf(state, workerId));
}

/** The only copy cannot be had, though its worker is there: it is given up, and computed again. */
export function giveUpObject(context: StepContext, row: number, workerId: number): void {
  addRef(context.outbox.drops, workerId, row, context.state.tasks.attempt[row] as number);
  loseObjects(context, [row], nameOf(context.state, workerId));
}

/** The attempt is over without a result and without fault; the row is tried again. */
export function tryAgain(context: StepContext, row: number): void {
  const { tasks } = context.state;
  tasks.state[row] = WAITING;
  if (tasks.unfinishedInputs[row] === 0) makeReady(context, row);
}
