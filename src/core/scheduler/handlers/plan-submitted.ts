import type { Plan } from "../../model/plan.ts";
import type { StepContext } from "../context.ts";
import type { SchedulerEvent } from "../events.ts";
import { addPlan } from "../plans/add-plan.ts";
import { findPlanMistake } from "../plans/check-plan.ts";
import { clientOf } from "../plans/clients.ts";

type PlanSubmitted = Extract<SchedulerEvent, { kind: "plan-submitted" }>;

/** Takes the plan over whole, or refuses it whole. */
export function onPlanSubmitted(context: StepContext, event: PlanSubmitted): void {
  const { state, outbox } = context;
  const client = clientOf(state, event.clientId);
  const mistake = findPlanMistake(state, client, event.plan);
  if (mistake !== undefined) {
    outbox.others.push({
      kind: "refuse",
      clientId: client.id,
      message: mistake,
      planIdBase: event.plan.idBase,
    });
    return;
  }
  addPlan(context, client, event.plan, event.loadable ?? noneLoadable(event.plan));
}

const noneLoadable = (plan: Plan): Uint8Array => new Uint8Array(plan.taskCount);
