import { Uint32List } from "../../base/columns.ts";
import {
  CHECKPOINT_BEING_WRITTEN,
  CHECKPOINT_COMPLETE,
  type FinishedTasks,
  FLAG_LOAD_CHECKPOINT,
  type TaskRefs,
} from "../../model/batches.ts";
import { selectCarried } from "../../model/carried-list.ts";
import type { TaskFailure } from "../../model/failures.ts";
import type { ResourceRequest } from "../../model/resources.ts";
import type { WorkerState } from "../state.ts";
import { OBJECT_EXPECTED } from "../tables/object-table.ts";
import { TASK_RUNNING } from "../tables/task-table.ts";
import {
  addPresentObject,
  endRunning,
  forgetTask,
  queueRunnable,
  releaseEnding,
  stopTask,
} from "../transitions.ts";

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
      if (!isHereOrOnItsWay(state, task, attempt)) state.outbox.discarded.push(task, attempt);
      continue;
    }
    learn(state, row, finished.durationsUs[i] as number);
    addPresentObject(state, task, attempt);
    noteCheckpoint(state, row);
    forgetTask(state, row);
    accepted.push(i);
  }
  if (accepted.length > 0) state.outbox.finished = selectFinished(finished, accepted);
}

/** Notes what becomes of the checkpoint of the object that the task in this row has just made. */
function noteCheckpoint(state: WorkerState, row: number): void {
  const { tasks, objects, batches } = state;
  const batch = batches.get(tasks.batches[row] as number);
  const index = tasks.indexes[row] as number;
  if (batch.checkpointLengths[index] === 0) return;
  const object = objects.find(tasks.tasks[row] as number, tasks.attempts[row] as number);
  const loads = ((batch.flags[index] as number) & FLAG_LOAD_CHECKPOINT) !== 0;
  objects.checkpoints[object] = loads ? CHECKPOINT_COMPLETE : CHECKPOINT_BEING_WRITTEN;
}

function isHereOrOnItsWay({ objects }: WorkerState, task: number, attempt: number): boolean {
  const row = objects.find(task, attempt);
  return row !== NONE && objects.states[row] !== OBJECT_EXPECTED;
}

function learn({ tasks, durations }: WorkerState, row: number, durationUs: number): void {
  const key = tasks.functionKeys[row] as number;
  if (key !== 0 && tasks.isRedirected[row] === 0) durations.learn(key, durationUs);
}

/** Queues again what has not begun; the one that holds it up is known to take long from now on. */
export function onTasksPostponed(state: WorkerState, { tasks, attempts }: TaskRefs): void {
  const { lanes } = state;
  const slowLanes = new Set<number>();
  for (let i = 0; i < tasks.length; i++) {
    const row = findRunning(state, tasks[i] as number, attempts[i] as number);
    const lane = row === NONE ? 0 : (state.tasks.lanes[row] as number);
    if (lane === 0) continue;
    lanes.get(lane).isClosed = true;
    slowLanes.add(lane);
    endRunning(state, row);
    queueRunnable(state, row);
  }
  reportStarted(state, slowLanes);
}

/** Tells of those that are left in lanes, whose start seemed not worth telling. */
function reportStarted({ tasks, outbox }: WorkerState, lanes: ReadonlySet<number>): void {
  if (lanes.size === 0) return;
  for (let row = 0; row < tasks.rowEnd; row++) {
    if (tasks.states[row] !== TASK_RUNNING || !lanes.has(tasks.lanes[row] as number)) continue;
    outbox.started.push(tasks.tasks[row] as number, tasks.attempts[row] as number);
  }
}

/** Queues the task for what comes in its place. It cannot run elsewhere any more. */
export function onTaskRedirected(
  state: WorkerState,
  event: { readonly task: number; readonly attempt: number; readonly request: ResourceRequest },
): void {
  const { task, attempt } = event;
  const { tasks, requests } = state;
  const row = findRunning(state, task, attempt);
  if (row === NONE) return;
  endRunning(state, row);
  const request = requests.useAmounts(event.request);
  requests.release(requests.get(tasks.requests[row] as number));
  tasks.requests[row] = request.id;
  tasks.isRedirected[row] = 1;
  queueRunnable(state, row);
  if (request.refusal === undefined) return;
  stopTask(state, row);
  state.outbox.failed.push({
    kind: "report-failed",
    task,
    attempt,
    failure: { message: request.refusal },
  });
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

/** Only now is free what the executions held. */
export function onExecutionsKilled(state: WorkerState, { tasks, attempts }: TaskRefs): void {
  for (let i = 0; i < tasks.length; i++) {
    const ending = state.endings.take(tasks[i] as number, attempts[i] as number);
    if (ending !== undefined) releaseEnding(state, ending);
  }
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
    carried: selectCarried(finished.carried, indexes),
  };
}
