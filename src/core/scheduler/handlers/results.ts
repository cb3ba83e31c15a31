import { forgetCarried } from "../carried-results.ts";
import type { StepContext } from "../context.ts";
import { deliver, park } from "../deliveries.ts";
import type { SchedulerEvent } from "../events.ts";
import { endGraces } from "../graces.ts";
import { hasFailed } from "../optional-inputs.ts";
import { endCancelation } from "../plans/cancelation.ts";
import { clientOf } from "../plans/clients.ts";
import { endPlan } from "../plans/end-plan.ts";
import { recordEnded } from "../record.ts";
import type { ClientRecord } from "../state.ts";
import { CHECKPOINT_PENDING, NOTIFIED, PRESENT, RESULT } from "../task-table.ts";
import { isWanted, letGo } from "../wants.ts";

type EventOf<Kind extends SchedulerEvent["kind"]> = Extract<SchedulerEvent, { kind: Kind }>;

export function onClientJoined(
  { state, outbox }: StepContext,
  { clientId, takesCarried, takesCanceled = false, session, life }: EventOf<"client-joined">,
): void {
  const client = clientOf(state, clientId);
  client.isAttached = true;
  client.takesCarried = takesCarried;
  client.takesCanceled = takesCanceled;
  if (life !== undefined) client.life = life;
  if (session === undefined || state.journal === undefined) return;
  client.isJournaled = true;
  outbox.records.push({
    kind: "client-joined",
    clientId,
    takesCarried,
    life: life ?? "session",
    session,
  });
}

export function onResultsReleased(context: StepContext, event: EventOf<"results-released">): void {
  const { state } = context;
  const { clientId, clientTasks } = event;
  const client = clientOf(state, clientId);
  const unwanted: number[] = [];
  for (const clientTask of clientTasks) {
    const row = unmark(context, client, clientTask);
    if (row !== -1 && !isWanted(state, row)) unwanted.push(row);
  }
  letGo(context, unwanted);
}

/** Takes the mark of a result off the client's task; its row, or -1 when it has none. */
function unmark(context: StepContext, client: ClientRecord, clientTask: number): number {
  const { tasks } = context.state;
  const row = client.rows.get(clientTask);
  if (row === -1) {
    if (!mayBeReleased(client, clientTask) && !client.canceledIds.has(clientTask)) {
      refuse(context, { clientId: client.id, clientTask }, `Invalid id: ${clientTask}`);
    }
    return -1;
  }
  if (((tasks.flags[row] as number) & RESULT) === 0) {
    if (!mayBeReleased(client, clientTask)) {
      refuse(context, { clientId: client.id, clientTask }, "Task is not result");
    }
    return -1;
  }
  forgetCarried(context.state, row);
  tasks.flags[row] = (tasks.flags[row] as number) & ~RESULT;
  if (client.isJournaled) recordEnded(context, row);
  return row;
}

/** Whether it is no mistake to release what is no result. */
const mayBeReleased = ({ failedIds, hasReturned }: ClientRecord, clientTask: number): boolean =>
  hasReturned || failedIds.has(clientTask);

export function onResultRequested(context: StepContext, event: EventOf<"result-requested">): void {
  const { state } = context;
  const { tasks } = state;
  const row = clientOf(state, event.clientId).rows.get(event.clientTask);
  if (row === -1) {
    refuse(context, event, `Invalid id: ${event.clientTask}`);
    return;
  }
  const flags = tasks.flags[row] as number;
  if ((flags & RESULT) === 0) {
    refuse(context, event, "Task is not result");
  } else if (hasFailed(state, row)) {
    refuse(context, event, `Task failed: ${state.failed.get(row)?.message}`);
  } else if (
    (flags & CHECKPOINT_PENDING) === 0 &&
    // What is held here can be had although its worker was lost.
    (tasks.state[row] === PRESENT || state.held.byRow.has(row))
  ) {
    deliver(context, row);
  } else if ((flags & NOTIFIED) !== 0) {
    park(state, row);
  } else {
    refuse(context, event, "Task is not finished");
  }
}

function refuse(
  { outbox }: StepContext,
  { clientId, clientTask }: { readonly clientId: number; readonly clientTask: number },
  message: string,
): void {
  outbox.others.push({ kind: "refuse", clientId, clientTask, message });
}

export function onDeliveryEnded(context: StepContext, event: EventOf<"delivery-ended">): void {
  if (!unpin(context, event)) return;
  if (!isWanted(context.state, event.task)) letGo(context, [event.task]);
}

export function onDeliveryFailed(context: StepContext, event: EventOf<"delivery-failed">): void {
  const { state } = context;
  if (!unpin(context, event)) return;
  if (state.tasks.state[event.task] === PRESENT) deliver(context, event.task);
  else park(state, event.task);
}

/** Takes one pin off the row; false when the delivery was of a client that left. */
function unpin(
  { state }: StepContext,
  { task: row, attempt }: EventOf<"delivery-ended" | "delivery-failed">,
): boolean {
  const count = state.pins.get(row);
  // Of a client that left, the pins are gone already, and the row may have its next task.
  if (count === undefined || attempt <= (state.tasks.attemptBase[row] ?? 0)) return false;
  if (count > 1) state.pins.set(row, count - 1);
  else state.pins.delete(row);
  return true;
}

/** A client takes its plans with it. */
export function onClientLeft(context: StepContext, event: EventOf<"client-left">): void {
  const { state } = context;
  const client = state.clients.get(event.clientId);
  if (client === undefined) return;
  state.clients.delete(client.id);
  if (client.isJournaled) context.outbox.records.push({ kind: "client-left", clientId: client.id });
  for (const plan of client.plans) endPlan(state, plan, "all");
  // What is being taken over ends with its plan; nothing is to follow it.
  client.waiting.length = 0;
  for (const intake of state.work.intakes) {
    if (intake.client !== client) continue;
    if (intake.kind === "cancelation") endCancelation(intake);
    else intake.record.isGivenUp = true;
  }
  endGraces(context, client);
}
