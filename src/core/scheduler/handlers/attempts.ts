import type { StepContext } from "../context.ts";
import type { SchedulerEvent } from "../events.ts";
import { takeBack } from "../given.ts";
import { giveUpObject, loseReplica, tryAgain } from "../losses.ts";
import { notifyIfFinished } from "../notify.ts";
import { failTask } from "../plans/fail-task.ts";
import { recordCheckpoint } from "../record.ts";
import { holds, preferAnotherReplica } from "../replicas.ts";
import { rememberRerun } from "../reruns.ts";
import { retryLater, withStory } from "../retries.ts";
import type { SchedulerState } from "../state.ts";
import {
  CHECKPOINT_PENDING,
  CHECKPOINT_WRITTEN,
  DORMANT,
  isGiven,
  LOADS,
  PRESENT,
  RUNNING,
  WAITING,
} from "../task-table.ts";
import { isWanted, letGo, resurrect } from "../wants.ts";

type EventOf<Kind extends SchedulerEvent["kind"]> = Extract<SchedulerEvent, { kind: Kind }>;

/** After so many attempts, the only copy of an input that cannot be had is given up. */
const UNREACHABLE_ATTEMPTS = 4;

/** Whether the worker has this attempt, as far as is known here. */
function isWith(state: SchedulerState, workerId: number, row: number, attempt: number): boolean {
  const { tasks } = state;
  return tasks.isCurrent(row, attempt) && tasks.worker[row] === workerId && isGiven(tasks, row);
}

export function onTasksStarted({ state }: StepContext, event: EventOf<"tasks-started">): void {
  const { tasks, attempts } = event.refs;
  for (let i = 0; i < tasks.length; i += 1) {
    const row = tasks[i] as number;
    if (!isWith(state, event.workerId, row, attempts[i] as number)) continue;
    state.tasks.state[row] = RUNNING;
    state.counters.tasksStarted += 1;
  }
}

export function onTaskFailed(context: StepContext, event: EventOf<"task-failed">): void {
  const { state } = context;
  const { tasks } = state;
  const { task: row, attempt, workerId, failure } = event;
  context.dirtyWorkers.add(workerId);
  if (isWith(state, workerId, row, attempt)) {
    takeBack(context, row);
    tasks.state[row] = WAITING;
    const worker = state.workers.get(workerId)?.name ?? "";
    if (retryLater(context, row, failure, worker)) return;
  } else if (!isCheckpointOf(state, workerId, row, attempt)) {
    return;
  }
  failTask(context, row, withStory(state, row, failure));
}

/** Whether the object is there and its checkpoint outstanding: what fails then is the checkpoint. */
function isCheckpointOf(
  { tasks }: SchedulerState,
  workerId: number,
  row: number,
  attempt: number,
): boolean {
  return (
    tasks.isCurrent(row, attempt) &&
    tasks.state[row] === PRESENT &&
    tasks.worker[row] === workerId &&
    ((tasks.flags[row] as number) & CHECKPOINT_PENDING) !== 0
  );
}

export function onTasksReturned(context: StepContext, event: EventOf<"tasks-returned">): void {
  const { state } = context;
  const worker = state.workers.get(event.workerId);
  if (worker !== undefined) worker.retractedAtMs = -1;
  const { tasks, attempts } = event.refs;
  for (let i = 0; i < tasks.length; i += 1) {
    const row = tasks[i] as number;
    if (!isWith(state, event.workerId, row, attempts[i] as number)) continue;
    rememberRerun(state, row, worker?.name ?? "", "retracted");
    takeBack(context, row);
    tryAgain(context, row);
  }
}

export function onInputsUnreachable(
  context: StepContext,
  event: EventOf<"inputs-unreachable">,
): void {
  const { state } = context;
  const { refs, inputs, holders } = event;
  for (let i = 0; i < refs.tasks.length; i += 1) {
    const row = refs.tasks[i] as number;
    if (!isWith(state, event.workerId, row, refs.attempts[i] as number)) continue;
    const attempts = state.tasks.attemptsMade(row);
    const workerName = state.workers.get(event.workerId)?.name ?? "";
    rememberRerun(state, row, workerName, "input-unreachable");
    takeBack(context, row);
    tryAgain(context, row);
    const input = inputs.tasks[i] as number;
    const holder = holders[i] as number;
    const isThere =
      state.tasks.isCurrent(input, inputs.attempts[i] as number) &&
      state.tasks.state[input] === PRESENT &&
      holds(state, input, holder);
    if (!isThere) continue;
    // The holder itself knows best; of others it may be the way between the two that is broken.
    if (holder === event.workerId) loseReplica(context, input, holder);
    else if (!preferAnotherReplica(state, input) && attempts >= UNREACHABLE_ATTEMPTS) {
      giveUpObject(context, input, holder);
    }
  }
}

export function onCheckpointsWritten(
  context: StepContext,
  event: EventOf<"checkpoints-written">,
): void {
  const { tasks } = context.state;
  const done: number[] = [];
  event.refs.tasks.forEach((row, i) => {
    if (!tasks.isCurrent(row, event.refs.attempts[i] as number)) return;
    if (tasks.state[row] !== PRESENT) return;
    const flags = tasks.flags[row] as number;
    if ((flags & CHECKPOINT_PENDING) === 0) return;
    tasks.flags[row] = (flags & ~CHECKPOINT_PENDING) | CHECKPOINT_WRITTEN;
    if (context.state.journal !== undefined) recordCheckpoint(context, row);
    notifyIfFinished(context, row);
    if (!isWanted(context.state, row)) done.push(row);
  });
  letGo(context, done);
}

/** The file is not there for the worker, so the task is computed. */
export function onCheckpointsMissing(
  context: StepContext,
  event: EventOf<"checkpoints-missing">,
): void {
  const { state } = context;
  const { tasks } = state;
  const rows: number[] = [];
  const workerName = state.workers.get(event.workerId)?.name ?? "";
  event.refs.tasks.forEach((row, i) => {
    if (!isWith(state, event.workerId, row, event.refs.attempts[i] as number)) return;
    rememberRerun(state, row, workerName, "checkpoint-missing");
    takeBack(context, row);
    tasks.flags[row] = (tasks.flags[row] as number) & ~(LOADS | CHECKPOINT_WRITTEN);
    tasks.state[row] = DORMANT;
    rows.push(row);
  });
  resurrect(context, rows);
}
