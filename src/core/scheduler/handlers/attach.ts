import {
  CHECKPOINT_BEING_WRITTEN,
  CHECKPOINT_COMPLETE,
  HELD_ENDED,
  HELD_LOADS,
  HELD_STARTED,
  type HeldObjects,
  type HeldTasks,
} from "../../model/batches.ts";
import { isDynamic } from "../../model/symbols.ts";
import type { StepContext } from "../context.ts";
import { forgiveWorker } from "../crashes.ts";
import type { SchedulerEvent } from "../events.ts";
import { AHEAD_CONSUMERS_MAX, adopt } from "../given.ts";
import { notifyIfFinished } from "../notify.ts";
import { addRef } from "../outbox.ts";
import { addReplica } from "../replicas.ts";
import type { SchedulerState, WorkerRecord } from "../state.ts";
import {
  ASSIGNED,
  CHECKPOINT_PENDING,
  CHECKPOINT_WRITTEN,
  isGiven,
  LOADS,
  NOT_BEGUN,
  PRESENT,
  READY,
  RETRACTING,
  RUNNING,
  WAITING,
} from "../task-table.ts";
import { isWanted, letGo, planOf, stopAttempt } from "../wants.ts";
import { beginPresence, consumerAdvance, endPresence } from "./tasks-finished.ts";
import { joinWorker, loseWorker } from "./workers.ts";

type WorkerAttached = Extract<SchedulerEvent, { kind: "worker-attached" }>;

/**
 * A worker has come back, to this server or to one that took its place. What it holds and has is
 * adopted where that saves work, and it is told to drop or to cancel the rest. Objects come first:
 * they make inputs of its tasks present.
 */
export function onWorkerAttached(context: StepContext, event: WorkerAttached): void {
  const { state } = context;
  const { workerId } = event;
  if (state.workers.has(workerId)) loseWorker(context, workerId, "cut-off");
  forgiveWorker(state, workerId);
  const worker = joinWorker(context, event);
  adoptObjects(context, worker, event.objects);
  const { recovery } = state;
  if (recovery === undefined) adoptTasks(context, workerId, event.tasks);
  else recovery.heldTasks.push({ workerId, tasks: event.tasks });
}

function adoptObjects(context: StepContext, worker: WorkerRecord, objects: HeldObjects): void {
  const { state } = context;
  const { tasks } = state;
  const unwanted: number[] = [];
  const tools = { unwanted, advance: consumerAdvance(context) };
  for (let i = 0; i < objects.tasks.length; i += 1) {
    const row = objects.tasks[i] as number;
    const attempt = objects.attempts[i] as number;
    state.counters.rowsTouched += 1;
    if (tasks.isCurrent(row, attempt) && tasks.state[row] === PRESENT) {
      addReplica(state, row, worker.id);
      continue;
    }
    const checkpointFlags = flagsOfHeld(state, row, objects.checkpoints[i] as number);
    if (!canFinish(state, row, attempt) || checkpointFlags === undefined) {
      addRef(context.outbox.drops, worker.id, row, attempt);
      continue;
    }
    // Whoever runs it again need not go on.
    stopAttempt(context, row);
    state.promised.delete(row);
    state.crashes.delete(row);
    tasks.adoptAttempt(row, attempt);
    tasks.worker[row] = worker.id;
    state.counters.tasksFinished += 1;
    beginPresence(
      state,
      row,
      objects.sizesBytes[i] as number,
      objects.lengths[i] as number,
      objects.dataTypes[i] as number,
    );
    tasks.flags[row] = checkpointFlags;
    notifyIfFinished(context, row);
    endPresence(context, row, tools);
  }
  letGo(context, unwanted);
}

/** Whether the object of this attempt ends the wait for the row's data. */
function canFinish(state: SchedulerState, row: number, attempt: number): boolean {
  const { tasks } = state;
  if (!tasks.isAttemptOf(row, attempt) || !canBeAdopted(state, row)) return false;
  const current = tasks.state[row];
  const isUnfinished =
    current === WAITING || current === READY || current === ASSIGNED || current === RUNNING;
  return isUnfinished && isWanted(state, row);
}

/** Not of plans that go, or have not begun, nor of what is replaced by other tasks. */
function canBeAdopted(state: SchedulerState, row: number): boolean {
  const { tasks } = state;
  if (isDynamic(tasks.taskType[row] as number)) return false;
  return (tasks.unfinishedInputs[row] as number) < NOT_BEGUN && planOf(state, row).endings === 0;
}

/** The row's flags once its object is there; undefined where nobody would ever tell of its checkpoint. */
function flagsOfHeld(state: SchedulerState, row: number, checkpoint: number): number | undefined {
  const { tasks } = state;
  const flags = tasks.flags[row] as number;
  if (!tasks.checkpointLengths.has(row)) return flags;
  const isWritten =
    checkpoint === CHECKPOINT_COMPLETE || (flags & (LOADS | CHECKPOINT_WRITTEN)) !== 0;
  const others = flags & ~(LOADS | CHECKPOINT_WRITTEN | CHECKPOINT_PENDING);
  if (isWritten) return others | CHECKPOINT_WRITTEN;
  return checkpoint === CHECKPOINT_BEING_WRITTEN ? others | CHECKPOINT_PENDING : undefined;
}

