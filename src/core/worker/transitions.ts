import type { TaskFailure } from "../model/failures.ts";
import type { RefList } from "./outbox.ts";
import type { WorkerState } from "./state.ts";
import type { Ending } from "./tables/ending-table.ts";
import { OBJECT_EXPECTED, OBJECT_FETCHING, OBJECT_PRESENT } from "./tables/object-table.ts";
import { TASK_FETCHING, TASK_RUNNABLE, TASK_RUNNING } from "./tables/task-table.ts";

const NONE = -1;
const ignore = (): void => undefined;

/** Makes a task runnable that waits for no input any more. */
export function makeRunnable(state: WorkerState, row: number): void {
  state.edges.unlinkTask(row, ignore);
  state.counts.fetching -= 1;
  queueRunnable(state, row);
}

/** Gives back what a running task holds, alone or with others in its lane. Its state is the caller's to set. */
export function endRunning(state: WorkerState, row: number): void {
  releaseEnding(state, beginEnding(state, row));
}

/** Gives back what an execution held that is over. */
export function releaseEnding(state: WorkerState, ending: Ending): void {
  const { lanes, resources } = state;
  state.mayStart = true;
  if (ending.kind === "alone") {
    resources.release(ending.request, ending.firstCpu);
    return;
  }
  const lane = lanes.get(ending.lane);
  lane.taskCount -= 1;
  lane.expectedUs -= ending.expectedUs;
  if (lane.taskCount > 0) return;
  resources.release(lane.request, lane.firstCpu);
  lanes.remove(lane);
}

/** Takes from a running task what it holds, which stays taken. */
function beginEnding({ tasks, requests, counts }: WorkerState, row: number): Ending {
  counts.running -= 1;
  const lane = tasks.lanes[row] as number;
  if (lane === 0) {
    const request = requests.get(tasks.requests[row] as number);
    return { kind: "alone", request, firstCpu: tasks.firstCpus[row] as number };
  }
  tasks.lanes[row] = 0;
  return { kind: "in-lane", lane, expectedUs: tasks.expectedUs[row] as number };
}

/** Puts a task that was in no state of its own meanwhile into the queue of its request. */
export function queueRunnable(state: WorkerState, row: number): void {
  const { tasks, queues, counts } = state;
  const { batches, requests } = state;
  const batch = batches.get(tasks.batches[row] as number);
  const priority = batch.priorities[tasks.indexes[row] as number] as number;
  tasks.states[row] = TASK_RUNNABLE;
  tasks.sequences[row] = state.nextSequence++;
  queues.push(requests.get(tasks.requests[row] as number).queue, row, priority);
  counts.runnable += 1;
  state.mayStart = true;
}

/** Removes the task in whatever state it is, with all that it held or waited for. */
export function forgetTask(state: WorkerState, row: number): void {
  const { tasks, counts } = state;
  switch (tasks.states[row]) {
    case TASK_FETCHING:
      state.edges.unlinkTask(row, (object) => state.orphans.push(object));
      counts.fetching -= 1;
      break;
    case TASK_RUNNABLE:
      state.queues.remove(row);
      counts.runnable -= 1;
      // It may have held back others that were not to overtake it.
      state.mayStart = true;
      break;
    case TASK_RUNNING:
      endRunning(state, row);
      break;
  }
  removeTask(state, row);
}

function removeTask(state: WorkerState, row: number): void {
  const { tasks, requests, batches } = state;
  requests.release(requests.get(tasks.requests[row] as number));
  batches.release(tasks.batches[row] as number);
  noteUnmade(state, row);
  tasks.remove(row);
}

/** Remembers the object that the task was to make, if others wait for it and it was not made. */
function noteUnmade({ tasks, objects, unmade }: WorkerState, row: number): void {
  const object = objects.find(tasks.tasks[row] as number, tasks.attempts[row] as number);
  if (object !== NONE && objects.states[object] === OBJECT_EXPECTED) unmade.push(object);
}

/**
 * Forgets the task, and has its execution ended if there is one. Until that has ended, nobody else
 * gets what it holds, and its lane gets no more tasks. `ended` is where the shell finds what to end,
 * and how.
 */
