import { type AssignedTasks, FLAG_LOAD_CHECKPOINT } from "../../model/batches.ts";
import { TASK_TYPE } from "../../model/symbols.ts";
import { functionKeyOf, isFunctionCall } from "../durations.ts";
import type { WorkerState } from "../state.ts";
import type { Request } from "../tables/request-table.ts";
import { forgetTask, makeRunnable, stopTask } from "../transitions.ts";

const NONE = -1;
/** In place of rows of a batch's requests: of what asks for nothing and needs a process. */
const LIGHT_PROGRAM = -1;
const LIGHT_FUNCTION = -2;
/** In `inputHolders`: the server knows of no replica. */
const NO_HOLDER = 0xffff_ffff;

/**
 * Takes the tasks in: all of them first, since some may wait for what others of them make; then
 * their inputs, greatest priority first, so that they are fetched in that order.
 */
export function onTasksAssigned(state: WorkerState, batch: AssignedTasks): void {
  const batchId = state.batches.add(batch);
  const requests = new Map<number, Request>();
  const order = inPriorityOrder(batch.priorities);
  const added: number[] = [];
  for (const index of order) {
    if (!isNews(state, batch, index)) continue;
    const request = requestOf(state, batch, index, requests);
    if (request.refusal !== undefined) refuse(state, batch, index, request.refusal);
    else added.push(addTask(state, batchId, index, request));
  }
  for (const row of added) findInputs(state, batch, row);
  // Requests and batch had a user for the time of this function.
  for (const request of requests.values()) state.requests.release(request);
  state.batches.release(batchId);
}

/** Whether the attempt is new here; an older one of the same task ends. */
function isNews(state: WorkerState, batch: AssignedTasks, index: number): boolean {
  const task = batch.tasks[index] as number;
  const attempt = batch.attempts[index] as number;
  if (state.objects.find(task, attempt) !== NONE) return false;
  const known = state.tasks.find(task);
  if (known === NONE) return true;
  if ((state.tasks.attempts[known] as number) >= attempt) return false;
  stopTask(state, known);
  return true;
}

/** The interned request of the task; `requests` holds those of the batch that were met already. */
function requestOf(
  state: WorkerState,
  batch: AssignedTasks,
  index: number,
  requests: Map<number, Request>,
): Request {
  const row = batch.requests[index] as number;
  const isEmpty = batch.requestStarts[row] === batch.requestStarts[row + 1];
  let key = row;
  if (isEmpty && batch.taskTypes[index] === TASK_TYPE.run) key = LIGHT_PROGRAM;
  else if (isEmpty && isFunctionCall(batch, index)) key = LIGHT_FUNCTION;
  let request = requests.get(key);
  if (request === undefined) {
    if (key === LIGHT_PROGRAM) request = state.requests.useProgramSlot();
    else if (key === LIGHT_FUNCTION) request = state.requests.useFunctionSlot();
    else request = state.requests.useRow(batch, row);
    requests.set(key, request);
  }
  return request;
}

/** A task that asks for more than there is would wait for ever, and hold back others. */
function refuse(state: WorkerState, batch: AssignedTasks, index: number, message: string): void {
  state.outbox.failed.push({
    kind: "report-failed",
    task: batch.tasks[index] as number,
    attempt: batch.attempts[index] as number,
    failure: { message },
  });
}

/** Where the task's inputs are in the batch's columns, and whether it loads its checkpoint: then it waits for none. */
export function inputRange(batch: AssignedTasks, index: number): [number, number, boolean] {
  if (((batch.flags[index] as number) & FLAG_LOAD_CHECKPOINT) !== 0) return [0, 0, true];
  return [batch.inputStarts[index] as number, batch.inputStarts[index + 1] as number, false];
}

function addTask(state: WorkerState, batchId: number, index: number, request: Request): number {
  const { tasks } = state;
  const batch = state.batches.get(batchId);
  const row = tasks.add(batch.tasks[index] as number, batch.attempts[index] as number);
  tasks.batches[row] = batchId;
  tasks.indexes[row] = index;
  tasks.requests[row] = request.id;
  if (isFunctionCall(batch, index)) tasks.functionKeys[row] = functionKeyOf(batch, index);
  state.batches.use(batchId);
  request.users += 1;
  state.counts.fetching += 1;
  return row;
}

/** Has what the task lacks fetched, or lets it wait for the tasks that make it; or reports what cannot be had. */
function findInputs(state: WorkerState, batch: AssignedTasks, row: number): void {
  const { tasks, objects, edges } = state;
  const [start, end] = inputRange(batch, tasks.indexes[row] as number);
  const lost = firstUnreachable(state, batch, start, end);
  if (lost !== NONE) {
    state.outbox.addUnreachable(tasks.tasks[row] as number, tasks.attempts[row] as number, {
      task: batch.inputTasks[lost] as number,
      attempt: batch.inputAttempts[lost] as number,
      holder: batch.inputHolders[lost] as number,
    });
    forgetTask(state, row);
    return;
  }
  let missing = 0;
  for (let input = start; input < end; input++) {
    const object = findOrAwait(state, batch, input);
    if (objects.isPresent(object)) continue;
    edges.link(row, object);
    missing += 1;
  }
  tasks.missingInputs[row] = missing;
  if (missing === 0) makeRunnable(state, row);
}

/** The first input that is nowhere, or -1. Looks at all of them before anything is noted. */
function firstUnreachable(
  state: WorkerState,
  batch: AssignedTasks,
  start: number,
  end: number,
): number {
  for (let input = start; input < end; input++) {
    const holder = batch.inputHolders[input] as number;
    if (holder !== NO_HOLDER && holder !== state.workerId) continue;
    const task = batch.inputTasks[input] as number;
    const attempt = batch.inputAttempts[input] as number;
    if (state.objects.find(task, attempt) !== NONE) continue;
    if (state.tasks.findAttempt(task, attempt) === NONE) return input;
  }
  return NONE;
}

/** The row of the input's object; one that is neither here, nor to be made here, nor on its way is fetched. */
function findOrAwait(state: WorkerState, batch: AssignedTasks, input: number): number {
  const task = batch.inputTasks[input] as number;
  const attempt = batch.inputAttempts[input] as number;
  const found = state.objects.find(task, attempt);
  if (found !== NONE) return found;
  if (state.tasks.findAttempt(task, attempt) !== NONE) {
    return state.objects.addExpected(task, attempt, state.workerId);
  }
  const holder = batch.inputHolders[input] as number;
  state.outbox.addFetch(task, attempt, holder, batch.inputSizesBytes[input] as number);
  return state.objects.addFetching(task, attempt, holder);
}

/** Indexes by falling priority; equal ones stay in order. Linear if they are in that order already. */
function inPriorityOrder(priorities: Int32Array): Uint32Array {
  const count = priorities.length;
  const order = new Uint32Array(count);
  let isSorted = true;
  for (let index = 0; index < count; index++) {
    order[index] = index;
    const isHigher = index > 0 && (priorities[index] as number) > (priorities[index - 1] as number);
    if (isHigher) isSorted = false;
  }
  // Typed arrays sort stably, as arrays do.
  if (!isSorted) order.sort((a, b) => (priorities[b] as number) - (priorities[a] as number));
  return order;
}
