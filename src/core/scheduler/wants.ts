import { assert } from "../base/assert.ts";
import { Uint32List } from "../base/columns.ts";
import { TASK_TYPE } from "../model/symbols.ts";
import type { StepContext } from "./context.ts";
import { cancelDelay, forgetRetries } from "./delays.ts";
import { takeBack } from "./given.ts";
import { cancelGracefully } from "./graces.ts";
import { recordPlanEnded } from "./journal.ts";
import { makeAbsent } from "./make-absent.ts";
import { hasFailed, isOptional } from "./optional-inputs.ts";
import { addRef } from "./outbox.ts";
import { endArrivals } from "./placement/arrivals.ts";
import { planOf } from "./plan-of.ts";
import { makeReady, unqueueReady } from "./ready.ts";
import { classOf, forgetTaskOfClass } from "./request-classes.ts";
import type { PlanRecord, SchedulerState } from "./state.ts";
import {
  ASSIGNED,
  CANCELED,
  CHECKPOINT_PENDING,
  CHECKPOINT_WRITTEN,
  DORMANT,
  FAILED,
  FREE,
  HOLDS_INPUTS,
  INDEXED,
  LOADS,
  PRESENT,
  READY,
  RESULT,
  RUNNING,
  WAITING,
} from "./task-table.ts";

export { planOf };

/**
 * Who is needed, and what follows. A task is *wanted* while it is a result, an unfinished task uses
 * it, it is being delivered, or its checkpoint is being written. A record is *kept* while it is
 * wanted or a kept record has it as an input, because then it can be wanted again.
 */
export function isWanted(state: SchedulerState, row: number): boolean {
  const { tasks } = state;
  return (
    ((tasks.flags[row] as number) & (RESULT | CHECKPOINT_PENDING)) !== 0 ||
    (tasks.consumersLeft[row] as number) > 0 ||
    state.pins.has(row) ||
    state.parkedRequests.has(row)
  );
}

/**
 * Lets go of rows that nobody wants any more, and of what only they wanted: data is dropped
 * everywhere, what runs is stopped, records that nothing can need again are freed. Linear in what
 * goes; what is too much for one step is left for the next ones.
 */
export function letGo(context: StepContext, rows: Iterable<number>): void {
  const { unwanted } = context.state.work;
  const base = unwanted.length;
  for (const row of rows) unwanted.push(row);
  takeUnwanted(context, base);
}

/** Lets go of the rows in `work.unwanted`, until only the first `base` are left or the step has done enough. */
export function takeUnwanted(context: StepContext, base: number): void {
  const { state } = context;
  const { tasks, counters } = state;
  const { unwanted } = state.work;
  while (unwanted.length > base && context.budget > 0) {
    const row = unwanted.pop();
    context.budget -= 1;
    const current = tasks.state[row];
    // A row may be here twice, or be wanted again by now.
    if (current === FREE || isWanted(state, row)) continue;
    // What is dormant was counted when it was let go.
    if (current !== DORMANT) counters.rowsTouched += 1;
    context.budget -= tasks.inputCount[row] as number;
    if (current === PRESENT) dropObject(context, row);
    else if (current !== DORMANT) stopAttempt(context, row);
    cancelDelay(state.retries, row);
    tasks.state[row] = DORMANT;
    unindex(state, row);
    releaseInputs(state, row, unwanted);
    if (tasks.lineage[row] === 0) freeRecord(state, row, unwanted);
  }
}

type RowList = { push(row: number): unknown };