export function stopTask(
  state: WorkerState,
  row: number,
  ended: RefList = state.outbox.killed,
): void {
  const { tasks, endings, lanes } = state;
  const task = tasks.tasks[row] as number;
  const attempt = tasks.attempts[row] as number;
  const isRunning = tasks.states[row] === TASK_RUNNING;
  if (isRunning || tasks.isRedirected[row] === 1) ended.push(task, attempt);
  if (!isRunning) {
    forgetTask(state, row);
    return;
  }
  const ending = beginEnding(state, row);
  if (ending.kind === "in-lane") lanes.get(ending.lane).isClosed = true;
  endings.add(task, attempt, ending);
  if (ended !== state.outbox.killed) endings.giveGrace(task, attempt);
  removeTask(state, row);
}

/** Notes that the object is in the store; tasks that waited for nothing else become runnable. */
export function addPresentObject(state: WorkerState, task: number, attempt: number): void {
  const { objects, edges, tasks } = state;
  const row = objects.find(task, attempt);
  if (row === NONE) {
    objects.addPresent(task, attempt);
    return;
  }
  if (objects.states[row] === OBJECT_PRESENT) return;
  objects.arrive(row);
  for (let waiting = edges.shift(row); waiting !== NONE; waiting = edges.shift(row)) {
    const missing = (tasks.missingInputs[waiting] as number) - 1;
    tasks.missingInputs[waiting] = missing;
    if (missing === 0) makeRunnable(state, waiting);
  }
}

/** The object will not come: tasks that wait for it cannot run here. */
export function loseAwaitedObject(state: WorkerState, row: number): void {
  const { objects, edges, tasks, outbox } = state;
  const input = {
    task: objects.tasks[row] as number,
    attempt: objects.attempts[row] as number,
    holder: objects.peers[row] as number,
  };
  for (let waiting = edges.firstTask(row); waiting !== NONE; waiting = edges.firstTask(row)) {
    outbox.addUnreachable(tasks.tasks[waiting] as number, tasks.attempts[waiting] as number, input);
    forgetTask(state, waiting);
  }
  if (objects.isCopy[row] === 1) outbox.failedCopies.push(input.task, input.attempt);
  objects.remove(row);
}

/** The object came and could not be kept: tasks that wait for it fail. */
export function refuseObject(state: WorkerState, row: number, failure: TaskFailure): void {
  const { objects, edges, tasks, outbox } = state;
  for (let waiting = edges.firstTask(row); waiting !== NONE; waiting = edges.firstTask(row)) {
    const task = tasks.tasks[waiting] as number;
    const attempt = tasks.attempts[waiting] as number;
    outbox.failed.push({ kind: "report-failed", task, attempt, failure });
    forgetTask(state, waiting);
  }
  if (objects.isCopy[row] === 1) {
    outbox.failedCopies.push(objects.tasks[row] as number, objects.attempts[row] as number);
  }
  objects.remove(row);
}

/**
 * Forgets the tasks that wait for what is not going to be made here, since the task that was to make
 * it is gone, and those that wait for them in turn. The server knows it already or hears it first,
 * and has taken them back: what is reported here is stale when it arrives.
 */
export function forgetUnmade(state: WorkerState): void {
  const { unmade, objects } = state;
  for (let i = 0; i < unmade.length; i++) {
    const object = unmade.at(i);
    if (objects.states[object] === OBJECT_EXPECTED) loseAwaitedObject(state, object);
  }
  unmade.clear();
}

/** Ends the fetches that no task waits for any more, and expects nothing for nobody. */
export function abandonOrphans(state: WorkerState): void {
  const { orphans, objects, outbox } = state;
  for (let i = 0; i < orphans.length; i++) {
    const row = orphans.at(i);
    const isFetching = objects.states[row] === OBJECT_FETCHING;
    if (!isFetching && objects.states[row] !== OBJECT_EXPECTED) continue;
    if (objects.firstEdges[row] !== NONE || objects.isCopy[row] === 1) continue;
    if (isFetching) {
      outbox.abandoned.push(objects.tasks[row] as number, objects.attempts[row] as number);
    }
    objects.remove(row);
  }
  orphans.clear();
}
