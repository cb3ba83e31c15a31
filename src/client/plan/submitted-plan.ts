import type { HyperloomError } from "../../core/model/errors.ts";
import type { Future } from "../futures/future.ts";

/** A plan that the server has, until all its results are released. */
export type SubmittedPlan = {
  readonly idBase: number;
  readonly taskCount: number;
  /** Ascending by id. */
  readonly futures: readonly Future[];
  /** Their ids. */
  readonly resultIds: Int32Array;
  /** Futures of earlier plans that its tasks use. */
  readonly earlier: ReadonlySet<Future>;
  /** Their plans, while this one has pending results: their ids must not be used again. */
  readonly earlierPlans: Set<SubmittedPlan>;
  /** Futures that are pending. */
  pendingCount: number;
  /** Futures that are pending, or finished and not released. */
  heldCount: number;
  /** Plans with pending results that use results of this one. */
  userCount: number;
  /** Set once: what comes later about the plan is ignored. */
  failure: HyperloomError | undefined;
};

/** The result with this id, or undefined. O(log results); results often finish in the order of ids. */
export function findFuture(plan: SubmittedPlan, id: number): Future | undefined {
  const { resultIds, futures } = plan;
  let low = 0;
  let high = resultIds.length;
  // Where every task is a result, the first guess is right.
  let middle = Math.min(id - plan.idBase, high - 1);
  while (low < high) {
    const found = resultIds[middle] as number;
    if (found === id) return futures[middle];
    if (found < id) low = middle + 1;
    else high = middle;
    middle = (low + high) >>> 1;
  }
  return undefined;
}
