import { resizeCarried } from "../carried-results.ts";
import type { StepContext } from "../context.ts";
import { deliverParked } from "../deliveries.ts";
import type { SchedulerEvent } from "../events.ts";
import { keepGiven, takeBack, ungive } from "../given.ts";
import { learnDuration } from "../groups.ts";
import { tryAgain } from "../losses.ts";
import { notifyIfFinished } from "../notify.ts";
import { addRef } from "../outbox.ts";
import { levelAgainIfDue } from "../plans/time-levels.ts";
import { makeReady } from "../ready.ts";
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
  { unwanted, advance }: { unwanted: number[]; advance: (consumer: number) => void },
): void {
  const { state } = context;
  const { tasks } = state;
  state.counters.tasksFinished += 1;
  if (state.promised.size > 0) state.promised.delete(row);
  state.counters.rowsTouched += 1;
  ungive(context, row);
  const flags = tasks.flags[row] as number;
  if ((flags & LOADS) === 0) {
    learnDuration(state.groups, tasks.group[row] as number, finished.durationsUs[i] as number);
  }
  tasks.state[row] = PRESENT;
  const sizeBytes = plausible(finished.sizesBytes[i]);
  resizeCarried(state, row, sizeBytes);
  tasks.sizeBytes[row] = sizeBytes;
  tasks.dataType[row] = finished.dataTypes[i] as number;
  state.objectCount += 1;
  const length = finished.lengths[i] as number;
  if (length > 0) state.lengths.set(row, length);
  if ((flags & LOADS) !== 0) {
    tasks.flags[row] = (flags & ~LOADS) | CHECKPOINT_WRITTEN;
  } else if (tasks.checkpointLengths.has(row)) {
    tasks.flags[row] = (flags & ~CHECKPOINT_WRITTEN) | CHECKPOINT_PENDING;
  }
  notifyIfFinished(context, row, finished.carried, entry);
  releaseInputs(state, row, unwanted);
  forEachConsumer(state, row, advance);
  deliverParked(context, row);
  if (!isWanted(state, row)) unwanted.push(row);
}

/** What becomes of a row when one of its inputs is there. One function for all rows of a step, which are many. */
function consumerAdvance(context: StepContext): (consumer: number) => void {
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
const plausible = (value: number | undefined): number =>
  value !== undefined && value >= 0 && value < Number.MAX_SAFE_INTEGER ? value : 0;
