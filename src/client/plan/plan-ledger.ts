import type { CarriedResults } from "../../core/model/batches.ts";
import type { HyperloomError } from "../../core/model/errors.ts";
import { TaskCanceledError, type TaskFailedError } from "../errors.ts";
import type { Future } from "../futures/future.ts";
import { PlanTable } from "./plan-table.ts";
import { findFuture, type SubmittedPlan } from "./submitted-plan.ts";

/** Counts of what a client has submitted, since it connected. */
export type ClientProgress = {
  /** Tasks of all submitted plans, those that the server did not need to run included. */
  readonly tasksSubmitted: number;
  readonly resultsSubmitted: number;
  readonly resultsFinished: number;
  /** Results that failed or were given up. */
  readonly resultsFailed: number;
  readonly resultsCanceled: number;
  /** Results that were released before they were finished. */
  readonly resultsReleasedEarly: number;
};

/** What has become of the plans of a client and of their futures. */
export class PlanLedger {
  readonly #plans: PlanTable;
  readonly #counts = {
    tasksSubmitted: 0,
    resultsSubmitted: 0,
    resultsFinished: 0,
    resultsFailed: 0,
    resultsCanceled: 0,
    resultsReleasedEarly: 0,
  };

  constructor(firstTaskId?: number) {
    this.#plans = new PlanTable(firstTaskId);
  }

  get progress(): ClientProgress {
    return { ...this.#counts };
  }

  /** Takes `count` ids in a row and returns the first. Throws a HyperloomError if there are none. */
  takeIds(count: number): number {
    return this.#plans.takeIds(count);
  }

  /** The plan that has the task with this id, or undefined. */
  find(id: number): SubmittedPlan | undefined {
    return this.#plans.find(id);
  }

  /** The first plan that is not finished. */
  findOldestPending(): SubmittedPlan | undefined {
    return this.#plans.list().find(({ pendingCount }) => pendingCount > 0);
  }

  /** All plans, lowest ids first. */
  list(): SubmittedPlan[] {
    return this.#plans.list();
  }

  add(plan: SubmittedPlan): void {
    if (!plan.isHidden) {
      this.#counts.tasksSubmitted += plan.taskCount;
      this.#counts.resultsSubmitted += plan.futures.length;
    }
    this.#plans.add(plan);
    for (const { id } of plan.earlier) {
      const earlier = this.#plans.find(id);
      if (earlier === undefined || plan.earlierPlans.has(earlier)) continue;
      plan.earlierPlans.add(earlier);
      earlier.userCount += 1;
    }
  }

  /**
   * What is not pending, or not known any more, stays as it is. The positions of `carried` are
   * those of `ids`.
   */
  finish(ids: Int32Array, carried?: CarriedResults): void {
    let plan: SubmittedPlan | undefined;
    let nextEntry = 0;
    for (let position = 0; position < ids.length; position += 1) {
      const id = ids[position] as number;
      const entry = carried?.positions[nextEntry] === position ? nextEntry++ : -1;
      if (plan === undefined || id < plan.idBase || id >= plan.idBase + plan.taskCount) {
        plan = this.#plans.find(id);
      }
      if (plan === undefined) continue;
      const future = findFuture(plan, id);
      if (future === undefined || !future.pending) continue;
      if (!plan.isHidden) this.#counts.resultsFinished += 1;
      if (carried !== undefined && entry >= 0) future.carry(carried, entry);
      future.settle("finished");
      this.#settled(plan, 1);
    }
  }

  /** What is not pending, or not known any more, stays as it is. */
  cancel(ids: Int32Array): void {
    for (const id of ids) {
      const plan = this.#plans.find(id);
      const future = plan === undefined ? undefined : findFuture(plan, id);
      if (plan === undefined || future === undefined || !future.pending) continue;
      if (!plan.isHidden) this.#counts.resultsCanceled += 1;
      plan.heldCount -= 1;
      future.settle("canceled", new TaskCanceledError(id, future.label));
      this.#settled(plan, 1);
    }
  }

  /** Gives up what is pending; the task that failed by its own fault gets its own error, first. */
  fail(
    plan: SubmittedPlan,
    failure: HyperloomError,
    culprit?: { readonly taskId: number; readonly error: HyperloomError },
  ): void {
    const count = plan.pendingCount;
    if (count === 0) return;
    if (!plan.isHidden) this.#counts.resultsFailed += count;
    const first = culprit === undefined ? undefined : findFuture(plan, culprit.taskId);
    if (first?.pending) first.settle("failed", culprit?.error);
    for (const future of plan.futures) if (future.pending) future.settle("failed", failure);
    plan.heldCount -= count;
    this.#settled(plan, count);
  }

  /** A task failed, and its plan goes on: its result, if it is one, stays held, since the server knows it. */
  failOne(plan: SubmittedPlan, error: TaskFailedError): void {
    plan.failedAlone ??= new Map();
    plan.failedAlone.set(error.taskId, error);
    const future = findFuture(plan, error.taskId);
    if (future === undefined || !future.pending) return;
    if (!plan.isHidden) this.#counts.resultsFailed += 1;
    future.settle("failed", error);
    this.#settled(plan, 1);
  }

  /** Whether the future failed while its plan went on, and was not released since. */
  hasFailedAlone(future: Future): boolean {
    return this.#plans.find(future.id)?.failedAlone?.has(future.id) === true;
  }

  failAll(failure: HyperloomError): void {
    for (const plan of this.#plans.list()) this.fail(plan, failure);
  }

  /** True unless the future was failed, canceled or released already. */
  release(future: Future): boolean {
    if (future.canceled || future.released) return false;
    const plan = this.#plans.find(future.id);
    if (future.failed) {
      if (plan?.failedAlone?.delete(future.id) !== true) return false;
      plan.heldCount -= 1;
      this.#removeIfUnused(plan);
      return true;
    }
    if (future.pending) {
      this.#counts.resultsReleasedEarly += 1;
      if (plan !== undefined) this.#settled(plan, 1);
    }
    future.settle("released");
    if (plan !== undefined) {
      plan.heldCount -= 1;
      this.#removeIfUnused(plan);
    }
    return true;
  }

  /** So many of the plan's results are pending no more. */
  #settled(plan: SubmittedPlan, count: number): void {
    plan.pendingCount -= count;
    if (plan.pendingCount > 0) return;
    plan.onSettled?.();
    plan.onSettled = undefined;
    for (const earlier of plan.earlierPlans) {
      earlier.userCount -= 1;
      this.#removeIfUnused(earlier);
    }
    plan.earlierPlans.clear();
    // A kept result must not keep the futures that it was made of.
    plan.earlier.clear();
    this.#removeIfUnused(plan);
  }

  #removeIfUnused(plan: SubmittedPlan): void {
    if (plan.heldCount === 0 && plan.userCount === 0) this.#plans.remove(plan);
  }
}
