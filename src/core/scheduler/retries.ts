import { bitOf, kindOf, type TaskFailure } from "../model/failures.ts";
import type { TaskPolicy } from "../model/policies.ts";
import type { StepContext } from "./context.ts";
import { addDelay, firstDelay, type OwnFailures, removeFirstDelay } from "./delays.ts";
import { tryAgain } from "./losses.ts";
import { policyOf } from "./policies.ts";
import { rememberRerun } from "./reruns.ts";
import type { SchedulerState } from "./state.ts";
import { NOT_BEGUN, WAITING } from "./task-table.ts";

/** Waits are longer by up to this part, at random, so that what failed together does not return together. */
const JITTER = 1 / 4;
/** Attempts that are told of one task: the first ones and the newest. */
const STORY_MAX = 20;
const STORY_TEXT_MAX = 300;

/**
 * An attempt failed, by its own fault, on the worker of this name: true if the row is to be tried
 * again, now or later. The row must be off its worker's account, in state WAITING. Where it is not
 * tried again, the failure that is to be told has the whole story.
 */
export function retryLater(
  context: StepContext,
  row: number,
  failure: TaskFailure,
  worker: string,
): boolean {
  const { state } = context;
  const policy = policyOf(state, row);
  if (policy.attemptsMax <= 1) return false;
  const past = noteFailure(state, row, failure, worker);
  const isRetried = (policy.retriedKinds & bitOf(kindOf(failure))) !== 0;
  if (!isRetried || past.count >= policy.attemptsMax) return false;
  rememberRerun(state, row, worker, "failed");
  state.counters.tasksRetried += 1;
  const waitMs = backoffMs(policy, past.count) * (1 + JITTER * state.random.unit());
  if (waitMs <= 0) {
    tryAgain(context, row);
    return true;
  }
  state.tasks.unfinishedInputs[row] = (state.tasks.unfinishedInputs[row] as number) + NOT_BEGUN;
  const delay = { row, dueAtMs: state.nowMs + waitMs, reason: past.story.at(-1) ?? "" };
  addDelay(state.retries, delay);
  return true;
}

/** The failure, with what became of the attempts before, if there were any. */
export function withStory(state: SchedulerState, row: number, failure: TaskFailure): TaskFailure {
  const past = state.retries.failures.get(row);
  if (past === undefined || past.story.length < 2) return failure;
  return { ...failure, story: past.story.slice(0, -1) };
}

/** The wait after the `count`th failure, without jitter. */
function backoffMs({ backoffMs: firstMs, backoffFactor, backoffMsMax }: TaskPolicy, count: number) {
  return Math.min(firstMs * backoffFactor ** (count - 1), Math.max(firstMs, backoffMsMax));
}

function noteFailure(
  { retries, tasks }: SchedulerState,
  row: number,
  failure: TaskFailure,
  worker: string,
): OwnFailures {
  let past = retries.failures.get(row);
  if (past === undefined) {
    past = { count: 0, story: [], attempt: 0 };
    retries.failures.set(row, past);
  }
  past.count += 1;
  past.attempt = tasks.attempt[row] as number;
  const text = firstLine(failure.message).slice(0, STORY_TEXT_MAX);
  const where = worker === "" ? "" : ` on ${worker}`;
  past.story.push(`Attempt ${tasks.attemptsMade(row)}${where}: ${kindOf(failure)}: ${text}`);
  if (past.story.length > STORY_MAX) past.story.splice(STORY_MAX / 2, 1);
  return past;
}

function firstLine(text: string): string {
  const end = text.indexOf("\n");
  return end === -1 ? text : text.slice(0, end);
}

/** When the next row is due, in the time of events; undefined if none waits. */
export const nextDueAtMs = ({ retries }: SchedulerState): number | undefined =>
  firstDelay(retries)?.dueAtMs;

/** Lets the rows whose time has come be tried again. */
export function beginDueRetries(context: StepContext): void {
  const { tasks, retries, nowMs } = context.state;
  for (let due = firstDelay(retries); due !== undefined; due = firstDelay(retries)) {
    if (due.dueAtMs > nowMs) return;
    const { row } = due;
    removeFirstDelay(retries);
    const unfinished = tasks.unfinishedInputs[row] as number;
    if (tasks.state[row] !== WAITING || unfinished < NOT_BEGUN) continue;
    tasks.unfinishedInputs[row] = unfinished - NOT_BEGUN;
    tryAgain(context, row);
  }
}