/** Has the worker go on with those of its tasks that nobody else runs, and cancels the others. */
export function adoptTasks(context: StepContext, workerId: number, held: HeldTasks): void {
  const { state, outbox } = context;
  const worker = state.workers.get(workerId);
  if (worker === undefined) return;
  /** Positions of those that wait for inputs, by row: what makes these may be adopted with them. */
  const waiting = new Map<number, number>();
  const adopted: number[] = [];
  for (let i = 0; i < held.tasks.length; i += 1) {
    const row = held.tasks[i] as number;
    const attempt = held.attempts[i] as number;
    const isKnown =
      state.tasks.isAttemptOf(row, attempt) &&
      // One that is known to have failed is not to fail once more, as its report is repeated.
      attempt > (state.retries.failures.get(row)?.attempt ?? 0) &&
      canBeAdopted(state, row) &&
      doesTheSame(state, row, held.flags[i] as number);
    if (isKnown && state.tasks.state[row] === WAITING) {
      waiting.set(row, i);
    } else if (isKnown && isBetterHere(state, held, i)) {
      stopAttempt(context, row);
      adoptHeld(context, worker, held, i);
      adopted.push(row);
    } else addRef(outbox.cancels, worker.id, row, attempt);
  }
  adoptAhead(context, worker, held, waiting, adopted);
  for (const [row, i] of waiting) {
    addRef(outbox.cancels, worker.id, row, held.attempts[i] as number);
  }
}

/** Whether the worker loads the row's checkpoint where that is to be loaded, and else makes its object. */
const doesTheSame = (state: SchedulerState, row: number, flags: number): boolean =>
  (flags & HELD_ENDED) !== 0 || isLoading(state, row) === ((flags & HELD_LOADS) !== 0);

const isLoading = ({ tasks }: SchedulerState, row: number): boolean =>
  ((tasks.flags[row] as number) & LOADS) !== 0;

/** Whether the worker is to go on with it: what runs goes before what may only wait elsewhere. */
function isBetterHere(state: SchedulerState, held: HeldTasks, i: number): boolean {
  const { tasks } = state;
  const row = held.tasks[i] as number;
  const isStarted = ((held.flags[i] as number) & HELD_STARTED) !== 0;
  if (tasks.state[row] === READY) return isStarted || hasItsInputs(state, held, i, -1);
  return tasks.state[row] === ASSIGNED && tasks.unfinishedInputs[row] === 0 && isStarted;
}

/**
 * Adopts those of `waiting` of which every missing input was adopted too, as if they had been given
 * ahead: they leave the map.
 */
function adoptAhead(
  context: StepContext,
  worker: WorkerRecord,
  held: HeldTasks,
  waiting: Map<number, number>,
  adopted: number[],
): void {
  const { tasks } = context.state;
  for (let input = adopted.pop(); input !== undefined; input = adopted.pop()) {
    if (waiting.size === 0) return;
    const count = tasks.consumerCount[input] as number;
    if (count > AHEAD_CONSUMERS_MAX) continue;
    const start = (tasks.edgeStart[input] as number) + (tasks.inputCount[input] as number);
    for (let k = start; k < start + count; k += 1) {
      const consumer = tasks.edges.items[k] as number;
      const i = waiting.get(consumer);
      if (i === undefined || tasks.serial[consumer] !== tasks.serial[input]) continue;
      if (!hasItsInputs(context.state, held, i, worker.id)) continue;
      waiting.delete(consumer);
      adoptHeld(context, worker, held, i);
      adopted.push(consumer);
    }
  }
}

/**
 * Whether the inputs that the worker knows are those that the server knows, and are present, or made
 * by tasks that `workerId` has.
 */
function hasItsInputs(
  state: SchedulerState,
  held: HeldTasks,
  i: number,
  workerId: number,
): boolean {
  const { tasks } = state;
  const row = held.tasks[i] as number;
  const first = held.inputStarts[i] as number;
  const count = (held.inputStarts[i + 1] as number) - first;
  if (isLoading(state, row)) return true;
  if (count !== tasks.inputCount[row]) return false;
  const start = tasks.edgeStart[row] as number;
  for (let k = 0; k < count; k += 1) {
    const input = tasks.edges.items[start + k] as number;
    if (tasks.attempt[input] !== held.inputAttempts[first + k]) return false;
    if (tasks.state[input] === PRESENT) continue;
    const isComing =
      isGiven(tasks, input) &&
      tasks.worker[input] === workerId &&
      tasks.serial[input] === tasks.serial[row] &&
      ((tasks.flags[input] as number) & RETRACTING) === 0 &&
      (tasks.consumerCount[input] as number) <= AHEAD_CONSUMERS_MAX;
    if (!isComing) return false;
  }
  return true;
}

function adoptHeld(context: StepContext, worker: WorkerRecord, held: HeldTasks, i: number): void {
  const isStarted = ((held.flags[i] as number) & HELD_STARTED) !== 0;
  const row = held.tasks[i] as number;
  context.state.promised.delete(row);
  adopt(context, worker, row, held.attempts[i] as number, isStarted ? RUNNING : ASSIGNED);
}
