import type { StepContext } from "../context.ts";
import { endCopy, startDrain } from "../drains.ts";
import type { SchedulerEvent } from "../events.ts";
import { tryAgain } from "../losses.ts";
import { leaveKind, takeBacklog } from "./workers.ts";

type EventOf<Kind extends SchedulerEvent["kind"]> = Extract<SchedulerEvent, { kind: Kind }>;

/** The worker is to leave: what waits for it goes elsewhere, and what it holds will. */
export function onWorkerDraining(context: StepContext, event: EventOf<"worker-draining">): void {
  const { state } = context;
  const worker = state.workers.get(event.workerId);
  if (worker === undefined || state.drains.has(worker.id)) return;
  const backlog = takeBacklog(state, worker);
  leaveKind(state, worker);
  startDrain(context, worker);
  for (const row of backlog) tryAgain(context, row);
}

export function onReplicationFailed(
  { state }: StepContext,
  event: EventOf<"replication-failed">,
): void {
  event.refs.tasks.forEach((row, i) => {
    endCopy(state, row, event.refs.attempts[i] as number, event.workerId, "failed");
  });
}
