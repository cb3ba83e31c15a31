import type { TaskFailedError } from "../errors.ts";
import { Future, type FutureOwner } from "../futures/future.ts";
import type { Task } from "../tasks/task.ts";
import type { OrderedPlan } from "./build-plan.ts";

/** A plan that the server has, until all its results are released. */
export type SubmittedPlan = {
  readonly idBase: number;
  readonly taskCount: number;
  /** Submitted by the client itself: no part of what it tells of its progress. */
  readonly isHidden: boolean;
  /** Of a plan that lives without its client. */
  readonly name: string | undefined;
  /** Ascending by id. */
  readonly futures: readonly Future[];
  /** Their ids. */
  readonly resultIds: Int32Array;
  /** Futures of earlier plans that its tasks use. */
  readonly earlier: Set<Future>;
  /** Their plans, while this one has pending results: their ids must not be used again. */
  readonly earlierPlans: Set<SubmittedPlan>;
  /** Futures that are pending. */
  pendingCount: number;
  /** Futures that are pending, or finished and not released. */
  heldCount: number;
  /** Tasks that failed, or could not be had, while the plan goes on; results among them are held. */
  failedAlone?: Map<number, TaskFailedError>;
  /** Plans with pending results that use results of this one. */
  userCount: number;
  /** Called once, when none of its futures is pending any more. */
  onSettled: (() => void) | undefined;
};

/** The plan of these results; rows are ascending. */
export function createSubmittedPlan(
  idBase: number,
  ordered: OrderedPlan,
  rows: Uint32Array,
  owner: FutureOwner,
  {
    isHidden = false,
    name,
  }: { readonly isHidden?: boolean; readonly name?: string | undefined } = {},
): SubmittedPlan {
  const { tasks, earlier } = ordered;
  // A loop: `from` goes through an iterator, which costs as much as the futures do.
  const futures: Future[] = [];
  const resultIds = new Int32Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    resultIds[i] = idBase + row;
    futures.push(new Future(owner, idBase + row, (tasks[row] as Task).label));
  }
  const taskCount = tasks.length;
  return createPlan({ idBase, taskCount, isHidden, name, futures, resultIds, earlier });
}

/** A plan that this client did not submit. `labels` are those of the rows, which are ascending. */
export function createAttachedPlan(
  idBase: number,
  plan: { readonly name: string; readonly taskCount: number },
  rows: Int32Array,
  labels: readonly (string | undefined)[],
  owner: FutureOwner,
): SubmittedPlan {
  const { name, taskCount } = plan;
  const resultIds = rows.map((row) => idBase + row);
  const futures = Array.from(resultIds, (id, i) => new Future(owner, id, labels[i]));
  const earlier = new Set<Future>();
  return createPlan({ idBase, taskCount, isHidden: true, name, futures, resultIds, earlier });
}

type Fixed = "idBase" | "taskCount" | "isHidden" | "name" | "futures" | "resultIds" | "earlier";

function createPlan(fixed: Pick<SubmittedPlan, Fixed>): SubmittedPlan {
  const { idBase, taskCount, isHidden, name, futures, resultIds, earlier } = fixed;
  return {
    idBase,
    taskCount,
    isHidden,
    name,
    futures,
    resultIds,
    earlier,
    earlierPlans: new Set(),
    pendingCount: futures.length,
    heldCount: futures.length,
    userCount: 0,
    onSettled: undefined,
  };
}

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
