import type { Policy } from "../../core/scheduler/policy.ts";
import type { SchedulerState } from "../../core/scheduler/state.ts";
import { RUNNING } from "../../core/scheduler/task-table.ts";
import {
  ClusterView,
  cpusOf,
  expectedOf,
  missingBytes,
  type ViewedWorker,
} from "./cluster-view.ts";

/**
 * Earliest time first (Hwang et al., Scheduling precedence graphs in systems with interprocessor
 * communication times, 1989): again and again, the pair of a ready task and a worker that can begin
 * first is taken, the task of the greater b-level among equal ones. A task begins when enough cpus
 * are expected to be free and its inputs to be there, moved one after the other over the link.
 */
export function createEarliestTimeFirstPolicy(): Policy {
  const view = new ClusterView();
  const beganAtUs = new Map<number, number>();
  return {
    name: "earliest time first",
    dispatch: (context) => {
      const { state } = context;
      const nowUs = state.nowMs * 1_000;
      const ready = new Set(view.byLevel(view.update(context)));
      noteBegun(state, view, nowUs, beganAtUs);
      if (ready.size === 0) return;
      const freeAtUs = new Map<ViewedWorker, Float64Array>();
      for (const worker of view.workers.values()) {
        freeAtUs.set(worker, timelineOf(state, worker, nowUs, beganAtUs));
      }
      while (ready.size > 0) {
        let bestRow = -1;
        let bestWorker: ViewedWorker | undefined;
        let bestUs = Number.POSITIVE_INFINITY;
        for (const row of ready) {
          const cpus = cpusOf(state, row);
          for (const [worker, times] of freeAtUs) {
            if (worker.cpus < cpus) continue;
            const moveUs = missingBytes(state, row, worker.record.id) / state.options.bytesPerUs;
            const startUs = Math.max(times[cpus - 1] as number, nowUs + moveUs);
            if (startUs >= bestUs) continue;
            bestRow = row;
            bestWorker = worker;
            bestUs = startUs;
          }
        }
        if (bestWorker === undefined) return;
        ready.delete(bestRow);
        view.give(context, bestRow, bestWorker);
        const times = freeAtUs.get(bestWorker) as Float64Array;
        occupy(times, cpusOf(state, bestRow), bestUs + expectedOf(state, bestRow));
      }
    },
  };
}

/** Notes when tasks began, as their workers tell. */
function noteBegun(
  { tasks }: SchedulerState,
  view: ClusterView,
  nowUs: number,
  beganAtUs: Map<number, number>,
): void {
  for (const worker of view.workers.values()) {
    for (const row of worker.rows) {
      if (tasks.state[row] === RUNNING && !beganAtUs.has(row)) beganAtUs.set(row, nowUs);
    }
  }
}

/** When each of the worker's cpus is expected to have done what it was given, in ascending order. */
function timelineOf(
  state: SchedulerState,
  worker: ViewedWorker,
  nowUs: number,
  beganAtUs: ReadonlyMap<number, number>,
): Float64Array {
  const { tasks } = state;
  const times = new Float64Array(worker.cpus).fill(nowUs);
  const queued: number[] = [];
  for (const row of worker.rows) {
    if (tasks.state[row] !== RUNNING) {
      queued.push(row);
      continue;
    }
    const began = beganAtUs.get(row) ?? nowUs;
    occupy(times, cpusOf(state, row), Math.max(nowUs, began + expectedOf(state, row)));
  }
  for (const row of queued) {
    const cpus = cpusOf(state, row);
    const moveUs = missingBytes(state, row, worker.record.id) / state.options.bytesPerUs;
    const startUs = Math.max(times[cpus - 1] as number, nowUs + moveUs);
    occupy(times, cpus, startUs + expectedOf(state, row));
  }
  return times;
}

/** Uses the cpus that are free first until `untilUs`. */
function occupy(times: Float64Array, cpus: number, untilUs: number): void {
  times.fill(untilUs, 0, cpus);
  times.sort();
}
