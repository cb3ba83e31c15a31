import { decodeUtf8Lossy } from "../../base/utf8.ts";
import type { TaskFailure } from "../../model/failures.ts";
import { forgetCarried } from "../carried-results.ts";
import type { StepContext } from "../context.ts";
import { cancelDelay } from "../delays.ts";
import { refuseParked } from "../deliveries.ts";
import { makeAbsent } from "../make-absent.ts";
import { isOptional } from "../optional-inputs.ts";
import { recordEnded, tellPlanFailed, tellTaskFailed } from "../record.ts";
import type { PlanRecord, SchedulerState } from "../state.ts";
import {
  CHECKPOINT_PENDING,
  CHECKPOINT_WRITTEN,
  FAILED,
  GIVEN_UP,
  HOLDS_INPUTS,
  LOADS,
  PRESENT,
  RESULT,
} from "../task-table.ts";
import { forEachConsumer, isWanted, planOf, releaseInputs, stopAttempt } from "../wants.ts";
import { countFailure, endPlan, type FailedTask, inputFailed } from "./end-plan.ts";

/** Whether a failure can be anything but the end of its plan, and of all plans that need it. */
export const mayGoOn = ({ keepGoingPlans, tasks }: SchedulerState): boolean =>
  keepGoingPlans > 0 || tasks.optionalInputs.size > 0;

/**
 * These rows get no data, and neither does what needs them, in whatever plan, unless it can do
 * without. Of a plan that keeps going, each result among them is told, with the cause, and all else
 * goes on. Another plan is given up, unless no result of it is among them: then somebody can do
 * without, and gets an absent value. Linear in the rows that get no data and their consumers.
 * @param own why the first row failed, by its own fault; undefined where it only needs what failed
 */
export function failRows(
  context: StepContext,
  roots: readonly number[],
  cause: FailedTask,
  own?: TaskFailure,
): void {
  const { state } = context;
  const rows = dependents(state, roots);
  const [root] = roots;
  const ended = plansToEnd(state, rows, own === undefined ? undefined : root);
  for (const [plan, row] of ended) {
    // Of what was finished when its plan was given up, and is being made again, nothing is told.
    if (plan.isGivenUp) {
      endPlan(state, plan, cause);
      continue;
    }
    const isOwn = own !== undefined && plan === planOf(state, root as number);
    countFailure(state, plan);
    tellPlanFailed(
      context,
      plan,
      told(state, isOwn ? (root as number) : row, cause, isOwn ? own : undefined),
    );
    endPlan(state, plan, cause);
  }
  for (const row of rows) {
    const plan = planOf(state, row);
    if (plan.endings > 0) continue;
    const isOwn = own !== undefined && row === root;
    if (isOwn) state.counters.tasksFailed += 1;
    const isResult = ((state.tasks.flags[row] as number) & RESULT) !== 0;
    if (isOwn || isResult) {
      tellTaskFailed(context, plan, told(state, row, cause, isOwn ? own : undefined));
    }
    const clientTask = state.tasks.clientTask[row] as number;
    state.clients.get(plan.clientId)?.failedIds.add(clientTask, clientTask + 1);
    failRow(context, row, cause);
  }
}

/** Rows that were taken over, or called for again, while an input of theirs had failed already. */
export function failDoomed(context: StepContext): void {
  const { state } = context;
  const { tasks, work } = state;
  for (let i = 0; i < work.doomed.length; i += 1) {
    const row = work.doomed.at(i);
    if (((tasks.flags[row] as number) & HOLDS_INPUTS) === 0) continue;
    const start = tasks.edgeStart[row] as number;
    for (let k = start; k < start + (tasks.inputCount[row] as number); k += 1) {
      const input = tasks.edges.items[k] as number;
      const cause = state.failed.get(input);
      if (cause === undefined || isOptional(tasks, row, input)) continue;
      failRows(context, [row], cause);
      break;
    }
  }
  work.doomed.clear();
}

