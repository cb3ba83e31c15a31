import { assert } from "../base/assert.ts";
import { isDynamic } from "../model/symbols.ts";
import type { StepContext } from "./context.ts";
import { needsNoInputs } from "./optional-inputs.ts";
import { chooseWorker, type Place } from "./placement/choose-worker.ts";
import { addBacklogLoad, expectDuration, removeBacklogLoad } from "./placement/load.ts";
import { addsData, isTight } from "./placement/memory.ts";
import { missingInputsUs } from "./placement/transfer-cost.ts";
import { classOf } from "./request-classes.ts";
import type { SchedulerState, WorkerRecord } from "./state.ts";
import { READY } from "./task-table.ts";

/**
 * Marks a row whose inputs are all there; it gets its place at the end of the step. A dynamic task
 * goes no further: it waits to be expanded.
 */
export function makeReady(context: StepContext, row: number): void {
  const { tasks } = context.state;
  if (isDynamic(tasks.taskType[row] as number)) {
    context.expansions.push(row);
    return;
  }
  tasks.state[row] = READY;
  context.readied.push(row);
}

/**
 * Gives a READY row its place to wait: the backlog of the worker that suits it, or, when it has no
 * inputs that tie it to one, or no worker can run it, or that worker is to get no more data, the pool of its class.
 */
export function queueReady(context: StepContext, row: number): void {
  const { state } = context;
  const { tasks, queues } = state;
  // It may have been canceled, or queued again, since it became ready in this step.
  if (tasks.state[row] !== READY || queues.queueOf(row) !== -1) return;
  state.counters.rowsTouched += 1;
  const free = tasks.inputCount[row] === 0 || needsNoInputs(tasks, row);
  const place = promisedPlace(state, row) ?? (free ? undefined : chooseWorker(state, row));
  if (place === undefined || (isTight(state, place.workerId) && addsData(state, row))) {
    const requestClass = classOf(state, row);
    expectDuration(state, row, 0);
    queues.push(requestClass.pool, row, tasks.priority[row] as number);
    state.pooledClasses.add(requestClass);
    context.poolGrew = true;
    return;
  }
  expectDuration(state, row, place.transferUs);
  const worker = state.workers.get(place.workerId);
  assert(worker !== undefined, "a place is a worker that is there");
  pushBacklog(context, worker, row);
}

/** The worker for which the row was asked back, if it still is there. */
function promisedPlace(state: SchedulerState, row: number): Place | undefined {
  if (state.promised.size === 0) return undefined;
  const workerId = state.promised.get(row);
  if (workerId === undefined) return undefined;
  state.promised.delete(row);
  const worker = state.workers.get(workerId);
  if (worker === undefined || !classOf(state, row).capableKinds.has(worker.kind)) return undefined;
  return { workerId, transferUs: missingInputsUs(state, row, workerId) };
}

export function pushBacklog(context: StepContext, worker: WorkerRecord, row: number): void {
  const { state } = context;
  const requestClass = classOf(state, row);
  let queue = worker.backlogs.get(requestClass.id);
  if (queue === undefined) {
    queue = state.queues.createQueue();
    worker.backlogs.set(requestClass.id, queue);
    requestClass.queuedAt.add(worker.id);
  }
  state.queues.push(queue, row, state.tasks.priority[row] as number);
  state.tasks.worker[row] = worker.id;
  requestClass.backlogged.add(worker.id);
  state.backloggedClasses.add(requestClass);
  worker.backlogTasks += 1;
  state.backlogCount += 1;
  addBacklogLoad(state, worker, row);
  context.dirtyWorkers.add(worker.id);
}

/** Takes a READY row out of whatever queue it waits in. */
export function unqueueReady(state: SchedulerState, row: number): void {
  const { queues, tasks } = state;
  const queue = queues.queueOf(row);
  if (queue === -1) return;
  queues.remove(row);
  const requestClass = classOf(state, row);
  if (queue === requestClass.pool) {
    if (queues.count(queue) === 0) state.pooledClasses.delete(requestClass);
    return;
  }
  const worker = state.workers.get(tasks.worker[row] as number);
  assert(worker !== undefined, "a backlog belongs to a worker that is there");
  worker.backlogTasks -= 1;
  state.backlogCount -= 1;
  if (queues.count(queue) === 0) {
    requestClass.backlogged.delete(worker.id);
    if (requestClass.backlogged.size === 0) state.backloggedClasses.delete(requestClass);
  }
  removeBacklogLoad(state, worker, row);
  tasks.worker[row] = -1;
}
