import { decodeUtf8Lossy } from "../../base/utf8.ts";
import { forgetCarried } from "../carried-results.ts";
import type { StepContext } from "../context.ts";
import { recordEnded, tellPlanFailed } from "../record.ts";
import type { PlanRecord, SchedulerState } from "../state.ts";
import {
  ASSIGNED,
  CHECKPOINT_PENDING,
  FREE,
  GIVEN_UP,
  NOTIFIED,
  PRESENT,
  READY,
  RESULT,
  RUNNING,
  WAITING,
} from "../task-table.ts";
import {
  forEachConsumer,
  forgetFreeRows,
  forgetPlanIfEmpty,
  planOf,
  takeUnwanted,
} from "../wants.ts";

/** What ends a plan: a task that failed, and what its plan's users are told. */
export type FailedTask = { readonly clientTask: number; readonly message: string };

/** A plan that is given up, row by row. */
export type PlanEnding = {
  readonly plan: PlanRecord;
  /** "all" also ends what is finished, and what the client asked to keep. */
  readonly extent: FailedTask | "all";
  /** Rows that were not looked at: those of the plan, then those that it expanded to. */
  position: number;
};

/** Has the plan given up, by this step's work and the next ones'. From now on nothing of it is told. */
export function endPlan(
  state: SchedulerState,
  plan: PlanRecord,
  extent: PlanEnding["extent"],
): void {
  plan.isGivenUp = true;
  plan.isOpen = false;
  plan.endings += 1;
  const position = plan.rows.length + plan.expandedRows.length;
  state.work.endings.push({ plan, extent, position });
}

/**
 * Goes on with an ending; true once it is over. From the last row to the first, since consumers
 * mostly come after their inputs: what nobody wants goes at once.
 */
export function advanceEnding(context: StepContext, ending: PlanEnding): boolean {
  const { state } = context;
  const { tasks, work } = state;
  const { plan } = ending;
  while (ending.position > 0 && context.budget > 0) {
    ending.position -= 1;
    context.budget -= 1;
    const row = rowAt(plan, ending.position);
    const isOwn = tasks.state[row] !== FREE && ownerOf(state, row) === plan;
    if (!isOwn) continue;
    if (ending.position < plan.heldTo && ending.position >= plan.heldFrom) {
      plan.heldTo = ending.position;
      tasks.consumersLeft[row] = (tasks.consumersLeft[row] as number) - 1;
    }
    if (ending.extent === "all") forget(context, plan, row);
    else giveUp(context, plan, row, ending.extent);
    const base = work.unwanted.length;
    work.unwanted.push(row);
    takeUnwanted(context, base);
  }
  // What follows from the rows, here and in other plans, is part of it.
  if (ending.position > 0 || work.unwanted.length > 0 || work.endings.at(-1) !== ending)
    return false;
  plan.endings -= 1;
  if (plan.liveCount === 0) forgetPlanIfEmpty(state, plan);
  else forgetFreeRows(state, plan);
  return true;
}

const rowAt = ({ rows, expandedRows }: PlanRecord, position: number): number =>
  position < rows.length ? rows.at(position) : (expandedRows[position - rows.length] as number);

const ownerOf = ({ plans, tasks }: SchedulerState, row: number): PlanRecord | undefined =>
  plans.get(tasks.serial[row] as number);

/** The row is nothing that its client could ask for any more. */
function forget(context: StepContext, plan: PlanRecord, row: number): void {
  const { state } = context;
  const { tasks } = state;
  if (
    plan.isJournaled &&
    state.clients.has(plan.clientId) &&
    ((tasks.flags[row] as number) & RESULT) !== 0
  ) {
    recordEnded(context, row);
  }
  forgetCarried(state, row);
  tasks.flags[row] = (tasks.flags[row] as number) & ~(RESULT | CHECKPOINT_PENDING);
  state.pins.delete(row);
  state.parkedRequests.delete(row);
}

/** Ends what is unfinished; plans that need it are given up too, and each of them is told once. */
function giveUp(context: StepContext, plan: PlanRecord, row: number, cause: FailedTask): void {
  const { state } = context;
  const { tasks } = state;
  if (!isUnfinished(state, row)) return;
  if (plan.isJournaled && ((tasks.flags[row] as number) & RESULT) !== 0) recordEnded(context, row);
  forgetCarried(state, row);
  // Without these marks nobody wants it, once the consumers in this and the needy plans are gone.
  tasks.flags[row] = ((tasks.flags[row] as number) & ~(RESULT | CHECKPOINT_PENDING)) | GIVEN_UP;
  forEachConsumer(state, row, (consumer) => {
    const needy = planOf(state, consumer);
    if (needy === plan || needy.endings > 0 || !isUnfinished(state, consumer)) return;
    // Its plan's ending is over already, and it is here only until that of another one is.
    if (((tasks.flags[consumer] as number) & GIVEN_UP) !== 0) return;
    // It was finished when its plan was given up, and is being made again.
    if (needy.isGivenUp) endPlan(state, needy, cause);
    else tellFailed(context, needy, consumer, cause);
  });
}

function tellFailed(context: StepContext, needy: PlanRecord, row: number, cause: FailedTask): void {
  const { state } = context;
  const { tasks } = state;
  countFailure(state, needy);
  tellPlanFailed(context, needy, {
    clientTask: tasks.clientTask[row] as number,
    worker: "",
    attempts: tasks.attemptsMade(row),
    label: decodeUtf8Lossy(tasks.label(row)),
    failure: {
      kind: "input-failed",
      message: `Needs task ${cause.clientTask} of another plan, which failed: ${cause.message}`,
    },
    cause: cause.clientTask,
  });
  endPlan(state, needy, cause);
}

export function countFailure(state: SchedulerState, plan: PlanRecord): void {
  state.counters.tasksFailed += 1;
  state.clients.get(plan.clientId)?.failedIds.add(plan.idBase, plan.idBase + plan.taskCount);
}

function isUnfinished({ tasks }: SchedulerState, row: number): boolean {
  const current = tasks.state[row];
  return (
    current === WAITING ||
    current === READY ||
    current === ASSIGNED ||
    current === RUNNING ||
    // Its checkpoint could not be written, or its client was not told: it counts as failed.
    (current === PRESENT &&
      (((tasks.flags[row] as number) & CHECKPOINT_PENDING) !== 0 ||
        ((tasks.flags[row] as number) & (RESULT | NOTIFIED)) === RESULT))
  );
}
