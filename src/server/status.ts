import type { ClusterStatus, TaskCounts } from "../core/model/status.ts";
import { namedAmounts } from "../core/scheduler/amounts.ts";
import { countTasks, findUnsatisfiableRequests } from "../core/scheduler/report.ts";
import type { Engine } from "./engine.ts";

/** What the server is doing now. Looks at all task rows: for people and displays, not for each task. */
export function createStatus(engine: Engine): ClusterStatus {
  const { state } = engine;
  const counts = countTasks(state);
  const tasks: TaskCounts = {
    ...counts.byState,
    finished: state.counters.tasksFinished,
    failed: state.counters.tasksFailed,
    ...(state.retries.delays.size > 0 && { retrying: state.retries.delays.size }),
  };
  return {
    workers: [...state.workers.values()].map((worker) => {
      const { cpus = 0, ...resources } = namedAmounts(state, worker.kind.offer);
      const own = counts.byWorker.get(worker.id);
      const memory = state.memory.reports.get(worker.id);
      return {
        id: worker.id,
        name: worker.name,
        cpus,
        resources,
        tasksAssigned: state.queues.count(worker.given),
        tasksRunning: own?.running ?? 0,
        ...(state.drains.has(worker.id) && { isDraining: true }),
        objects: own?.objects ?? 0,
        objectBytes: own?.objectBytes ?? 0,
        ...(memory !== undefined && { memory }),
      };
    }),
    tasks,
    clients: engine.clients.size - engine.namedPlans.byName.size,
    dataObjects: state.objectCount,
    uptimeMs: performance.now() - engine.startedAtMs,
    unsatisfiable: findUnsatisfiableRequests(state).map(({ request, tasks: waiting }) => ({
      resources: namedAmounts(state, request),
      tasks: waiting,
    })),
  };
}
