import { HyperloomError } from "../../core/model/errors.ts";
import type { SmallRequest } from "../../protocol/client/client-request.ts";
import type { Future } from "../futures/future.ts";
import type { SubmittedPlan } from "../plan/submitted-plan.ts";

/** Ids in one request, well below its limit of bytes. */
const IDS_PER_REQUEST = 65_536;
/** Futures that are remembered before those are forgotten that have settled. */
const REMEMBERED_MAX = 1_024;

/** What a client wants canceled, until the server has said what became of it. */
export class Cancels {
  readonly #send: (request: SmallRequest) => void;
  /** Those that are not known to have settled, and whether the whole plan is meant. */
  readonly #wanted = new Map<Future, boolean>();

  constructor(send: (request: SmallRequest) => void) {
    this.#send = send;
  }

  add(futures: readonly Future[]): void {
    this.#request(
      futures.filter((future) => future.pending),
      false,
    );
  }

  addPlan({ futures }: SubmittedPlan): void {
    const pending = futures.find((future) => future.pending);
    if (pending !== undefined) this.#request([pending], true);
  }

  /** The client has come back: what it sent last may not have arrived. */
  sendAgain(): void {
    this.#forgetSettled();
    const wanted = [...this.#wanted];
    for (const isWholePlan of [false, true]) {
      const futures = wanted.filter(([, isWhole]) => isWhole === isWholePlan);
      this.#request(
        futures.map(([future]) => future),
        isWholePlan,
      );
    }
  }

  #request(futures: readonly Future[], isWholePlan: boolean): void {
    for (const future of futures) this.#wanted.set(future, isWholePlan);
    for (let start = 0; start < futures.length; start += IDS_PER_REQUEST) {
      const some = futures.slice(start, start + IDS_PER_REQUEST);
      const ids = Int32Array.from(some, ({ id }) => id);
      this.#send({ kind: "cancel", ids, query: "", isWholePlan });
    }
    if (this.#wanted.size > REMEMBERED_MAX) this.#forgetSettled();
  }

  #forgetSettled(): void {
    for (const future of this.#wanted.keys()) if (!future.pending) this.#wanted.delete(future);
  }
}

export function cannotCancel(server: string): HyperloomError {
  return new HyperloomError(
    "request-refused",
    `The server at ${server} is of a version that cannot cancel; release the result instead.`,
  );
}
