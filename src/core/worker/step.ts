import { unreachable } from "../base/assert.ts";
import type { WorkerCommand } from "./commands.ts";
import type { WorkerEvent } from "./events.ts";
import { onTasksAssigned } from "./handlers/assignment.ts";
import {
  onCheckpointsNotFound,
  onExecutionsKilled,
  onTaskExecutionFailed,
  onTaskRedirected,
  onTasksExecuted,
  onTasksPostponed,
} from "./handlers/execution.ts";
import {
  onCheckpointsWritten,
  onCopiesWanted,
  onFetchFailed,
  onObjectsDropped,
  onObjectsFetched,
  onObjectsRefused,
  onPeersLost,
} from "./handlers/objects.ts";
import { onTasksCanceled, onTasksRetracted } from "./handlers/withdrawal.ts";
import { startRunnable } from "./start-runnable.ts";
import type { WorkerState } from "./state.ts";
import { abandonOrphans, forgetUnmade } from "./transitions.ts";

/** Takes one event in and says what is to be done, in this order. The only writer of the state. */
export function stepWorker(state: WorkerState, event: WorkerEvent): WorkerCommand[] {
  handle(state, event);
  forgetUnmade(state);
  abandonOrphans(state);
  if (state.mayStart) {
    state.mayStart = false;
    startRunnable(state);
  }
  return state.outbox.takeCommands();
}

function handle(state: WorkerState, event: WorkerEvent): void {
  switch (event.kind) {
    case "tasks-assigned":
      onTasksAssigned(state, event.batch);
      break;
    case "tasks-retracted":
      onTasksRetracted(state, event.refs);
      break;
    case "tasks-canceled":
      onTasksCanceled(state, event.refs, event.isGraceful === true);
      break;
    case "objects-dropped":
      onObjectsDropped(state, event.refs);
      break;
    case "copies-wanted":
      onCopiesWanted(state, event.copies);
      break;
    case "reattached":
      state.workerId = event.workerId;
      break;
    case "checkpoints-written":
      onCheckpointsWritten(state, event.refs);
      break;
    case "objects-fetched":
      onObjectsFetched(state, event.refs);
      break;
    case "fetch-failed":
      onFetchFailed(state, event.refs, event.peer);
      break;
    case "objects-refused":
      onObjectsRefused(state, event.refs, event.failure);
      break;
    case "tasks-executed":
      onTasksExecuted(state, event.finished);
      break;
    case "task-execution-failed":
      onTaskExecutionFailed(state, event);
      break;
    case "tasks-postponed":
      onTasksPostponed(state, event.refs);
      break;
    case "task-redirected":
      onTaskRedirected(state, event);
      break;
    case "executions-killed":
      onExecutionsKilled(state, event.refs);
      break;
    case "checkpoints-not-found":
      onCheckpointsNotFound(state, event.refs);
      break;
    case "peers-lost":
      onPeersLost(state, event.peers);
      break;
    default:
      unreachable(event);
  }
}
