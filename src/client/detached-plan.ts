import type { PlanSummary } from "../core/model/plan-summary.ts";
import { invalidArgument } from "./errors.ts";
import { fetchAll } from "./futures/collect.ts";
import type { Future } from "./futures/future.ts";
import type { WaitOptions } from "./futures/options.ts";
import { waitForAll } from "./futures/wait.ts";
import type { Session } from "./session/session.ts";

/** The futures of results, as a tuple where their number is known. */
export type FuturesOfResults<Results extends readonly unknown[]> = {
  -readonly [K in keyof Results]: Future<Results[K]>;
};

/**
 * A plan that lives in the server without a client, until it is forgotten. Made by
 * `client.attach`; any number of clients, in any language, may be attached to it.
 *
 * To release its futures, or to close the client, changes nothing for the plan.
 */
export class DetachedPlan<Results extends readonly unknown[] = readonly unknown[]> {
  readonly name: string;
  /** Of the tasks that were submitted, in their order. */
  readonly futures: FuturesOfResults<Results>;
  readonly #session: Session;

  /** @internal */
  constructor(name: string, futures: readonly Future[], session: Session) {
    this.name = name;
    this.futures = futures as FuturesOfResults<Results>;
    this.#session = session;
  }

  /**
   * The result of the task with this label. Throws a HyperloomError if there is none, or more than
   * one.
   */
  result<T = unknown>(label: string): Future<T> {
    const found = new Set(this.#all.filter((future) => future.label === label));
    const [first] = found;
    if (first !== undefined && found.size === 1) return first as Future<T>;
    throw invalidArgument(
      found.size === 0
        ? `The plan '${this.name}' has no result with the label '${label}'.`
        : `The plan '${this.name}' has ${found.size} results with the label '${label}': take one of futures.`,
    );
  }

  /** Resolves when all results are finished; rejects as soon as one cannot be. */
  wait(options: WaitOptions = {}): Promise<void> {
    return waitForAll(this.#all, options.signal);
  }

  /** Waits for all results and copies them here; the plan keeps them. */
  async fetch(options: WaitOptions = {}): Promise<Results> {
    return (await fetchAll(this.#all, options.signal)) as unknown as Results;
  }

  /** What the server says of it now. Rejects with the code `no-such-plan` if it was forgotten. */
  status(options: WaitOptions = {}): Promise<PlanSummary> {
    return this.#session.findPlan(this.name, options.signal);
  }

  /** Stops what is not finished. What is finished can still be fetched, until `forget`. */
  async cancel(options: WaitOptions = {}): Promise<PlanSummary> {
    return (await this.#session.askPlan("cancelPlan", this.name, options.signal)).plan;
  }

  /** Ends the plan: what runs is stopped, its results are dropped, and its name is free. */
  async forget(options: WaitOptions = {}): Promise<void> {
    await this.#session.askPlan("forgetPlan", this.name, options.signal);
  }

  get #all(): readonly Future[] {
    return this.futures as readonly Future[];
  }
}
