import { BUILTIN_SYMBOLS, TASK_TYPE } from "../model/symbols.ts";
import type { WorkerState } from "./state.ts";
import type { Request } from "./tables/request-table.ts";
import { TASK_RUNNING } from "./tables/task-table.ts";

const NONE = -1;

/** So many later tasks may take what an earlier one waits for; then it is kept free for the earlier. */
export const MAX_OVERTAKEN = 16;
/** Blocked requests that are watched at once. Those behind them get their turn when these have started. */
const MAX_WATCHED = 8;

/**
 * Starts what fits, the greatest priority first over all queues. A task that does not fit is
 * overtaken by later ones that do, but only `MAX_OVERTAKEN` times by tasks that use any resource
 * that it asks for: so small tasks fill gaps, and a big one starts in the end.
 * Costs O(distinct requests + started tasks).
 */
export function startRunnable(state: WorkerState): void {
  const { queues, resources, tasks } = state;
  const candidates = waitingRequests(state);
  const blocked: Request[] = [];
  const reserved = new Set<number>();
  const reserve = (request: Request): void => {
    for (const slot of request.slots) reserved.add(slot);
  };
  for (let request = candidates.pop(); request !== undefined; request = candidates.pop()) {
    if (reserved.size > 0 && request.slots.some((slot) => reserved.has(slot))) continue;
    if (!resources.fits(request)) {
      if (blocked.length === MAX_WATCHED) continue;
      blocked.push(request);
      if ((tasks.overtaken[queues.peek(request.queue)] as number) >= MAX_OVERTAKEN)
        reserve(request);
      continue;
    }
    start(state, queues.pop(request.queue), request);
    for (const other of blocked) {
      if (!sharesSlot(other, request)) continue;
      const head = queues.peek(other.queue);
      tasks.overtaken[head] = (tasks.overtaken[head] as number) + 1;
      if (tasks.overtaken[head] === MAX_OVERTAKEN) reserve(other);
    }
    if (noteHead(state, request)) insertSorted(candidates, request);
  }
}

function start(state: WorkerState, row: number, request: Request): void {
  const { tasks, outbox, counts } = state;
  tasks.firstCpus[row] = state.resources.take(request);
  tasks.states[row] = TASK_RUNNING;
  counts.runnable -= 1;
  counts.running += 1;
  outbox.executed.push(row);
  const batch = state.batches.get(tasks.batches[row] as number);
  if (mayTakeLong(batch.taskTypes[tasks.indexes[row] as number] as number)) {
    outbox.started.push(tasks.tasks[row] as number, tasks.attempts[row] as number);
  }
}

/** Built-in operations on data are over before a report of their start could matter. */
function mayTakeLong(taskType: number): boolean {
  return (
    taskType === TASK_TYPE.run ||
    taskType === TASK_TYPE.pyCall ||
    taskType === TASK_TYPE.pyValue ||
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
