import type { StepContext } from "../context.ts";
import { endCopy } from "../drains.ts";
import type { SchedulerEvent } from "../events.ts";
import { loseReplica } from "../losses.ts";
import { addRef } from "../outbox.ts";
import { endArrival } from "../placement/arrivals.ts";
import { addReplica, holds } from "../replicas.ts";
import { PRESENT } from "../task-table.ts";

type EventOf<Kind extends SchedulerEvent["kind"]> = Extract<SchedulerEvent, { kind: Kind }>;

export function onReplicasAdded(context: StepContext, event: EventOf<"replicas-added">): void {
  const { state, outbox } = context;
  const { tasks, attempts } = event.refs;
  if (!state.workers.has(event.workerId)) return;
  for (let i = 0; i < tasks.length; i += 1) {
    const row = tasks[i] as number;
    const attempt = attempts[i] as number;
    if (state.tasks.isCurrent(row, attempt) && state.tasks.state[row] === PRESENT) {
      endArrival(state, row, event.workerId);
      addReplica(state, row, event.workerId);
      if (state.drains.size > 0) endCopy(state, row, attempt, event.workerId, "done");
    } else {
      // Dropped, or lost, while the copy was under way.
      addRef(outbox.drops, event.workerId, row, attempt);
    }
  }
}

export function onReplicasMissing(context: StepContext, event: EventOf<"replicas-missing">): void {
  const { state } = context;
  const { tasks, attempts } = event.refs;
  for (let i = 0; i < tasks.length; i += 1) {
    const row = tasks[i] as number;
    if (!state.tasks.isCurrent(row, attempts[i] as number)) continue;
    if (state.tasks.state[row] !== PRESENT || !holds(state, row, event.workerId)) continue;
    loseReplica(context, row, event.workerId);
  }
}
