import type { StepContext } from "./context.ts";
import { addAssignment, addRef } from "./outbox.ts";
import { noteArrivals } from "./placement/arrivals.ts";
import { addGivenLoad, expectDuration, keepGivenLoad, removeGivenLoad } from "./placement/load.ts";
import { rememberRerun } from "./reruns.ts";
import type { WorkerRecord } from "./state.ts";
import { ASSIGNED, isAhead, RETRACTING, type RUNNING, WAITING } from "./task-table.ts";

/** Rows that more tasks use than this keep their consumers here until they are finished. */
export const AHEAD_CONSUMERS_MAX = 16;

/** Begins a new attempt of the row on the worker. */
export function give(context: StepContext, worker: WorkerRecord, row: number): void {
  const { state } = context;
  const { tasks } = state;
  tasks.state[row] = ASSIGNED;
  tasks.attempt[row] = tasks.nextAttempt(row);
  tasks.worker[row] = worker.id;
  tasks.flags[row] = (tasks.flags[row] as number) & ~RETRACTING;
  if (isAhead(tasks, row)) worker.aheadTasks += 1;
  else state.queues.push(worker.given, row, tasks.priority[row] as number);
  addGivenLoad(state, worker, row);
  noteArrivals(state, worker, row);
  addAssignment(context.outbox, worker.id, row);
  state.counters.tasksAssigned += 1;
  state.counters.rowsTouched += 1;
  if (tasks.attemptsMade(row) > 1) state.counters.tasksRunAgain += 1;
}

/** The worker has this attempt of the row, which waits nowhere else, without being given it now. */
export function adopt(
  context: StepContext,
  worker: WorkerRecord,
  row: number,
  attempt: number,
  rowState: typeof ASSIGNED | typeof RUNNING,
): void {
  const { state } = context;
  const { tasks } = state;
  tasks.adoptAttempt(row, attempt);
  tasks.state[row] = rowState;
  tasks.worker[row] = worker.id;
  tasks.flags[row] = (tasks.flags[row] as number) & ~RETRACTING;
  expectDuration(state, row, 0);
  if (isAhead(tasks, row)) worker.aheadTasks += 1;
  else state.queues.push(worker.given, row, tasks.priority[row] as number);
  addGivenLoad(state, worker, row);
  state.counters.rowsTouched += 1;
}

/** The last input of a row that was given ahead is there: the worker can run it at any time now. */
export function keepGiven(context: StepContext, row: number): void {
  const { state } = context;
  const worker = state.workers.get(state.tasks.worker[row] as number);
  if (worker === undefined) return;
  worker.aheadTasks -= 1;
  state.queues.push(worker.given, row, state.tasks.priority[row] as number);
  keepGivenLoad(state, worker, row);
}

/** Takes an assigned row that is finished off its worker's account; its state is the caller's to set. */
export function ungive(context: StepContext, row: number): void {
  const { state } = context;
  const worker = state.workers.get(state.tasks.worker[row] as number);
  if (worker === undefined) return;
  if (isAhead(state.tasks, row)) worker.aheadTasks -= 1;
  else state.queues.remove(row);
  removeGivenLoad(state, worker, row);
  context.dirtyWorkers.add(worker.id);
}

/**
 * Takes an assigned row that ended without a result off its worker's account, and cancels what the
 * worker was given ahead because of it: that waits for its inputs again. The row's own state is the
 * caller's to set. Iterative; linear in what is taken back and its edges.
 */
export function takeBack(context: StepContext, row: number): void {
  const { state } = context;
  const { tasks } = state;
  ungive(context, row);
  const stack = [row];
  for (let input = stack.pop(); input !== undefined; input = stack.pop()) {
    const count = tasks.consumerCount[input] as number;
    if (count > AHEAD_CONSUMERS_MAX) continue;
    const start = (tasks.edgeStart[input] as number) + (tasks.inputCount[input] as number);
    for (let k = start; k < start + count; k += 1) {
      const consumer = tasks.edges.items[k] as number;
      // A row that was used again since has another serial.
      if (tasks.serial[consumer] !== tasks.serial[input] || !isAhead(tasks, consumer)) continue;
      const workerId = tasks.worker[consumer] as number;
      rememberRerun(state, consumer, state.workers.get(workerId)?.name ?? "", "input-not-made");
      addRef(context.outbox.cancels, workerId, consumer, tasks.attempt[consumer] as number);
      ungive(context, consumer);
      tasks.state[consumer] = WAITING;
      stack.push(consumer);
    }
  }
}
