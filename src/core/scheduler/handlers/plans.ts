import type { StepContext } from "../context.ts";
import type { SchedulerEvent } from "../events.ts";
import { clientOf } from "../plans/clients.ts";
import { endPlan } from "../plans/end-plan.ts";
import { createChunkIntake, createCompletion, createPlanIntake } from "../plans/intake.ts";
import { createPlanRecord } from "../plans/plan-record.ts";
import { recordCompleted, recordRefused } from "../record.ts";
import type { ClientRecord, PlanRecord } from "../state.ts";

type EventOf<Kind extends SchedulerEvent["kind"]> = Extract<SchedulerEvent, { kind: Kind }>;

/** Takes the plan over whole, or refuses it whole; begun here, done by the steps' work. */
export function onPlanSubmitted(context: StepContext, event: EventOf<"plan-submitted">): void {
  const { state } = context;
  const client = clientOf(state, event.clientId);
  const record = createPlanRecord(state, client, event.plan.idBase, event.plan.taskCount);
  client.isTaking = true;
  state.work.intakes.push(createPlanIntake(state, client, record, event.plan, event.loadable));
}

/** The shell sees to it that a client begins one plan at a time. */
export function onPlanBegun({ state, outbox }: StepContext, event: EventOf<"plan-begun">): void {
  const client = clientOf(state, event.clientId);
  const record = createPlanRecord(state, client, event.idBase, event.taskCount);
  record.isOpen = true;
  state.plans.set(record.serial, record);
  client.plans.add(record);
  client.openPlan = record;
  if (!record.isJournaled) return;
  const { serial, clientId, idBase, taskCount } = record;
  outbox.records.push({ kind: "plan-begun", serial, clientId, idBase, taskCount });
}

/** More of the plan that was begun; what comes of one that is given up is ignored. */
export function onPlanExtended(context: StepContext, event: EventOf<"plan-extended">): void {
  const { state } = context;
  const client = clientOf(state, event.clientId);
  const record = client.openPlan;
  if (record === undefined || record.isGivenUp) return;
  const expectedId = record.idBase + record.rows.length;
  if (event.plan.idBase !== expectedId) {
    refuseOpenPlan(
      context,
      client,
      record,
      `its next chunk must begin with task ${expectedId}, not ${event.plan.idBase}`,
    );
  } else if (record.rows.length + event.plan.taskCount > record.taskCount) {
    refuseOpenPlan(
      context,
      client,
      record,
      `it has more than the ${record.taskCount} tasks that were announced`,
    );
  } else {
    client.isTaking = true;
    state.work.intakes.push(createChunkIntake(state, client, record, event.plan));
  }
}

export function onPlanRefused(context: StepContext, event: EventOf<"plan-refused">): void {
  const client = clientOf(context.state, event.clientId);
  const record = client.openPlan;
  if (record === undefined || record.isGivenUp) return;
  refuseOpenPlan(context, client, record, event.message);
}

export function onPlanCompleted(context: StepContext, event: EventOf<"plan-completed">): void {
  const { state } = context;
  const client = clientOf(state, event.clientId);
  const record = client.openPlan;
  client.openPlan = undefined;
  if (record === undefined || record.isGivenUp) return;
  if (record.rows.length !== record.taskCount) {
    refuseOpenPlan(
      context,
      client,
      record,
      `${record.taskCount} tasks were announced, and ${record.rows.length} came`,
    );
    return;
  }
  record.isOpen = false;
  if (record.isJournaled) recordCompleted(context, record);
  client.isTaking = true;
  state.work.intakes.push(createCompletion(client, record));
}

function refuseOpenPlan(
  context: StepContext,
  client: ClientRecord,
  plan: PlanRecord,
  reason: string,
): void {
  context.outbox.others.push({
    kind: "refuse",
    clientId: client.id,
    message: `Plan refused: ${reason}`,
    planIdBase: plan.idBase,
  });
  recordRefused(context, plan, `Plan refused: ${reason}`);
  client.failedIds.add(plan.idBase, plan.idBase + plan.taskCount);
  endPlan(context.state, plan, "all");
}
