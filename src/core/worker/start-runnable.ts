import { BUILTIN_SYMBOLS, TASK_TYPE } from "../model/symbols.ts";
import type { WorkerState } from "./state.ts";
import { hasRoom, type Lane } from "./tables/lane-table.ts";
import type { Request } from "./tables/request-table.ts";
import { TASK_RUNNING } from "./tables/task-table.ts";

const NONE = -1;
/** Shares are not cut smaller than this. */
const SHARE_US_MIN = 500;
/** The start of what is over sooner is told with its end. */
const REPORTED_US_MIN = 1_000;

/** So many later tasks may take what an earlier one waits for; then it is kept free for the earlier. */
export const MAX_OVERTAKEN = 16;
/** Blocked requests that are watched at once. Those behind them get their turn when these have started. */
const MAX_WATCHED = 8;

/**
 * Starts what fits, the greatest priority first over all queues. A task that does not fit is
 * overtaken by later ones that do, but only `MAX_OVERTAKEN` times by tasks that use any resource
 * that it asks for: so small tasks fill gaps, and a big one starts in the end.
 * A lane of function calls counts as one. Costs O(distinct requests + started tasks).
 */
export function startRunnable(state: WorkerState): void {
  const { queues, tasks } = state;
  const candidates = waitingRequests(state);
  const blocked: Request[] = [];
  const reserved = new Set<number>();
  const reserve = (request: Request): void => {
    for (const slot of request.slots) reserved.add(slot);
  };
  for (let request = candidates.pop(); request !== undefined; request = candidates.pop()) {
    if (reserved.size > 0 && request.slots.some((slot) => reserved.has(slot))) continue;
    if (!startHead(state, request)) {
      if (blocked.length === MAX_WATCHED) continue;
      blocked.push(request);
      if ((tasks.overtaken[queues.peek(request.queue)] as number) >= MAX_OVERTAKEN)
        reserve(request);
      continue;
    }
    for (const other of blocked) {
      if (!sharesSlot(other, request)) continue;
      const head = queues.peek(other.queue);
      tasks.overtaken[head] = (tasks.overtaken[head] as number) + 1;
      if (tasks.overtaken[head] === MAX_OVERTAKEN) reserve(other);
    }
    if (noteHead(state, request)) insertSorted(candidates, request);
  }
}

/** Starts the first task of the request, and with a function call those that fit its lane; false if it must wait. */
function startHead(state: WorkerState, request: Request): boolean {
  const { queues, resources, tasks, lanes } = state;
  const row = queues.peek(request.queue);
  const fits = resources.fits(request);
  if (!isLaneTask(state, row)) {
    if (!fits) return false;
    tasks.firstCpus[row] = resources.take(request);
    start(state, queues.pop(request.queue), 0);
    if (mayTakeLong(typeOf(state, row))) reportStarted(state, row);
    return true;
  }
  if (!fits) {
    const lane = lanes.findRoom(request, typeOf(state, row), expectedUsOf(state, row));
    if (lane === undefined) return false;
    fillLane(state, lane, Math.ceil(queues.count(request.queue) / lanes.countOf(request)));
    return true;
  }
  // Others that fit beside it are to have as much to do.
  const share = Math.ceil(queues.count(request.queue) / resources.timesFitting(request));
  fillLane(state, lanes.create(request, typeOf(state, row), resources.take(request)), share);
  return true;
}

/** Moves some tasks from the head of the queue to the lane, while they are such as the lane is for. */
function fillLane(state: WorkerState, lane: Lane, more: number): void {
  const { queues, tasks } = state;
  const { queue } = lane.request;
  const share = { taskCount: lane.taskCount + more, expectedUs: lane.expectedUs + SHARE_US_MIN };
  for (let row = queues.peek(queue); row !== NONE; row = queues.peek(queue)) {
    const expectedUs = expectedUsOf(state, row);
    if (!isLaneTask(state, row) || typeOf(state, row) !== lane.taskType) return;
    if (!hasRoom(lane, expectedUs)) return;
    if (lane.taskCount >= share.taskCount && lane.expectedUs >= share.expectedUs) return;
    tasks.lanes[row] = lane.id;
    tasks.expectedUs[row] = expectedUs ?? 0;
    lane.taskCount += 1;
    // As the column has rounded it, so that sums come out even.
    lane.expectedUs += tasks.expectedUs[row] as number;
    if (expectedUs === undefined) lane.isClosed = true;
    start(state, queues.pop(queue), lane.id);
    if (expectedUs === undefined || expectedUs >= REPORTED_US_MIN) reportStarted(state, row);
  }
}

function start({ tasks, outbox, counts }: WorkerState, row: number, lane: number): void {
  tasks.states[row] = TASK_RUNNING;
  counts.runnable -= 1;
  counts.running += 1;
  outbox.addExecuted(row, lane);
}

function reportStarted({ tasks, outbox }: WorkerState, row: number): void {
  outbox.started.push(tasks.tasks[row] as number, tasks.attempts[row] as number);
}

/** Whether it is a function call that has not run. */
const isLaneTask = ({ tasks }: WorkerState, row: number): boolean =>
  tasks.functionKeys[row] !== 0 && tasks.isRedirected[row] === 0;

const expectedUsOf = ({ tasks, durations }: WorkerState, row: number): number | undefined =>
  durations.expectedUs(tasks.functionKeys[row] as number);

function typeOf({ tasks, batches }: WorkerState, row: number): number {
  const batch = batches.get(tasks.batches[row] as number);
  return batch.taskTypes[tasks.indexes[row] as number] as number;
}

/** Built-in operations on data are over before a report of their start could matter. */
function mayTakeLong(taskType: number): boolean {
  return (
    taskType === TASK_TYPE.run ||
    taskType === TASK_TYPE.pyCall ||
    taskType === TASK_TYPE.jsCall ||
    taskType >= BUILTIN_SYMBOLS.length
  );
}

/** Requests with runnable tasks; the one whose first task comes first is last. */
function waitingRequests(state: WorkerState): Request[] {
  const waiting: Request[] = [];
  for (const request of state.requests.all()) {
    if (noteHead(state, request)) waiting.push(request);
  }
  return waiting.sort((a, b) => (comesBefore(a, b) ? 1 : -1));
}

/** Notes where the first task of the request's queue belongs; false if there is none. */
function noteHead({ queues, tasks }: WorkerState, request: Request): boolean {
  const head = queues.peek(request.queue);
  if (head === NONE) return false;
  request.headPriority = queues.topPriority(request.queue);
  request.headSequence = tasks.sequences[head] as number;
  return true;
}

function comesBefore(a: Request, b: Request): boolean {
  if (a.headPriority !== b.headPriority) return a.headPriority > b.headPriority;
  return a.headSequence < b.headSequence;
}

/** Puts the request back where its next task belongs; usually that is the end again. */
function insertSorted(candidates: Request[], request: Request): void {
  let low = 0;
  let high = candidates.length;
  while (low < high) {
    // Looks at the end first: tasks of one request mostly come in a row.
    const middle = high === candidates.length ? high - 1 : (low + high) >> 1;
    if (comesBefore(request, candidates[middle] as Request)) low = middle + 1;
    else high = middle;
  }
  candidates.splice(low, 0, request);
}

function sharesSlot(a: Request, b: Request): boolean {
  return a.slots.some((slot) => b.slots.includes(slot));
}
