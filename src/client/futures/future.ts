import type { Readable } from "node:stream";
import type { ArrowTableLike } from "../../core/model/arrow-table.ts";
import type { CarriedResults } from "../../core/model/batches.ts";
import type { HyperloomError } from "../../core/model/errors.ts";
import type { TaskExplanation } from "../../core/model/explanation.ts";
import type { CarriedValue } from "../results/carried-values.ts";
import type { LogChunk, LogOptions } from "../session/log-reader.ts";
import type { FetchToOptions, WaitOptions } from "./options.ts";
import { fetchTo, openStream } from "./stream-result.ts";
import { waitForAll, whyUnusable } from "./wait.ts";

/** `pending` until the server reports; a released one is never anything else again. */
export type FutureState = "pending" | "finished" | "failed" | "canceled" | "released";

/** What is bytes that can be had without making a value of them. */
type Streamed = Buffer | ArrowTableLike;

/** Told once, when a pending future is pending no more. @internal */
export type FutureObserver = { onSettled(future: Future): void };

/** What a future asks of its client. @internal */
export type FutureOwner = {
  /** Fetches a finished result. */
  fetchValue(future: Future, signal: AbortSignal | undefined): Promise<unknown>;
  /** The value of a finished result that came with its notification; undefined if it must be waited for. */
  readValue(future: Future): { readonly value: unknown } | undefined;
  /** A stream of a finished result, which must be raw data. */
  fetchStream(future: Future): Readable;
  release(future: Future): void;
  cancel(futures: readonly Future[]): void;
  logs(id: number, query: string, options: LogOptions): AsyncGenerator<LogChunk, void, undefined>;
  explainFuture(future: Future, signal: AbortSignal | undefined): Promise<TaskExplanation>;
};

/**
 * The handle to a result that is computed, or kept, by the cluster; `T` is what it arrives as. Made
 * by `client.submit`.
 *
 * The result is kept until it is released or the client is closed, also if nobody refers to the
 * future any more: when memory is collected here says nothing about what a program still needs.
 */
export class Future<T = unknown> implements Disposable {
  /** Exists for the type checker alone. */
  declare readonly "~value": T;
  /** The client's number of the task, as errors name it. */
  readonly id: number;
  /** The label of the task, if it was given one. */
  readonly label: string | undefined;
  /** @internal */
  readonly owner: FutureOwner;
  #state: FutureState = "pending";
  #error: HyperloomError | undefined;
  /** Mostly one, and there may be a million futures. */
  #observers: FutureObserver | Set<FutureObserver> | undefined;
  // Two fields and no object, because there may be a million.
  #carriedResults: CarriedResults | undefined;
  #carriedEntry = 0;

  /** @internal */
  constructor(owner: FutureOwner, id: number, label: string | undefined) {
    this.owner = owner;
    this.id = id;
    this.label = label;
  }

  get state(): FutureState {
    return this.#state;
  }

  get pending(): boolean {
    return this.#state === "pending";
  }

  get finished(): boolean {
    return this.#state === "finished";
  }

  get failed(): boolean {
    return this.#state === "failed";
  }

  get released(): boolean {
    return this.#state === "released";
  }

  get canceled(): boolean {
    return this.#state === "canceled";
  }

  /** Why it failed or was canceled, if it did. */
  get error(): HyperloomError | undefined {
    return this.#error;
  }

  /**
   * Resolves when the result is finished. Rejects with a TaskFailedError if it cannot be, with a
   * TaskCanceledError if it was canceled, with another HyperloomError if it was released or the server is lost, and with the signal's reason.
   */
  wait(options?: WaitOptions): Promise<void> {
    return waitForAll([this], options?.signal);
  }

  /**
   * Waits for the result and copies it here; the cluster keeps it. Raw data is a Buffer, an array
   * an array, an index an array of Buffers that share one memory; what a function returned is its
   * value, an Arrow table a table, if apache-arrow is installed here, and a Python object is an
   * opaque handle. With `to`, raw data of any size goes to a file or a stream instead, and so do the
   * bytes of a table, an IPC stream. Rejects as `wait` does; with the code `result-too-large` where
   * a Buffer cannot hold the result, `result-unreadable` where it was made by another version of
   * JavaScript, or is a table and there is no apache-arrow.
   */
  fetch(options?: WaitOptions): Promise<T>;
  fetch(this: Future<Streamed>, options: FetchToOptions): Promise<void>;
  fetch(options?: WaitOptions | FetchToOptions): Promise<unknown> {
    return this.#fetch(options);
  }

