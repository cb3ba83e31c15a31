import { Uint32List } from "../../base/columns.ts";
import { forgetCarried } from "../carried-results.ts";
import type { StepContext } from "../context.ts";
import { recordEnded } from "../record.ts";
import type { ClientRecord, PlanRecord } from "../state.ts";
import {
  CANCELED,
  CHECKPOINT_PENDING,
  FREE,
  NOTIFIED,
  PRESENT,
  RESULT,
  WAITING,
} from "../task-table.ts";
import { forEachConsumer, planOf, stopAttempt, takeUnwanted, unindex } from "../wants.ts";
import { isUnfinished } from "./endings.ts";
import { failTask } from "./fail-task.ts";

/**
 * Tasks of a client that are being canceled, with all that needs them. Like a plan that is taken
 * over it takes as many steps as it needs, and what the client sends meanwhile waits: so nobody can
 * begin to use a task that is still to be looked at.
 */
export type Cancelation = {
  readonly kind: "cancelation";
  readonly client: ClientRecord;
  clientTasks: Int32Array;
  readonly isWholePlan: boolean;
  /** Entries of `clientTasks` that were looked at. */
  position: number;
  /** A plan that is canceled whole, its rows when that began, and how many are still to be looked at. */
  plan: PlanRecord | undefined;
  rows: Uint32Array;
  rowsLeft: number;
  /** Rows that need what was canceled, and their serials: a row may be used again meanwhile. */
  readonly stack: Uint32List;
};

const NO_ROWS = new Uint32Array(0);

export function createCancelation(
  client: ClientRecord,
  clientTasks: Int32Array,
  isWholePlan: boolean,
): Cancelation {
  return {
    kind: "cancelation",
    client,
    clientTasks,
    isWholePlan,
    position: 0,
    plan: undefined,
    rows: NO_ROWS,
    rowsLeft: 0,
    stack: new Uint32List(),
  };
}

/** Its client has left. */
export function endCancelation(cancelation: Cancelation): void {
  cancelation.clientTasks = new Int32Array(0);
  cancelation.plan = undefined;
  cancelation.stack.clear();
}

/** Goes on as far as the step's budget allows; true once it is over. Linear in what is canceled and its edges. */
export function advanceCancelation(context: StepContext, cancelation: Cancelation): boolean {
  const { client, stack } = cancelation;
  const { tasks } = context.state;
  const canceled: number[] = [];
  while (context.budget > 0) {
    context.budget -= 1;
    if (stack.length > 0) {
      const serial = stack.pop();
      const row = stack.pop();
      if (tasks.state[row] !== FREE && tasks.serial[row] === serial) {
        cancel(context, row, stack, canceled);
      }
    } else if (!takeNext(context, cancelation)) break;
  }
  tell(context, client, canceled);
  return stack.length === 0 && cancelation.plan === undefined && isAtEnd(cancelation);
}

const isAtEnd = ({ position, clientTasks }: Cancelation): boolean => position >= clientTasks.length;

/** Whoever may come back is told of single results that are canceled, also by another server than it knows. */
export const takesCanceled = ({ takesCanceled: isTold, life }: ClientRecord): boolean =>
  isTold || life === "session";

/** Puts the next row that is to be canceled on the stack; false if there is none. */
function takeNext(context: StepContext, cancelation: Cancelation): boolean {
  const { tasks } = context.state;
  const { client, plan, stack } = cancelation;
  if (plan !== undefined) {
    // Consumers mostly come after their inputs: from the last one on, what nobody wants goes at once.
    cancelation.rowsLeft -= 1;
    if (cancelation.rowsLeft < 0) {
      cancelation.plan = undefined;
      cancelation.rows = NO_ROWS;
    } else pushOwn(context, plan, cancelation.rows[cancelation.rowsLeft] as number, stack);
    return true;
  }
  if (isAtEnd(cancelation)) return false;
  const row = client.rows.get(cancelation.clientTasks[cancelation.position] as number);
  cancelation.position += 1;
  if (row === -1) return true;
  const own = planOf(context.state, row);
  if (own.isGivenUp) return true;
  if (own.isOpen || !takesCanceled(client)) {
    // It cannot be told of parts of a plan, or its plan is not here whole.
    if (isCancelable(context, row)) failCanceled(context, row);
  } else if (cancelation.isWholePlan) {
    cancelation.plan = own;
    // A copy: the plan's lists are made shorter as its rows go.
    cancelation.rows = rowsOf(own);
    cancelation.rowsLeft = cancelation.rows.length;
  } else pushRow(stack, row, tasks.serial[row] as number);
  return true;
}

function rowsOf({ rows, expandedRows }: PlanRecord): Uint32Array {
  const all = new Uint32Array(rows.length + expandedRows.length);
  all.set(rows.toArray());
  all.set(expandedRows, rows.length);
  return all;
}

function pushOwn(context: StepContext, plan: PlanRecord, row: number, stack: Uint32List): void {
  const { tasks, plans } = context.state;
  const serial = tasks.serial[row] as number;
  if (tasks.state[row] !== FREE && plans.get(serial) === plan) pushRow(stack, row, serial);
}

function pushRow(stack: Uint32List, row: number, serial: number): void {
  stack.push(row);
  stack.push(serial);
}

/** Not what is finished for its client, also where it is computed again. */
function isCancelable({ state }: StepContext, row: number): boolean {
  const flags = state.tasks.flags[row] as number;
  return (flags & (CANCELED | NOTIFIED)) === 0 && isUnfinished(state, row);
}

/** Takes all that wants the row off it; its consumers are next, and when they are gone, it goes. */
function cancel(context: StepContext, row: number, stack: Uint32List, canceled: number[]): void {
  const { state } = context;
  const { tasks, work } = state;
  // A plan that is given up ends by itself, and nothing more is told of it.
  if (!isCancelable(context, row) || planOf(state, row).isGivenUp) return;
  forgetCarried(state, row);
  const flags = tasks.flags[row] as number;
  if ((flags & RESULT) !== 0) {
    canceled.push(tasks.clientTask[row] as number);
    recordEnded(context, row);
  }
  tasks.flags[row] = (flags & ~(RESULT | CHECKPOINT_PENDING)) | CANCELED;
  state.counters.tasksCanceled += 1;
  unindex(state, row);
  forEachConsumer(state, row, (consumer) => {
    context.budget -= 1;
    if (isCancelable(context, consumer)) pushRow(stack, consumer, tasks.serial[consumer] as number);
  });
  const base = work.unwanted.length;
  work.unwanted.push(row);
  takeUnwanted(context, base);
}

function failCanceled(context: StepContext, row: number): void {
  const { tasks } = context.state;
  tasks.flags[row] = (tasks.flags[row] as number) | CANCELED;
  if (tasks.state[row] !== PRESENT) {
    stopAttempt(context, row);
    tasks.state[row] = WAITING;
  }
  failTask(context, row, { message: "Task was canceled", kind: "canceled" });
}

function tell(context: StepContext, client: ClientRecord, canceled: number[]): void {
  if (canceled.length === 0) return;
  const clientTasks = Int32Array.from(canceled).sort();
  // To release what was canceled is no mistake. Runs, because there may be many.
  let start = 0;
  for (let i = 1; i <= clientTasks.length; i += 1) {
    if (clientTasks[i] === (clientTasks[i - 1] as number) + 1) continue;
    client.canceledIds.add(clientTasks[start] as number, (clientTasks[i - 1] as number) + 1);
    start = i;
  }
  context.outbox.others.push({ kind: "notify-canceled", clientId: client.id, clientTasks });
}
