import { decodeUtf8Lossy } from "../../base/utf8.ts";
import { forgetCarried } from "../carried-results.ts";
import type { StepContext } from "../context.ts";
import { refuseParked } from "../deliveries.ts";
import { isOptional } from "../optional-inputs.ts";
import { recordEnded, tellPlanFailed } from "../record.ts";
import type { PlanRecord, SchedulerState } from "../state.ts";
import {
  ASSIGNED,
  CHECKPOINT_PENDING,
  FREE,
  GIVEN_UP,
  HOLDS_INPUTS,
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

import {
  countFailure,
  endPlan,
  type FailedTask,
  inputFailed,
  type PlanEnding,
} from "./end-plan.ts";
import { failRow, failRows, mayGoOn } from "./fail-rows.ts";

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
  // It was finished, and was being made again for these.
  refuseParked(context, row, inputFailed(cause).message);
  const needyRows: number[] = [];
  forEachConsumer(state, row, (consumer) => {
    const needy = planOf(state, consumer);
    if (needy === plan || needy.endings > 0 || !isUnfinished(state, consumer)) return;
    // Its plan's ending is over already, and it is here only until that of another one is.
    if (((tasks.flags[consumer] as number) & GIVEN_UP) !== 0) return;
    if (mayGoOn(state)) needyRows.push(consumer);
    // It was finished when its plan was given up, and is being made again.
    else if (needy.isGivenUp) endPlan(state, needy, cause);
    else tellFailed(context, needy, consumer, cause);
  });
  if (needyRows.length === 0 || tasks.state[row] === PRESENT) return;
  const holding = needyRows.filter(
    (consumer) => ((tasks.flags[consumer] as number) & HOLDS_INPUTS) !== 0,
  );
  const lacking = holding.filter((consumer) => !isOptional(tasks, consumer, row));
  if (lacking.length > 0) failRows(context, lacking, cause);
  if (lacking.length < holding.length) failRow(context, row, cause);
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
    failure: inputFailed(cause, "of another plan, "),
    cause: cause.clientTask,
  });
  endPlan(state, needy, cause);
}

/** Whether its client was not told that it is finished, or it is not there again. */
export function isUnfinished({ tasks }: SchedulerState, row: number): boolean {
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
