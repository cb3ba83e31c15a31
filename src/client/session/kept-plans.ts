import type { Future } from "../futures/future.ts";
import type { SubmittedPlan } from "../plan/submitted-plan.ts";

/** A request that carries tasks `firstId` and up of a plan; none of them: its begin or end. */
export type PlanFrame = {
  readonly bytes: Uint8Array;
  readonly firstId: number;
  readonly taskCount: number;
};

export type KeptPlan = {
  readonly plan: SubmittedPlan;
  /** Results of other plans that it uses, and those plans. */
  readonly inputs: readonly Future[];
  readonly inputPlans: readonly SubmittedPlan[];
  frames: PlanFrame[];
};

/** The bytes of plans until the server says that it cannot lose them any more; in the order of their submission. */
export class KeptPlans {
  readonly #plans = new Map<number, KeptPlan>();

  add(kept: KeptPlan): void {
    this.#plans.set(kept.plan.idBase, kept);
  }

  /** Those that are listed, or that others of these use; what nobody wants is forgotten. */
  needed(listed: readonly SubmittedPlan[]): KeptPlan[] {
    const wanted = new Set(listed);
    const found: KeptPlan[] = [];
    for (const kept of this.list().reverse()) {
      if (wanted.has(kept.plan)) {
        found.push(kept);
        for (const plan of kept.inputPlans) wanted.add(plan);
      } else this.forget(kept.plan.idBase);
    }
    return found.reverse();
  }

  list(): KeptPlan[] {
    return [...this.#plans.values()];
  }

  find(idBase: number): KeptPlan | undefined {
    return this.#plans.get(idBase);
  }

  /** The server has these tasks of a plan. */
  accept(firstId: number, taskCount: number): void {
    const kept = this.#plans.get(firstId) ?? this.#withTask(firstId);
    if (kept === undefined) return;
    const { idBase } = kept.plan;
    const endId = firstId + taskCount;
    kept.frames = kept.frames.filter(
      (frame) => frame.taskCount === 0 || frame.firstId < firstId || frame.firstId >= endId,
    );
    if (kept.frames.every((frame) => frame.taskCount === 0)) this.#plans.delete(idBase);
  }

  /** The oldest come first, and so do the answers about them. */
  #withTask(id: number): KeptPlan | undefined {
    for (const kept of this.#plans.values()) {
      const { idBase, taskCount } = kept.plan;
      if (id >= idBase && id < idBase + taskCount) return kept;
    }
    return undefined;
  }

  forget(idBase: number): void {
    this.#plans.delete(idBase);
  }

  clear(): void {
    this.#plans.clear();
  }
}

/** The only request of a plan that goes in one piece. */
export const wholePlan = (bytes: Uint8Array, plan: SubmittedPlan): PlanFrame => ({
  bytes,
  firstId: plan.idBase,
  taskCount: plan.taskCount,
});