/** The row no longer counts among its inputs' consumers; those that nobody wants now are pushed to `unwanted`. */
export function releaseInputs(state: SchedulerState, row: number, unwanted: RowList): void {
  const { tasks } = state;
  if (((tasks.flags[row] as number) & HOLDS_INPUTS) === 0) return;
  const isCanceled = ((tasks.flags[row] as number) & CANCELED) !== 0;
  tasks.flags[row] = (tasks.flags[row] as number) & ~HOLDS_INPUTS;
  tasks.unfinishedInputs[row] = 0;
  const start = tasks.edgeStart[row] as number;
  const end = start + (tasks.inputCount[row] as number);
  for (let k = start; k < end; k += 1) {
    const input = tasks.edges.items[k] as number;
    const left = (tasks.consumersLeft[input] as number) - 1;
    tasks.consumersLeft[input] = left;
    if (left > 0) continue;
    // What was run for a canceled task alone ends as that does.
    if (isCanceled) tasks.flags[input] = (tasks.flags[input] as number) | CANCELED;
    unwanted.push(input);
  }
}

/** Ends whatever the row is doing, here or on its worker. The caller sets its state. */
export function stopAttempt(context: StepContext, row: number): void {
  const { state, outbox } = context;
  const { tasks } = state;
  if (tasks.state[row] === READY) unqueueReady(state, row);
  if (tasks.state[row] === ASSIGNED || tasks.state[row] === RUNNING) {
    if (((tasks.flags[row] as number) & CANCELED) !== 0) cancelGracefully(context, row);
    else addRef(outbox.cancels, tasks.worker[row] as number, row, tasks.attempt[row] as number);
    takeBack(context, row);
  }
}

/** Has all copies dropped. The caller sets the row's state. */
function dropObject(context: StepContext, row: number): void {
  const { state, outbox } = context;
  const attempt = state.tasks.attempt[row] as number;
  addRef(outbox.drops, state.tasks.worker[row] as number, row, attempt);
  if (state.extraReplicas.size > 0) {
    for (const worker of state.extraReplicas.get(row) ?? []) {
      addRef(outbox.drops, worker, row, attempt);
    }
    state.extraReplicas.delete(row);
  }
  endArrivals(state, row);
  if (state.lengths.size > 0) state.lengths.delete(row);
  state.objectCount -= 1;
}

export function unindex(state: SchedulerState, row: number): void {
  const { tasks } = state;
  if (((tasks.flags[row] as number) & INDEXED) === 0) return;
  tasks.flags[row] = (tasks.flags[row] as number) & ~INDEXED;
  const clientId = planOf(state, row).clientId;
  state.clients.get(clientId)?.rows.delete(tasks.clientTask[row] as number);
}

/** Frees a dormant record without consumers' records; inputs that were kept for it alone may go too. */
function freeRecord(state: SchedulerState, row: number, unwanted: RowList): void {
  const { tasks } = state;
  const start = tasks.edgeStart[row] as number;
  const end = start + (tasks.inputCount[row] as number);
  for (let k = start; k < end; k += 1) {
    const input = tasks.edges.items[k] as number;
    const lineage = (tasks.lineage[input] as number) - 1;
    tasks.lineage[input] = lineage;
    if (lineage === 0 && tasks.state[input] === DORMANT) unwanted.push(input);
  }
  if (state.crashes.size > 0) state.crashes.delete(row);
  const plan = planOf(state, row);
  forgetTaskOfClass(state, classOf(state, row));
  forgetRetries(state.retries, row);
  if (state.failed.size > 0) state.failed.delete(row);
  tasks.free(row);
  plan.liveCount -= 1;
  if (plan.liveCount === 0) forgetPlanIfEmpty(state, plan);
  else forgetFreeRows(state, plan);
}

/** Keeps the list of a plan's rows in proportion to what is left of it, however little that is. */
export function forgetFreeRows({ tasks }: SchedulerState, plan: PlanRecord): void {
  if (plan.liveCount * 4 >= plan.rows.length) return;
  // While it ends or comes in chunks, somebody counts on the places of its rows.
  if (plan.endings > 0 || plan.isOpen || plan.heldFrom < plan.heldTo) return;
  const kept = new Uint32List();
  for (let i = 0; i < plan.rows.length; i += 1) {
    const row = plan.rows.at(i);
    if (tasks.state[row] !== FREE && tasks.serial[row] === plan.serial) kept.push(row);
  }
  plan.rows = kept;
  plan.heldFrom = 0;
  plan.heldTo = 0;
}