  /** `fetch`, then `release`. A result that could not be fetched is not released. */
  gather(options?: WaitOptions): Promise<T>;
  gather(this: Future<Streamed>, options: FetchToOptions): Promise<void>;
  async gather(options?: WaitOptions | FetchToOptions): Promise<unknown> {
    const value = await this.#fetch(options);
    this.release();
    return value;
  }

  /**
   * Raw data of any size, or a table as an IPC stream, as it arrives. The fetch begins with the first
   * read. A reader that is slow slows the client's connection down, so that everything else that
   * waits on this client waits too; one that stops early must destroy the stream.
   */
  stream(this: Future<Streamed>, options?: WaitOptions): Readable {
    return openStream(this, options?.signal);
  }

  /**
   * Tells the cluster that the result is not needed any more. If it is pending, what nobody else
   * needs is canceled. Does nothing the second time.
   */
  release(): void {
    this.owner.release(this);
  }

  /**
   * Has the cluster end the task and whatever needs it, unless that is finished by then: the rest of
   * the plan goes on. Programs get SIGTERM, and SIGKILL after a grace. The future settles when the
   * server has said what became of it. Does nothing where it is not pending.
   */
  cancel(): void {
    this.owner.cancel([this]);
  }

  /**
   * What the task's last attempt wrote to stdout and stderr, in pieces; with `follow`, as it comes,
   * until the attempt ends. Also of a task that failed, for a time. See docs/logs.md for what is kept.
   */
  logs(options: LogOptions = {}): AsyncGenerator<LogChunk, void, undefined> {
    return this.owner.logs(this.id, "", options);
  }

  /**
   * Asks the server why the task waits, is where it is, or ran again; `text` says it in sentences.
   * Rejects with the code `request-refused` if the server knows nothing of it any more.
   */
  explain(options?: WaitOptions): Promise<TaskExplanation> {
    return this.owner.explainFuture(this, options?.signal);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  async #fetch(options: WaitOptions | FetchToOptions = {}): Promise<unknown> {
    options.signal?.throwIfAborted();
    // Asked for at once where it can be, so that a release right after this call does not overtake it.
    if (!this.finished) await waitForAll([this], options.signal);
    if (!this.finished) throw whyUnusable(this);
    if (!("to" in options)) return this.owner.fetchValue(this, options.signal);
    await fetchTo(this, options);
    return undefined;
  }

  /** Only a pending future can finish or fail. @internal */
  settle(state: "finished" | "failed" | "canceled" | "released", error?: HyperloomError): void {
    const wasPending = this.#state === "pending";
    this.#state = state;
    this.#error = error;
    if (state !== "finished") this.#carriedResults = undefined;
    const observers = this.#observers;
    this.#observers = undefined;
    if (!wasPending || observers === undefined) return;
    if (!(observers instanceof Set)) observers.onSettled(this);
    else for (const observer of observers) observer.onSettled(this);
  }

  /** Notes that the value came with the notification, before that is told. @internal */
  carry(results: CarriedResults, entry: number): void {
    this.#carriedResults = results;
    this.#carriedEntry = entry;
  }

  /** Whether the value came with the notification, and is kept. @internal */
  get isHere(): boolean {
    return this.#carriedResults !== undefined && this.#state === "finished";
  }

  /** The value, if it is here. @internal */
  get carried(): CarriedValue | undefined {
    const results = this.#carriedResults;
    return results === undefined ? undefined : { results, entry: this.#carriedEntry };
  }

  /** True if `observer` is new here and the future pending. @internal */
  observe(observer: FutureObserver): boolean {
    if (this.#state !== "pending") return false;
    const observers = this.#observers;
    if (observers === undefined) this.#observers = observer;
    else if (observers instanceof Set) {
      if (observers.has(observer)) return false;
      observers.add(observer);
    } else {
      if (observers === observer) return false;
      this.#observers = new Set([observers, observer]);
    }
    return true;
  }

  /** @internal */
  unobserve(observer: FutureObserver): void {
    if (this.#observers instanceof Set) this.#observers.delete(observer);
    else if (this.#observers === observer) this.#observers = undefined;
  }
}
