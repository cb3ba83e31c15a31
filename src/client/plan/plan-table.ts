import { HyperloomError } from "../../core/model/errors.ts";
import type { SubmittedPlan } from "./submitted-plan.ts";

const MAX_ID = 2 ** 31 - 1;

/**
 * The plans whose ids are in use. Ids count up from 0; after the last one they begin again, and
 * skip what is still in use. Finding a plan costs O(log plans), adding and removing O(1) amortized.
 */
export class PlanTable {
  /** Ascending by idBase. A removed one stays until half of them are. */
  #plans: SubmittedPlan[] = [];
  readonly #removed = new Set<SubmittedPlan>();
  #nextId: number;
  /** First id above `#nextId` that is in use. */
  #endId: number = MAX_ID + 1;

  constructor(firstId = 0) {
    this.#nextId = firstId;
  }

  get size(): number {
    return this.#plans.length - this.#removed.size;
  }

  /** Takes `count` ids in a row and returns the first. Throws a HyperloomError if there are none. */
  takeIds(count: number): number {
    if (count > this.#endId - this.#nextId) this.#findGap(count);
    const idBase = this.#nextId;
    this.#nextId += count;
    return idBase;
  }

  add(plan: SubmittedPlan): void {
    const last = this.#plans.at(-1);
    if (last === undefined || last.idBase < plan.idBase) this.#plans.push(plan);
    else this.#plans.splice(this.#upperBound(plan.idBase), 0, plan);
  }

  /** Does nothing if the plan is not there. */
  remove(plan: SubmittedPlan): void {
    if (this.find(plan.idBase) !== plan) return;
    this.#removed.add(plan);
    if (this.#removed.size > 16 && 2 * this.#removed.size > this.#plans.length) this.#compact();
  }

  /** The plan that has the task with this id, or undefined. */
  find(id: number): SubmittedPlan | undefined {
    const plan = this.#plans[this.#upperBound(id) - 1];
    if (plan === undefined || id >= plan.idBase + plan.taskCount) return undefined;
    return this.#removed.has(plan) ? undefined : plan;
  }

  /** All of them, oldest ids first. */
  list(): SubmittedPlan[] {
    this.#compact();
    return this.#plans.slice();
  }

  #compact(): void {
    if (this.#removed.size === 0) return;
    this.#plans = this.#plans.filter((plan) => !this.#removed.has(plan));
    this.#removed.clear();
  }

  /** Position of the first plan that begins after `id`. */
  #upperBound(id: number): number {
    let low = 0;
    let high = this.#plans.length;
    // Plans are asked for while they are young.
    if (high > 0 && (this.#plans[high - 1] as SubmittedPlan).idBase <= id) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#plans[middle] as SubmittedPlan).idBase <= id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Looks for `count` free ids in a row from the next id on, then from 0 on. */
  #findGap(count: number): void {
    this.#compact();
    for (const from of [this.#nextId, 0]) {
      let start = from;
      for (const { idBase, taskCount } of this.#plans) {
        if (idBase + taskCount <= start) continue;
        if (idBase - start >= count) {
          this.#nextId = start;
          this.#endId = idBase;
          return;
        }
        start = idBase + taskCount;
      }
      if (MAX_ID + 1 - start >= count) {
        this.#nextId = start;
        this.#endId = MAX_ID + 1;
        return;
      }
    }
    throw new HyperloomError(
      "invalid-argument",
      `No ${count} task ids in a row are free; release results of earlier plans.`,
    );
  }
}
