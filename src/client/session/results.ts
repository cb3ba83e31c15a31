import type { Readable } from "node:stream";
import type { SmallRequest } from "../../protocol/client/client-request.ts";
import type { DataLocation } from "../../protocol/client/data-location.ts";
import { ProtocolError } from "../../protocol/protocol-error.ts";
import type { ConnectSecurity } from "../../transport/security/connect-securely.ts";
import type { TcpConnection } from "../../transport/tcp-connection.ts";
import { onAbort } from "../abort.ts";
import type { Future } from "../futures/future.ts";
import { whyUnusable } from "../futures/wait.ts";
import { type CarriedValue, readCarried } from "../results/carried-values.ts";
import type { ResultSink } from "../results/result-sink.ts";
import { createResultStream } from "../results/stream-sink.ts";
import { createValueSink } from "../results/value-sink.ts";
import { DirectPulls } from "./direct-pulls.ts";
import { FetchQueue, type FetchRequest } from "./fetch-queue.ts";
import type { SymbolTable } from "./symbol-table.ts";

/** The session that results come to. */
export type ResultsHost = {
  /** Which workers are trusted for direct pulls; absent: whoever is there. */
  readonly security: ConnectSecurity | undefined;
  send(request: SmallRequest): void;
  /** Throws where nothing can be asked any more. */
  check(signal: AbortSignal | undefined): void;
  symbols(): SymbolTable;
  connection(): TcpConnection | undefined;
  /** The server cannot be understood; the error says how. */
  breakOff(cause: ProtocolError): Error;
  /** The future was released while it was fetched, and nobody fetches it any more. */
  onUnused(future: Future): void;
};

/** The results that are fetched, over whatever way they come. */
export class Results {
  readonly #host: ResultsHost;
  readonly #fetches: FetchQueue;
  readonly #direct: DirectPulls;
  readonly #releaseWhenFetched = new Set<Future>();
  /** Counts connections: what was begun on another one is not known to the server any more. */
  #connectionNumber = 0;
  readonly #pulledOn = new Map<FetchRequest, number>();

  constructor(host: ResultsHost) {
    this.#host = host;
    this.#direct = new DirectPulls({
      security: host.security,
      nameOf: (symbolId) => this.#nameOf(symbolId),
      onEnd: (request, isComplete) => this.#onPullEnded(request, isComplete),
    });
    this.#fetches = new FetchQueue({
      send: (id) => host.send({ kind: "fetch", id }),
      onIdle: (future) => {
        if (this.#releaseWhenFetched.delete(future)) host.onUnused(future);
      },
    });
  }

  fetchValue(future: Future, signal: AbortSignal | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#host.check(signal);
      let settled = (): void => {};
      const sink = createValueSink({
        nameOf: this.#host.symbols().nameOf,
        onValue(value) {
          settled();
          resolve(value);
        },
        onError(error) {
          settled();
          reject(error);
        },
      });
      const { carried } = future;
      if (carried !== undefined) {
        this.#readCarried(carried, sink);
        return;
      }
      const cancel = this.#fetches.add(future, sink);
      settled = onAbort(signal, () => {
        cancel();
        sink.fail(signal?.reason);
      });
    });
  }

  /** The value of a finished result that came with its notification. */
  readValue(future: Future): { readonly value: unknown } | undefined {
    const { carried } = future;
    if (carried === undefined || !future.finished) return undefined;
    let read: { readonly value: unknown } | undefined;
    const sink = createValueSink({
      nameOf: this.#host.symbols().nameOf,
      onValue(value) {
        read = { value };
      },
      // Whoever fetches it is told.
      onError() {},
    });
    this.#readCarried(carried, sink);
    return read;
  }

  fetchStream(future: Future): Readable {
    return createResultStream({
      request: async (sink, isWanted) => {
        try {
          await future.wait();
          this.#host.check(undefined);
          if (!future.finished) throw whyUnusable(future);
          if (!isWanted()) return;
          const { carried } = future;
          if (carried === undefined) this.#fetches.add(future, sink);
          else this.#readCarried(carried, sink);
        } catch (error) {
          sink.fail(error as Error);
        }
      },
      pause: () => this.#host.connection()?.pause(),
      resume: () => this.#host.connection()?.resume(),
    });
  }

  /** Whether the future, which was released, is still fetched; `onUnused` tells when it is not. */
  releaseWhenFetched(future: Future): boolean {
    if (!this.#fetches.isFetching(future)) return false;
    this.#releaseWhenFetched.add(future);
    return true;
  }

  onConnection(): void {
    this.#connectionNumber += 1;
  }

  /** Data that was asked for begins to come: where it goes. Throws a ProtocolError if nobody asked. */
  onData(id: number, dataType: number, frameCount: number): ResultSink {
    const sink = this.#fetches.sinkOf(id);
    if (sink === undefined) throw new ProtocolError(`data of task ${id}, which nobody asked for`);
    sink.begin(this.#nameOf(dataType), frameCount);
    return sink;
  }

  onDataEnd(id: number): void {
    this.#fetches.finish(id);
  }

  /** Whether a request for this result was refused so. */
  refuse(id: number, error: Error): boolean {
    return this.#fetches.finish(id, error);
  }

  /** A large result is at a worker. Throws a ProtocolError if nobody asked for it. */
  onDataAt(id: number, location: DataLocation): void {
    const request = this.#fetches.take(id);
    if (request === undefined)
      throw new ProtocolError(`data of task ${id}, which nobody asked for`);
    this.#pulledOn.set(request, this.#connectionNumber);
    this.#direct.add(request, location);
  }

  askAgain(): void {
    this.#fetches.askAgain();
  }

  failAll(error: Error): void {
    this.#direct.close();
    this.#fetches.failAll(error);
  }

  #readCarried(carried: CarriedValue, sink: ResultSink): void {
    try {
      readCarried(carried, sink, this.#host.symbols().nameOf);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      sink.fail(this.#host.breakOff(error));
    }
  }

  #onPullEnded(request: FetchRequest, isComplete: boolean): void {
    const { id } = request.future;
    const isSameConnection = this.#pulledOn.get(request) === this.#connectionNumber;
    this.#pulledOn.delete(request);
    if (isSameConnection) this.#host.send({ kind: "pullEnded", id, isComplete });
    if (isComplete) this.#fetches.finishTaken(request);
    else {
      this.#fetches.putBack(request);
      if (!isSameConnection) this.#host.send({ kind: "fetch", id });
    }
  }

  #nameOf(dataType: number): string {
    return this.#host.symbols().nameOf(dataType) ?? `data type ${dataType}`;
  }
}
