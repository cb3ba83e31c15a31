import type { StepContext } from "../../core/scheduler/context.ts";
import { addRef } from "../../core/scheduler/outbox.ts";
import type { Policy } from "../../core/scheduler/policy.ts";
import { ASSIGNED, RETRACTING } from "../../core/scheduler/task-table.ts";
import { ClusterView, cpusOf, missingBytes, type ViewedWorker } from "./cluster-view.ts";

/**
 * Work stealing ("ws" of Beranek et al., and about what Dask does): each task goes at once to the
 * worker to which least data must be moved. When a worker has a free cpu and nothing that waits for
 * it, tasks that have not begun and could there are taken from the worker with most of them, half of these at most
 * and those first whose data is cheapest to move.
 */
export function createWorkStealingPolicy(): Policy {
  const view = new ClusterView();
  /** Rows that were asked back, and for whom. */
  const thiefOf = new Map<number, ViewedWorker>();

  const waitingOf = ({ state }: StepContext, worker: ViewedWorker): number[] => {
    // Without word of the start of what began in this very step, what fits is taken for running.
    let freeCpus = worker.cpus;
    const waiting: number[] = [];
    for (const row of worker.rows) {
      if (thiefOf.has(row)) continue;
      const cpus = cpusOf(state, row);
      if (state.tasks.state[row] !== ASSIGNED || cpus <= freeCpus) freeCpus -= cpus;
      else waiting.push(row);
    }
    return waiting;
  };

  const stealFor = (context: StepContext, thief: ViewedWorker): void => {
    const { state, outbox } = context;
    const { tasks } = state;
    let victim: ViewedWorker | undefined;
    let loot: number[] = [];
    for (const worker of view.workers.values()) {
      if (worker === thief || worker.rows.size <= loot.length) continue;
      const waiting = waitingOf(context, worker).filter(
        (row) => cpusOf(state, row) <= thief.freeCpus && tasks.state[row] === ASSIGNED,
      );
      if (waiting.length <= loot.length) continue;
      victim = worker;
      loot = waiting;
    }
    if (victim === undefined) return;
    const costs = new Map(loot.map((row) => [row, missingBytes(state, row, thief.record.id)]));
    loot.sort((a, b) => (costs.get(a) as number) - (costs.get(b) as number));
    for (const row of loot.slice(0, Math.ceil(loot.length / 2))) {
      thiefOf.set(row, thief);
      tasks.flags[row] = (tasks.flags[row] as number) | RETRACTING;
      addRef(outbox.retracts, victim.record.id, row, tasks.attempt[row] as number);
    }
  };

  return {
    name: "work stealing",
    dispatch: (context) => {
      const { state } = context;
      const { tasks } = state;
      for (const row of view.update(context)) {
        const thief = thiefOf.get(row);
        thiefOf.delete(row);
        view.give(context, row, thief ?? view.leastMoving(state, row, view.capable(state, row)));
      }
      // What ran before it could be given back is not coming.
      for (const row of thiefOf.keys()) {
        if (((tasks.flags[row] as number) & RETRACTING) === 0 || tasks.state[row] !== ASSIGNED) {
          thiefOf.delete(row);
        }
      }
      const expected = new Set(thiefOf.values());
      for (const worker of view.workers.values()) {
        if (worker.freeCpus > 0 && !expected.has(worker)) stealFor(context, worker);
      }
    },
  };
}
