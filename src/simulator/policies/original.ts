import type { Policy } from "../../core/scheduler/policy.ts";
import { ClusterView, cpusOf, missingBytes, type ViewedWorker } from "./cluster-view.ts";

/**
 * The rule of the original HyperLoom (Cima et al., HyperLoom: a platform for defining and executing
 * scientific pipelines in distributed environments, 2018), as the paper describes it: in each round,
 * over all pairs of a ready task and a worker with enough free cpus, the pair that saves most data
 * transfers comes first, that is the one with most bytes of the task's inputs on the worker less
 * those that are not; among equal ones the task that more tasks in a row depend on. A worker gets no
 * more than it can run at once.
 */
export function createOriginalPolicy(): Policy {
  const view = new ClusterView();
  const waiting = new Set<number>();
  return {
    name: "original's rule",
    dispatch: (context) => {
      const { state } = context;
      const { tasks } = state;
      for (const row of view.update(context)) waiting.add(row);
      type Pair = { readonly row: number; readonly worker: ViewedWorker; readonly score: number };
      const pairs: Pair[] = [];
      const free = [...view.workers.values()].filter(({ freeCpus }) => freeCpus > 0);
      for (const row of waiting) {
        const totalBytes = missingBytes(state, row, -1);
        for (const worker of free) {
          if (worker.freeCpus < cpusOf(state, row)) continue;
          const missing = missingBytes(state, row, worker.record.id);
          pairs.push({ row, worker, score: totalBytes - 2 * missing });
        }
      }
      pairs.sort(
        (a, b) =>
          b.score - a.score ||
          (tasks.priority[b.row] as number) - (tasks.priority[a.row] as number) ||
          a.row - b.row ||
          b.worker.freeCpus - a.worker.freeCpus,
      );
      for (const { row, worker } of pairs) {
        if (!waiting.has(row) || worker.freeCpus < cpusOf(state, row)) continue;
        waiting.delete(row);
        view.give(context, row, worker);
      }
    },
  };
}
