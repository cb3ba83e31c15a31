import { unreachable } from "../base/assert.ts";
import type { SchedulerCommand } from "./commands.ts";
import { createStepContext, type StepContext } from "./context.ts";
import { dispatch } from "./dispatch.ts";
import { advanceDrains } from "./drains.ts";
import type { SchedulerEvent } from "./events.ts";
import { tellStalls } from "./explain/stalls.ts";
import { adoptTasks, onWorkerAttached } from "./handlers/attach.ts";
import {
  onCheckpointsMissing,
  onCheckpointsWritten,
  onInputsUnreachable,
  onTaskFailed,
  onTasksReturned,
  onTasksStarted,
} from "./handlers/attempts.ts";
import { onClientEvent } from "./handlers/client-events.ts";
import { endAbsentClients, onClientDetached } from "./handlers/clients.ts";
import { onReplicationFailed, onWorkerDraining } from "./handlers/drains.ts";
import { onMemoryChanged } from "./handlers/memory.ts";
import { onReplicasAdded, onReplicasMissing } from "./handlers/replicas.ts";
import {
  onClientJoined,
  onClientLeft,
  onDeliveryEnded,
  onDeliveryFailed,
} from "./handlers/results.ts";
import { onTasksFinished } from "./handlers/tasks-finished.ts";
import { onRoundTripMeasured, onWorkerJoined, onWorkerLost } from "./handlers/workers.ts";
import { onRecordsFlushed } from "./journal.ts";
import { keepLastWords } from "./last-words.ts";
import { commandsOf } from "./outbox.ts";
import { continueWork } from "./plans/continue-work.ts";
import { expandDynamicTasks } from "./plans/expand-dynamic.ts";
import { failDoomed } from "./plans/fail-rows.ts";
import { endRecoveryIfDue, putOff, putOffReport, type Recovery } from "./restore/recovery.ts";
import { beginDueRetries } from "./retries.ts";
import type { SchedulerState } from "./state.ts";
import { failUnsatisfiable, findUnsatisfiable, forgetOldRetractions } from "./unsatisfiable.ts";

/** Applies one event to the state and returns, in order, the commands that it calls for. */
export function stepScheduler(state: SchedulerState, event: SchedulerEvent): SchedulerCommand[] {
  state.nowMs = Math.max(state.nowMs, event.atMs);
  state.counters.events += 1;
  const mayContinue = event.kind === "work-continued" || !hasWork(state);
  const context = createStepContext(state, mayContinue ? continueWork : () => {});
  const { recovery } = state;
  if (recovery === undefined || !putOffReport(recovery, event)) handle(context, event);
  if (recovery !== undefined) {
    endRecoveryIfDue(context);
    if (state.recovery === undefined) takePutOff(context, recovery);
  }
  if (state.recovery === undefined) {
    do {
      context.continueWork();
      expandDynamicTasks(context);
      if (state.work.doomed.length > 0) failDoomed(context);
    } while (context.expansions.length > 0);
    if (state.options.policy === undefined) dispatch(context);
    else state.options.policy.dispatch(context);
    if (state.drains.size > 0) advanceDrains(context, event.kind === "time-passed");
  } else {
    context.continueWork();
    putOff(context, state.recovery);
  }
  if (context.poolGrew || changesWorkers(event.kind)) {
    findUnsatisfiable(context);
  }
  if (context.outbox.others.length > 0) keepLastWords(state, context.outbox.others);
  const commands = commandsOf(state, context.outbox);
  giveBackIfEmpty(state);
  return commands;
}

/** What was put off until all workers were back. */
function takePutOff(context: StepContext, { heldTasks, reports }: Recovery): void {
  for (const { workerId, tasks } of heldTasks) adoptTasks(context, workerId, tasks);
  for (const report of reports) handle(context, report);
}

const changesWorkers = (kind: SchedulerEvent["kind"]): boolean =>
  kind === "worker-joined" ||
  kind === "worker-attached" ||
  kind === "worker-draining" ||
  kind === "worker-lost";

/** Whether a step left something over: a shell then sends `work-continued` when it has served others. */
export const hasWork = ({ work }: SchedulerState): boolean =>
  work.unwanted.length > 0 || work.endings.length > 0 || work.intakes.length > 0;

function giveBackIfEmpty(state: SchedulerState): void {
  const { tasks, queues } = state;
  // What is being taken over has reserved its room.
  if (tasks.liveCount > 0 || hasWork(state)) return;
  state.hasUrgency = false;
  tasks.giveBackIfEmpty();
  queues.giveBack();
}

function handle(context: StepContext, event: SchedulerEvent): void {
  switch (event.kind) {
    case "worker-joined":
      onWorkerJoined(context, event);
      break;
    case "worker-attached":
      onWorkerAttached(context, event);
      break;
    case "worker-lost":
      onWorkerLost(context, event);
      break;
    case "worker-draining":
      onWorkerDraining(context, event);
      break;
    case "replication-failed":
      onReplicationFailed(context, event);
      break;
    case "memory-changed":
      onMemoryChanged(context, event);
      break;
    case "round-trip-measured":
      onRoundTripMeasured(context, event);
      break;
    case "tasks-finished":
      onTasksFinished(context, event);
      break;
    case "tasks-started":
      onTasksStarted(context, event);
      break;
    case "task-failed":
      onTaskFailed(context, event);
      break;
    case "tasks-returned":
      onTasksReturned(context, event);
      break;
    case "replicas-added":
      onReplicasAdded(context, event);
      break;
    case "replicas-missing":
      onReplicasMissing(context, event);
      break;
    case "inputs-unreachable":
      onInputsUnreachable(context, event);
      break;
    case "checkpoints-written":
      onCheckpointsWritten(context, event);
      break;
    case "checkpoints-missing":
      onCheckpointsMissing(context, event);
      break;
    case "client-joined":
      onClientJoined(context, event);
      break;
    case "plan-submitted":
    case "plan-begun":
    case "plan-extended":
    case "plan-refused":
    case "plan-completed":
    case "results-released":
    case "tasks-canceled":
    case "result-requested":
    case "client-attached":
      onClientEvent(context, event);
      break;
    case "client-detached":
      onClientDetached(context, event);
      break;
    case "work-continued":
      break;
    case "records-flushed": {
      const { journal, tasks } = context.state;
      if (journal !== undefined) onRecordsFlushed(journal, tasks, event.recordCount);
      break;
    }
    case "delivery-ended":
      onDeliveryEnded(context, event);
      break;
    case "delivery-failed":
      onDeliveryFailed(context, event);
      break;
    case "client-left":
      onClientLeft(context, event);
      break;
    case "retries-due":
      beginDueRetries(context);
      break;
    case "time-passed":
      forgetOldRetractions(context);
      failUnsatisfiable(context);
      tellStalls(context);
      endAbsentClients(context);
      break;
    default:
      unreachable(event);
  }
}
