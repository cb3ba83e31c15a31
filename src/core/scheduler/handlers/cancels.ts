import type { StepContext } from "../context.ts";
import type { SchedulerEvent } from "../events.ts";
import { createCancelation } from "../plans/cancelation.ts";
import { clientOf } from "../plans/clients.ts";

type TasksCanceled = Extract<SchedulerEvent, { kind: "tasks-canceled" }>;

/** Begun here, done by the steps' work; until it is done, what the client sends waits. */
export function onTasksCanceled(context: StepContext, event: TasksCanceled): void {
  const { state } = context;
  const client = clientOf(state, event.clientId);
  const { clientTasks, isWholePlan } = event;
  client.isTaking = true;
  state.work.intakes.push(createCancelation(client, clientTasks, isWholePlan));
}
