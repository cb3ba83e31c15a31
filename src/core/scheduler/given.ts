import type { StepContext } from "./context.ts";
import { addAssignment } from "./outbox.ts";
import { addGivenLoad, removeGivenLoad } from "./placement/load.ts";
import type { WorkerRecord } from "./state.ts";
import { ASSIGNED, RETRACTING } from "./task-table.ts";

/** Begins a new attempt of the row on the worker. */
export function give(context: StepContext, worker: WorkerRecord, row: number): void {
  const { state } = context;
  const { tasks } = state;
  tasks.state[row] = ASSIGNED;
  tasks.attempt[row] = (tasks.attempt[row] as number) + 1;
  tasks.worker[row] = worker.id;
  tasks.flags[row] = (tasks.flags[row] as number) & ~RETRACTING;
  state.queues.push(worker.given, row, tasks.priority[row] as number);
  addGivenLoad(state, worker, row);
  addAssignment(context.outbox, worker.id, row);
  state.counters.tasksAssigned += 1;
  state.counters.rowsTouched += 1;
  if (tasks.attemptsMade(row) > 1) state.counters.tasksRunAgain += 1;
}

/** Takes an assigned row off its worker's account; its state is the caller's to set. */
export function ungive(context: StepContext, row: number): void {
  const { state } = context;
  const worker = state.workers.get(state.tasks.worker[row] as number);
  if (worker === undefined) return;
  state.queues.remove(row);
  removeGivenLoad(state, worker, row);
  context.dirtyWorkers.add(worker.id);
}
