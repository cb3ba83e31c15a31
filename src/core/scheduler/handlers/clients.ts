import {
  type HeldByClient,
  RESULT_FINISHED,
  RESULT_HERE,
  RESULT_PENDING,
} from "../../model/held-by-client.ts";
import { forgetCarried } from "../carried-results.ts";
import type { StepContext } from "../context.ts";
import type { SchedulerEvent } from "../events.ts";
import { taskOfWord } from "../last-words.ts";
import { notifyIfFinished } from "../notify.ts";
import { takesCanceled } from "../plans/cancelation.ts";
import { endPlan } from "../plans/end-plan.ts";
import { recordEnded } from "../record.ts";
import type { ClientRecord, PlanRecord, SchedulerState } from "../state.ts";
import { FREE, NOTIFIED, PRESENT, RESULT } from "../task-table.ts";
import { isWanted, letGo } from "../wants.ts";
import { onClientLeft } from "./results.ts";

type EventOf<Kind extends SchedulerEvent["kind"]> = Extract<SchedulerEvent, { kind: Kind }>;

/** Its connection is gone. What it asked for on it is not answered: it asks again when it comes back. */
export function onClientDetached(context: StepContext, event: EventOf<"client-detached">): void {
  const { state } = context;
  const client = state.clients.get(event.clientId);
  if (client === undefined) return;
  client.isAttached = false;
  client.detachedAtMs = state.nowMs;
  const rest = client.waiting.filter(({ kind }) => kind !== "result-requested");
  client.waiting.splice(0, client.waiting.length, ...rest);
  const parked = [...state.parkedRequests.keys()].filter(
    (row) => clientIdOf(state, row) === client.id,
  );
  for (const row of parked) state.parkedRequests.delete(row);
  letGo(
    context,
    parked.filter((row) => !isWanted(state, row)),
  );
}

/** Ends what belongs to clients that have been away for too long. */
export function endAbsentClients(context: StepContext): void {
  const { state, outbox } = context;
  for (const client of state.clients.values()) {
    if (client.isAttached || client.life !== "session") continue;
    if (state.nowMs - client.detachedAtMs < state.options.clientGraceMs) continue;
    outbox.others.push({ kind: "end-client", clientId: client.id });
    onClientLeft(context, { kind: "client-left", atMs: state.nowMs, clientId: client.id });
  }
}

/**
 * The client is back, and has `held`: what it does not have any more is released, what it waits for
 * is told (again) if it is there, and failures that it may have missed are told again. Without
 * `held`, of a named plan, whatever there is to tell is told again.
 */
export function onClientAttached(context: StepContext, event: EventOf<"client-attached">): void {
  const { state } = context;
  const client = state.clients.get(event.clientId);
  if (client === undefined) return;
  client.isAttached = true;
  if (event.held === undefined) {
    tellAllAgain(context, client);
    return;
  }
  client.hasReturned = true;
  const goingOn = answer(context, client, event.held);
  tellHeld(context, client, event.held);
  tellCanceled(context, client, event.held, (base) => goingOn.has(base));
}

function tellAllAgain(context: StepContext, client: ClientRecord): void {
  for (const plan of client.plans) {
    forEachResult(context.state, plan, (row) => tellAgain(context, row));
  }
  for (const word of client.lastWords.words) {
    context.outbox.others.push(word.kind === "refuse" ? word : { ...word, isAgain: true });
  }
}

/**
 * Says which plans are not here, and tells again what became of those that ended. Returns the first
 * ids of those that go on, or were canceled whole.
 */
function answer(
  { state, outbox }: StepContext,
  client: ClientRecord,
  held: HeldByClient,
): ReadonlySet<number> {
  const { planBases, planCounts } = held;
  const known = new Set<number>();
  for (const plan of client.plans) if (!plan.isGivenUp) known.add(plan.idBase);
  planBases.forEach((base, at) => {
    if (client.canceledIds.hasAny(base, base + (planCounts[at] as number))) known.add(base);
  });
  const goingOn = new Set(known);
  const spoken = client.lastWords.words.filter((word) => {
    const task = taskOfWord(word);
    const at = lastAtMost(planBases, task);
    const isTold = at >= 0 && task < (planBases[at] as number) + (planCounts[at] as number);
    if (isTold) known.add(planBases[at] as number);
    return isTold;
  });
  const open = client.openPlan;
  const isOpen = open !== undefined && !open.isGivenUp && planBases.includes(open.idBase);
  if (open !== undefined && !isOpen) {
    client.openPlan = undefined;
    if (!open.isGivenUp) endPlan(state, open, "all");
  }
  // Of one that is still coming, it cannot be said what is missing.
  if (open !== undefined) goingOn.delete(open.idBase);
  outbox.others.push({
    kind: "attached",
    clientId: client.id,
    unknownPlans: planBases.filter((base) => !known.has(base)),
    openPlan: isOpen ? open.idBase : -1,
    openPlanTasks: isOpen ? open.rows.length : 0,
  });
  for (const word of spoken) {
    outbox.others.push(word.kind === "refuse" ? word : { ...word, isAgain: true });
  }
  return goingOn;
}

