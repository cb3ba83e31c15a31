import type { ResourceRequest } from "../model/resources.ts";
import type { SchedulerState } from "./state.ts";
import {
  ASSIGNED,
  CHECKPOINT_PENDING,
  FREE,
  PRESENT,
  READY,
  RESULT,
  RUNNING,
  WAITING,
} from "./task-table.ts";

export type WorkerCounts = { running: number; objects: number; objectBytes: number };

/** Tasks by state, and what each worker has of them. Looks at all rows. */
export function countTasks(state: SchedulerState): {
  readonly byState: {
    readonly waiting: number;
    readonly ready: number;
    readonly assigned: number;
    readonly running: number;
  };
  readonly byWorker: ReadonlyMap<number, WorkerCounts>;
} {
  const { tasks } = state;
  const byState = { waiting: 0, ready: 0, assigned: 0, running: 0 };
  const byWorker = new Map<number, WorkerCounts>();
  for (const id of state.workers.keys())
    byWorker.set(id, { running: 0, objects: 0, objectBytes: 0 });
  const addObject = (workerId: number, sizeBytes: number): void => {
    const counts = byWorker.get(workerId);
    if (counts === undefined) return;
    counts.objects += 1;
    counts.objectBytes += sizeBytes;
  };
  for (let row = 0; row < tasks.capacity; row += 1) {
    switch (tasks.state[row]) {
      case WAITING:
        byState.waiting += 1;
        break;
      case READY:
        byState.ready += 1;
        break;
      case ASSIGNED:
        byState.assigned += 1;
        break;
      case RUNNING: {
        byState.running += 1;
        const counts = byWorker.get(tasks.worker[row] as number);
        if (counts !== undefined) counts.running += 1;
        break;
      }
      case PRESENT:
        addObject(tasks.worker[row] as number, tasks.sizeBytes[row] as number);
        for (const extra of state.extraReplicas.get(row) ?? []) {
          addObject(extra, tasks.sizeBytes[row] as number);
        }
        break;
      default:
        break;
    }
  }
  return { byState, byWorker };
}

/** Requests of ready tasks that no worker could ever satisfy, and how many tasks have them. */
export function findUnsatisfiableRequests(
  state: SchedulerState,
): { readonly request: ResourceRequest; readonly tasks: number }[] {
  if (state.kinds.size === 0) return [];
  return [...state.pooledClasses]
    .filter(({ capableKinds }) => capableKinds.size === 0)
    .map(({ request, pool }) => ({ request, tasks: state.queues.count(pool) }));
}

/** Results of a client that are there, and all that are not released. Looks at all rows of its plans. */
export function countResults(
  { clients, tasks }: SchedulerState,
  clientId: number,
): { readonly results: number; readonly finished: number } {
  let results = 0;
  let finished = 0;
  for (const { rows, serial } of clients.get(clientId)?.plans ?? []) {
    for (let i = 0; i < rows.length; i += 1) {
      const row = rows.at(i);
      if (tasks.state[row] === FREE || tasks.serial[row] !== serial) continue;
      const flags = tasks.flags[row] as number;
      if ((flags & RESULT) === 0) continue;
      results += 1;
      if (tasks.state[row] === PRESENT && (flags & CHECKPOINT_PENDING) === 0) finished += 1;
    }
  }
  return { results, finished };
}
