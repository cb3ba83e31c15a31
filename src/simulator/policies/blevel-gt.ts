import type { Policy } from "../../core/scheduler/policy.ts";
import { ClusterView, cpusOf } from "./cluster-view.ts";

/**
 * b-level with greedy transfer ("blevel-gt" of Beranek et al., Analysis of workflow schedulers in
 * simulated distributed environments, 2022): whenever something changed, ready tasks are taken in the
 * order of their expected time to the end of the workflow; each goes to the worker with enough free
 * cpus to which least data must be moved, or waits where there is none.
 */
export function createBLevelGreedyTransferPolicy(): Policy {
  const view = new ClusterView();
  let waiting: number[] = [];
  return {
    name: "b-level + greedy transfer",
    dispatch: (context) => {
      const { state } = context;
      const ready = view.byLevel([...waiting, ...view.update(context)]);
      waiting = ready.filter((row) => {
        const cpus = cpusOf(state, row);
        const free = [...view.workers.values()].filter(({ freeCpus }) => freeCpus >= cpus);
        if (free.length === 0) return true;
        view.give(context, row, view.leastMoving(state, row, free));
        return false;
      });
    },
  };
}
