import { resizeCarried } from "../carried-results.ts";
import type { StepContext } from "../context.ts";
import { forgetRetries } from "../delays.ts";
import { deliverParked } from "../deliveries.ts";
import { noteFinished } from "../drains.ts";
import type { SchedulerEvent } from "../events.ts";
import { keepGiven, takeBack, ungive } from "../given.ts";
import { learnDuration, learnSize } from "../groups.ts";
import { tryAgain } from "../losses.ts";
import { notifyIfFinished } from "../notify.ts";
import { addRef } from "../outbox.ts";
import { levelAgainIfDue } from "../plans/time-levels.ts";
import { makeReady } from "../ready.ts";
import type { SchedulerState } from "../state.ts";
import {
  CHECKPOINT_PENDING,
  CHECKPOINT_WRITTEN,
  isAhead,
  isGiven,
  LOADS,
  PRESENT,
  WAITING,
} from "../task-table.ts";
import { forEachConsumer, isWanted, letGo, releaseInputs } from "../wants.ts";

type TasksFinished = Extract<SchedulerEvent, { kind: "tasks-finished" }>;

export function onTasksFinished(context: StepContext, event: TasksFinished): void {
  const { state } = context;
  const { tasks, attempts, carried } = event.finished;
  context.dirtyWorkers.add(event.workerId);
  /** Inputs that lost their last consumer, and objects that nobody was waiting for. */
  const unwanted: number[] = [];
  const tools = { unwanted, advance: consumerAdvance(context) };
  let nextCarried = 0;
  for (let i = 0; i < tasks.length; i += 1) {
    const row = tasks[i] as number;
    const attempt = attempts[i] as number;
    const entry = carried?.positions[nextCarried] === i ? nextCarried++ : -1;
    const isCurrent =
      state.tasks.isCurrent(row, attempt) &&
      state.tasks.worker[row] === event.workerId &&
      isGiven(state.tasks, row);
    if (isCurrent && !isAhead(state.tasks, row)) {
      finish(context, event, i, entry, row, tools);
      continue;
    }
    dropStale(context, event.workerId, row, attempt);
    if (!isCurrent) continue;
    // From what did the worker make it? What it says last of an input is to come before.
    takeBack(context, row);
    tryAgain(context, row);
  }
  letGo(context, unwanted);
  levelAgainIfDue(state);
}

/** The result of an attempt that counts no more; nothing is to be kept of it. */
function dropStale(
  { state, outbox }: StepContext,
  workerId: number,
  row: number,
  attempt: number,
): void {
  const { tasks } = state;
  if (tasks.isCurrent(row, attempt) && tasks.state[row] === PRESENT) return;
  addRef(outbox.drops, workerId, row, attempt);
}

function finish(
  context: StepContext,
  { finished }: TasksFinished,
  i: number,
  entry: number,
  row: number,
  tools: PresenceTools,
): void {
  const { state } = context;
  const { tasks } = state;
  state.counters.tasksFinished += 1;
  if (state.promised.size > 0) state.promised.delete(row);
  forgetRetries(state.retries, row);
  state.counters.rowsTouched += 1;
  if (state.crashes.size > 0) state.crashes.delete(row);
  ungive(context, row);
  if (state.drains.size > 0) noteFinished(state, row, tasks.worker[row] as number);
  const flags = tasks.flags[row] as number;
  if ((flags & LOADS) === 0) {
    learnDuration(state.groups, tasks.group[row] as number, finished.durationsUs[i] as number);
    learnSize(state.groups, tasks.group[row] as number, finished.sizesBytes[i] as number);
  }
  beginPresence(
    state,
    row,
    finished.sizesBytes[i] as number,
    finished.lengths[i] as number,
    finished.dataTypes[i] as number,
  );
  if ((flags & LOADS) !== 0) {
    tasks.flags[row] = (flags & ~LOADS) | CHECKPOINT_WRITTEN;
  } else if (tasks.checkpointLengths.has(row)) {
    tasks.flags[row] = (flags & ~CHECKPOINT_WRITTEN) | CHECKPOINT_PENDING;
  }
  notifyIfFinished(context, row, finished.carried, entry);
  endPresence(context, row, tools);
}

/** The row's object, of this size, length and type, is there. Its flags are the caller's to set, before `endPresence`. */
export function beginPresence(
  state: SchedulerState,
  row: number,
  sizeBytes: number,
  length: number,
  dataType: number,
): void {
  const { tasks } = state;
  tasks.state[row] = PRESENT;
  const plausibleBytes = plausible(sizeBytes);
  resizeCarried(state, row, plausibleBytes);
  tasks.sizeBytes[row] = plausibleBytes;
  tasks.dataType[row] = dataType;
  state.objectCount += 1;
  if (length > 0) state.lengths.set(row, length);
}

/** What is to be done with many rows whose objects come in one step; `unwanted` are those that nobody wants then. */
export type PresenceTools = {
  readonly unwanted: number[];
  /** From `consumerAdvance`. */
  readonly advance: (consumer: number) => void;
};

/** What follows from the row's object being there, for its inputs and those who wait for it. */
export function endPresence(
  context: StepContext,
  row: number,
  { unwanted, advance }: PresenceTools,
): void {
  const { state } = context;
  releaseInputs(state, row, unwanted);
  forEachConsumer(state, row, advance);
  deliverParked(context, row);
  if (!isWanted(state, row)) unwanted.push(row);
}

/** What becomes of a row when one of its inputs is there. One function for all rows of a step, which are many. */
export function consumerAdvance(context: StepContext): (consumer: number) => void {
  const { state } = context;
  const { tasks } = state;
  return (consumer) => {
    state.counters.rowsTouched += 1;
    const unfinished = (tasks.unfinishedInputs[consumer] as number) - 1;
    if (unfinished < 0) return;
    tasks.unfinishedInputs[consumer] = unfinished;
    if (unfinished > 0) return;
    if (tasks.state[consumer] === WAITING) makeReady(context, consumer);
    else keepGiven(context, consumer);
  };
}

/** What a worker says, as a number that sums can be made of. */
const plausible = (value: number): number =>
  value >= 0 && value < Number.MAX_SAFE_INTEGER ? value : 0;
