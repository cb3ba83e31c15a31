import type { Random } from "../../core/base/random.ts";
import type { Policy } from "../../core/scheduler/policy.ts";
import { ClusterView, type ViewedWorker } from "./cluster-view.ts";

/** Gives each task, once it is ready, to a worker by chance. "Random" of Beranek et al. */
export function createRandomPolicy(random: Random): Policy {
  const view = new ClusterView();
  return {
    name: "random",
    dispatch: (context) => {
      for (const row of view.update(context)) {
        const workers = view.capable(context.state, row);
        view.give(context, row, workers[random.below(workers.length)] as ViewedWorker);
      }
    },
  };
}