/** A plan without rows is forgotten, unless some are to come. */
export function forgetPlanIfEmpty(state: SchedulerState, plan: PlanRecord): void {
  if (plan.liveCount > 0 || plan.isOpen) return;
  if (plan.options?.isKeepGoing) {
    plan.options = undefined;
    state.keepGoingPlans -= 1;
  }
  if (state.recentPlan === plan) state.recentPlan = undefined;
  for (const row of plan.reservedRows) state.tasks.unreserve(row);
  plan.reservedRows.length = 0;
  const wasKnown = state.plans.delete(plan.serial);
  if (wasKnown && plan.isJournaled) recordPlanEnded(state, plan);
  for (const serial of plan.expandedSerials) state.plans.delete(serial);
  state.clients.get(plan.clientId)?.plans.delete(plan);
}

/**
 * Calls for dormant rows to be computed (again), with whatever they need that is not there: from
 * its checkpoint where there is one, else from its inputs. Iterative; lineage may be long.
 */
export function resurrect(context: StepContext, rows: Iterable<number>): void {
  const { state } = context;
  const { tasks } = state;
  const stack = [...rows];
  for (let row = stack.pop(); row !== undefined; row = stack.pop()) {
    if (tasks.state[row] === FAILED) {
      makeAbsent(context, row);
      continue;
    }
    if (tasks.state[row] !== DORMANT) continue;
    state.counters.rowsTouched += 1;
    tasks.flags[row] = (tasks.flags[row] as number) & ~CANCELED;
    if (tasks.taskType[row] === TASK_TYPE.absent) {
      makeReady(context, row);
      continue;
    }
    if (((tasks.flags[row] as number) & (CHECKPOINT_WRITTEN | LOADS)) !== 0) {
      tasks.flags[row] = (tasks.flags[row] as number) | LOADS;
      makeReady(context, row);
      continue;
    }
    const missing = holdInputs(state, row, stack);
    tasks.state[row] = WAITING;
    if (missing === 0) makeReady(context, row);
  }
}

/** Counts the row among its inputs' consumers; dormant ones are pushed to `dormant`. Returns how many are not there. */
export function holdInputs(state: SchedulerState, row: number, dormant: number[]): number {
  const { tasks } = state;
  assert(((tasks.flags[row] as number) & HOLDS_INPUTS) === 0, "inputs are held once");
  tasks.flags[row] = (tasks.flags[row] as number) | HOLDS_INPUTS;
  const start = tasks.edgeStart[row] as number;
  const end = start + (tasks.inputCount[row] as number);
  let missing = 0;
  for (let k = start; k < end; k += 1) {
    const input = tasks.edges.items[k] as number;
    tasks.consumersLeft[input] = (tasks.consumersLeft[input] as number) + 1;
    if (hasFailed(state, input) && !isOptional(tasks, row, input)) state.work.doomed.push(row);
    if (tasks.state[input] === PRESENT) continue;
    missing += 1;
    if (tasks.state[input] === DORMANT) dormant.push(input);
    else if (tasks.state[input] === FAILED && isOptional(tasks, row, input)) dormant.push(input);
  }
  tasks.unfinishedInputs[row] = missing;
  return missing;
}

/** Calls `visit` for each consumer of the row, once for each place at which it uses the row's data. */
export function forEachConsumer(
  state: SchedulerState,
  row: number,
  visit: (consumer: number) => void,
): void {
  const { tasks } = state;
  const start = (tasks.edgeStart[row] as number) + (tasks.inputCount[row] as number);
  const end = start + (tasks.consumerCount[row] as number);
  for (let k = start; k < end; k += 1) {
    const consumer = tasks.edges.items[k] as number;
    if (tasks.isConsumer(row, consumer)) visit(consumer);
  }
  tasks.forEachLateConsumer(row, visit);
}