/** The rows, and all unfinished ones that cannot be had without them. */
function dependents(state: SchedulerState, roots: readonly number[]): number[] {
  const { tasks } = state;
  const rows = [...roots];
  const seen = new Set(rows);
  for (const row of rows) {
    // Its data is there; only its checkpoint is not.
    if (tasks.state[row] === PRESENT) continue;
    forEachConsumer(state, row, (consumer) => {
      const flags = tasks.flags[consumer] as number;
      if ((flags & HOLDS_INPUTS) === 0 || (flags & GIVEN_UP) !== 0) return;
      if (seen.has(consumer) || isOptional(tasks, consumer, row)) return;
      seen.add(consumer);
      rows.push(consumer);
    });
  }
  return rows;
}

/** The plans that the rows are the end of, and of each the first row among them that it is because of. */
function plansToEnd(
  state: SchedulerState,
  rows: readonly number[],
  root: number | undefined,
): Map<PlanRecord, number> {
  const { tasks } = state;
  const first = new Map<PlanRecord, number>();
  const ended = new Map<PlanRecord, number>();
  for (const row of rows) {
    const plan = planOf(state, row);
    if (plan.endings > 0 || plan.options?.isKeepGoing || ended.has(plan)) continue;
    if (!first.has(plan)) first.set(plan, row);
    const isResult = ((tasks.flags[row] as number) & RESULT) !== 0;
    const isCheckpoint = row === root && tasks.state[row] === PRESENT;
    // What is to come of an open plan may need it.
    if (isResult || isCheckpoint || plan.isOpen || plan.isGivenUp)
      ended.set(plan, first.get(plan) as number);
  }
  return ended;
}

function told(
  { tasks, workers }: SchedulerState,
  row: number,
  cause: FailedTask,
  own: TaskFailure | undefined,
): Parameters<typeof tellTaskFailed>[2] {
  return {
    clientTask: tasks.clientTask[row] as number,
    worker: own === undefined ? "" : (workers.get(tasks.worker[row] as number)?.name ?? ""),
    attempts: tasks.attemptsMade(row),
    label: decodeUtf8Lossy(tasks.label(row)),
    failure: own ?? inputFailed(cause),
    cause: own === undefined ? cause.clientTask : undefined,
  };
}

/** Nobody gets data from the row any more; who can do without gets an absent value. */
export function failRow(context: StepContext, row: number, cause: FailedTask): void {
  const { state } = context;
  const { tasks, work } = state;
  cancelDelay(state.retries, row);
  forgetCarried(state, row);
  if (tasks.state[row] === PRESENT) {
    // Its consumers have what they need.
    if (planOf(state, row).isJournaled) recordEnded(context, row);
    tasks.flags[row] = (tasks.flags[row] as number) & ~(RESULT | CHECKPOINT_PENDING);
    work.unwanted.push(row);
    return;
  }
  stopAttempt(context, row);
  releaseInputs(state, row, work.unwanted);
  tasks.flags[row] =
    (tasks.flags[row] as number) & ~(CHECKPOINT_PENDING | CHECKPOINT_WRITTEN | LOADS);
  tasks.state[row] = FAILED;
  tasks.worker[row] = -1;
  state.failed.set(row, cause);
  refuseParked(context, row, inputFailed(cause).message);
  if (someoneCanDoWithout(state, row)) makeAbsent(context, row);
  else if (!isWanted(state, row)) work.unwanted.push(row);
}

function someoneCanDoWithout(state: SchedulerState, row: number): boolean {
  const { tasks } = state;
  if (tasks.optionalInputs.size === 0) return false;
  let isNeeded = false;
  forEachConsumer(state, row, (consumer) => {
    isNeeded ||=
      ((tasks.flags[consumer] as number) & HOLDS_INPUTS) !== 0 && isOptional(tasks, consumer, row);
  });
  return isNeeded;
}
