import type { Future } from "../futures/future.ts";
import type { ResultSink } from "../results/result-sink.ts";

/** Requests on the wire at a time: enough to hide the round trip, few enough to be changed of mind. */
const SENT_MAX = 256;

/** One wish for one result. */
export type FetchRequest = {
  readonly future: Future;
  readonly sink: ResultSink;
  /** Nobody wants it any more. */
  isCanceled: boolean;
};

export type FetchQueueHandlers = {
  readonly send: (id: number) => void;
  /** Nobody fetches this future any more. */
  readonly onIdle: (future: Future) => void;
};

/** Results that were asked for and have not come whole. The server answers by id, in any order. */
export class FetchQueue {
  readonly #handlers: FetchQueueHandlers;
  #waiting: FetchRequest[] = [];
  #waitingStart = 0;
  readonly #sent = new Map<number, FetchRequest[]>();
  #sentCount = 0;
  readonly #counts = new Map<Future, number>();
  /** Those that are answered in another way than over the server's connection. */
  readonly #taken = new Set<FetchRequest>();

  constructor(handlers: FetchQueueHandlers) {
    this.#handlers = handlers;
  }

  /** Returns how to say that nobody wants the answer any more; the sink hears nothing after that. */
  add(future: Future, sink: ResultSink): () => void {
    const request = { future, sink, isCanceled: false };
    this.#waiting.push(request);
    this.#counts.set(future, (this.#counts.get(future) ?? 0) + 1);
    this.#sendNext();
    return () => {
      request.isCanceled = true;
    };
  }

  isFetching(future: Future): boolean {
    return this.#counts.has(future);
  }

  /** The answer to the oldest request for `id` comes; undefined if nobody asked. */
  sinkOf(id: number): ResultSink | undefined {
    const request = this.#sent.get(id)?.[0];
    if (request === undefined) return undefined;
    return request.isCanceled ? DISCARD : request.sink;
  }

  /** The answer to the oldest request for `id` has come whole, or it is an error. */
  finish(id: number, error?: Error): boolean {
    const requests = this.#sent.get(id);
    const request = requests?.shift();
    if (request === undefined) return false;
    if (requests?.length === 0) this.#sent.delete(id);
    this.#sentCount -= 1;
    if (error !== undefined && !request.isCanceled) request.sink.fail(error);
    this.#forget(request.future);
    this.#sendNext();
    return true;
  }

  /** Takes the oldest request for `id` out, to be answered in another way; undefined if nobody asked. */
  take(id: number): FetchRequest | undefined {
    const requests = this.#sent.get(id);
    const request = requests?.shift();
    if (requests?.length === 0) this.#sent.delete(id);
    if (request !== undefined) this.#taken.add(request);
    return request;
  }

  /** A request that was taken out has been answered. */
  finishTaken(request: FetchRequest): void {
    if (!this.#taken.delete(request)) return;
    this.#sentCount -= 1;
    this.#forget(request.future);
    this.#sendNext();
  }

  /** A request that was taken out is to be answered by the server after all. */
  putBack(request: FetchRequest): void {
    if (!this.#taken.delete(request)) return;
    const { id } = request.future;
    const requests = this.#sent.get(id);
    if (requests === undefined) this.#sent.set(id, [request]);
    else requests.push(request);
  }

  /** The server forgot what was asked of it: asks again for all that is wanted and has not come whole. */
  askAgain(): void {
    for (const [id, requests] of this.#sent) {
      const wanted = requests.filter(({ isCanceled }) => !isCanceled);
      for (const { future, isCanceled } of requests) if (isCanceled) this.#forget(future);
      this.#sentCount -= requests.length - wanted.length;
      if (wanted.length === 0) this.#sent.delete(id);
      else this.#sent.set(id, wanted);
      for (const _ of wanted) this.#handlers.send(id);
    }
    this.#sendNext();
  }

  /** No answer will come any more. */
  failAll(error: Error): void {
    const all = [
      ...this.#taken,
      ...[...this.#sent.values()].flat(),
      ...this.#waiting.slice(this.#waitingStart),
    ];
    this.#taken.clear();
    this.#sent.clear();
    this.#sentCount = 0;
    this.#waiting = [];
    this.#waitingStart = 0;
    this.#counts.clear();
    for (const { sink, isCanceled } of all) if (!isCanceled) sink.fail(error);
  }

  #sendNext(): void {
    while (this.#sentCount < SENT_MAX && this.#waitingStart < this.#waiting.length) {
      const request = this.#waiting[this.#waitingStart++] as FetchRequest;
      if (request.isCanceled) {
        this.#forget(request.future);
        continue;
      }
      const { id } = request.future;
      const requests = this.#sent.get(id);
      if (requests === undefined) this.#sent.set(id, [request]);
      else requests.push(request);
      this.#sentCount += 1;
      this.#handlers.send(id);
    }
    if (this.#waitingStart === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#waitingStart = 0;
    }
  }

  #forget(future: Future): void {
    const count = (this.#counts.get(future) ?? 1) - 1;
    if (count > 0) this.#counts.set(future, count);
    else {
      this.#counts.delete(future);
      this.#handlers.onIdle(future);
    }
  }
}

/** Takes what nobody wants any more but is on its way. */
const DISCARD: ResultSink = {
  canRestart: true,
  begin() {},
  frame() {},
  piece() {},
  end() {},
  fail() {},
};