/** What the client waits for and is no result of a plan that goes on was canceled while it was away. */
function tellCanceled(
  { state, outbox }: StepContext,
  client: ClientRecord,
  held: HeldByClient,
  isGoingOn: (planBase: number) => boolean,
): void {
  if (!takesCanceled(client)) return;
  const canceled: number[] = [];
  held.planBases.forEach((base, at) => {
    if (!isGoingOn(base)) return;
    forEachPending(held, base, base + (held.planCounts[at] as number), (id) => {
      const row = client.rows.get(id);
      const isResult = row !== -1 && ((state.tasks.flags[row] as number) & RESULT) !== 0;
      if (!isResult) canceled.push(id);
    });
  });
  if (canceled.length === 0) return;
  const clientTasks = Int32Array.from(canceled);
  outbox.others.push({ kind: "notify-canceled", clientId: client.id, clientTasks });
}

/** Ids, from `first` to below `end`, of results that the client waits for. */
function forEachPending(
  { runStarts, runCounts, runStates }: HeldByClient,
  first: number,
  end: number,
  visit: (id: number) => void,
): void {
  for (let at = Math.max(lastAtMost(runStarts, first), 0); at < runStarts.length; at += 1) {
    const start = runStarts[at] as number;
    if (start >= end) return;
    if (runStates[at] !== RESULT_PENDING) continue;
    const runEnd = Math.min(start + (runCounts[at] as number), end);
    for (let id = Math.max(start, first); id < runEnd; id += 1) visit(id);
  }
}

function tellHeld(context: StepContext, client: ClientRecord, held: HeldByClient): void {
  const { state } = context;
  const { tasks } = state;
  const stateOf = lookup(held);
  const released: number[] = [];
  for (const plan of client.plans) {
    forEachResult(state, plan, (row) => {
      const heldState = stateOf(tasks.clientTask[row] as number);
      if (heldState === RESULT_FINISHED || heldState === RESULT_HERE) {
        tasks.flags[row] = (tasks.flags[row] as number) | NOTIFIED;
      } else if (heldState === RESULT_PENDING && !plan.isGivenUp) {
        tellAgain(context, row);
      } else {
        forgetCarried(state, row);
        tasks.flags[row] = (tasks.flags[row] as number) & ~RESULT;
        if (client.isJournaled) recordEnded(context, row);
        if (!isWanted(state, row)) released.push(row);
      }
    });
  }
  letGo(context, released);
}

/** As if the client had never been told. */
function tellAgain(context: StepContext, row: number): void {
  const { state } = context;
  const { tasks } = state;
  if (((tasks.flags[row] as number) & NOTIFIED) !== 0) {
    forgetGiven(state, row);
    tasks.flags[row] = (tasks.flags[row] as number) & ~NOTIFIED;
  }
  if (tasks.state[row] === PRESENT) notifyIfFinished(context, row);
}

/** What is held here of it stays. */
function forgetGiven(state: SchedulerState, row: number): void {
  if (!state.held.byRow.has(row)) forgetCarried(state, row);
}

function forEachResult(
  { tasks }: SchedulerState,
  { rows, serial }: PlanRecord,
  visit: (row: number) => void,
): void {
  for (let i = 0; i < rows.length; i += 1) {
    const row = rows.at(i);
    if (tasks.state[row] === FREE || tasks.serial[row] !== serial) continue;
    if (((tasks.flags[row] as number) & RESULT) !== 0) visit(row);
  }
}

function clientIdOf({ plans, tasks }: SchedulerState, row: number): number | undefined {
  return plans.get(tasks.serial[row] as number)?.clientId;
}

/** The state of a result, undefined if the client does not have it. Fast where ids rise. */
function lookup({
  runStarts,
  runCounts,
  runStates,
}: HeldByClient): (id: number) => number | undefined {
  let at = -1;
  const isIn = (id: number): boolean =>
    at >= 0 &&
    id >= (runStarts[at] as number) &&
    id < (runStarts[at] as number) + (runCounts[at] as number);
  return (id) => {
    if (!isIn(id)) at = lastAtMost(runStarts, id);
    return isIn(id) ? runStates[at] : undefined;
  };
}

/** Index of the last entry of a rising column that is not greater; -1 for none. */
function lastAtMost(column: Int32Array, value: number): number {
  let low = 0;
  let high = column.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((column[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
