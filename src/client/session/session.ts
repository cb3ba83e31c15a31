import type { Readable } from "node:stream";
import { HyperloomError } from "../../core/model/errors.ts";
import type { TaskExplanation } from "../../core/model/explanation.ts";
import type { ClusterStatus } from "../../core/model/status.ts";
import { encodeSmallRequest, type SmallRequest } from "../../protocol/client/client-request.ts";
import type { ClientResponse } from "../../protocol/client/client-response.ts";
import type { ResponseError } from "../../protocol/client/response-error.ts";
import { ProtocolError } from "../../protocol/protocol-error.ts";
import { ByteWriter } from "../../protocol/wire/byte-writer.ts";
import type { TcpConnection, TcpHandlers } from "../../transport/tcp-connection.ts";
import { onAbort, raceAbort } from "../abort.ts";
import { PlanFailedError } from "../errors.ts";
import type { Future, FutureOwner } from "../futures/future.ts";
import { whyUnusable } from "../futures/wait.ts";
import { encodePlan, orderPlan, resultRows } from "../plan/build-plan.ts";
import { encodeInChunks, mayGoInChunks } from "../plan/encode-chunks.ts";
import { type ClientProgress, PlanLedger } from "../plan/plan-ledger.ts";
import { createSubmittedPlan, findFuture } from "../plan/submitted-plan.ts";
import { type CarriedValue, readCarried } from "../results/carried-values.ts";
import type { ResultSink } from "../results/result-sink.ts";
import { createResultStream } from "../results/stream-sink.ts";
import { createValueSink } from "../results/value-sink.ts";
import { type SharedConstant, Task } from "../tasks/task.ts";
import { Answers } from "./answers.ts";
import { DirectPulls } from "./direct-pulls.ts";
import { FetchQueue } from "./fetch-queue.ts";
import { Questions, type ServerStats } from "./questions.ts";
import { Releases } from "./releases.ts";
import { earlierFailure, inherited, planRefused, taskFailedError } from "./response-errors.ts";
import { ResponseReader } from "./response-reader.ts";
import { createSymbolTable, type SymbolTable } from "./symbol-table.ts";

type SubmitOptions = {
  readonly loadCheckpoints?: boolean;
  /** Not counted as the user's. */
  readonly isHidden?: boolean;
};

export type SessionOptions = {
  /** The server, as messages name it. */
  readonly server: string;
  readonly onNotice: (message: string) => void;
  /** The first id that is used; tests begin near the last. */
  readonly firstTaskId?: number;
};

/** A client's side of one connection: its plans, its futures, and whatever waits for an answer. */
export class Session implements FutureOwner {
  readonly #options: SessionOptions;
  readonly #plans: PlanLedger;
  readonly #fetches: FetchQueue;
  readonly #direct: DirectPulls;
  readonly #questions = new Questions((request) => this.#send(request));
  readonly #dictionary = new Answers<SymbolTable>();
  readonly #closed: Promise<void>;
  #onClosed: () => void = () => {};
  readonly #releaseWhenFetched = new Set<Future>();
  /** Constants that the server keeps for this connection, by their key. */
  readonly #shared = new Map<string, Future>();
  #connection: TcpConnection | undefined;
  #symbols: SymbolTable = createSymbolTable([]);
  /** The server takes large plans in chunks, and begins with the first one. */
  #takesChunks = false;
  readonly #releases = new Releases((request) => this.#send(request));
  /** Why nothing can be asked any more. */
  #end: HyperloomError | undefined;
  /** An ERROR that is about no request: the server closes the connection after it. */
  #lastError: string | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#plans = new PlanLedger(options.firstTaskId);
    this.#closed = new Promise((resolve) => {
      this.#onClosed = resolve;
    });
    this.#direct = new DirectPulls({
      nameOf: (symbolId) => this.#nameOf(symbolId),
      onEnd: (request, isComplete) => {
        this.#send({ kind: "pullEnded", id: request.future.id, isComplete });
        if (isComplete) this.#fetches.finishTaken(request);
        else this.#fetches.putBack(request);
      },
    });
    this.#fetches = new FetchQueue({
      send: (id) => this.#send({ kind: "fetch", id }),
      onIdle: (future) => {
        if (this.#releaseWhenFetched.delete(future)) this.#releases.add(future.id);
      },
    });
  }

  /** Takes over a connection on which the registration is sent next. */
  attach(connection: TcpConnection): TcpHandlers {
    this.#connection = connection;
    const reader = new ResponseReader({
      onResultsFinished: ({ ids, carried }) => this.#plans.finish(ids, carried),
      onData: (id, dataType, frameCount) => this.#onData(id, dataType, frameCount),
      onDataEnd: (id) => void this.#fetches.finish(id),
      onResponse: (response) => this.#onResponse(response),
    });
    return {
      onData: (chunk) => {
        if (this.#end !== undefined) return;
        try {
          reader.push(chunk);
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
          this.#breakOff(error);
        }
      },
      onClose: (error) => this.#onClose(error),
    };
  }

  /** Resolves when the server has answered the registration. */
  async registered(signal: AbortSignal | undefined): Promise<void> {
    this.#symbols = await this.#dictionary.next(signal);
  }

  get isClosed(): boolean {
    return this.#end !== undefined;
  }

  get progress(): ClientProgress {
    return this.#plans.progress;
  }

  /**
   * Sends a plan; the futures are those of `roots`, in their order.
   */
  submit(
    roots: readonly Task[],
    { loadCheckpoints = false, isHidden = false }: SubmitOptions = {},
  ): Future[] {
    if (this.#end?.code === "client-closed") throw this.#end;
    if (roots.length === 0) return [];
    const ordered = orderPlan(roots, this, (constant) => this.#share(constant));
    const rows = resultRows(ordered, roots);
    const idBase = this.#plans.takeIds(ordered.tasks.length);
    const plan = createSubmittedPlan(idBase, ordered, rows, this, isHidden);
    const failure = earlierFailure(plan.earlier);
    const hopeless = this.#end ?? (failure === undefined ? undefined : inherited(failure));
    if (hopeless === undefined) {
      this.#releases.flush();
      if (this.#takesChunks && mayGoInChunks(ordered, loadCheckpoints)) {
        for (const frame of encodeInChunks(ordered, rows, idBase, this.#symbols)) {
          this.#connection?.send(frame);
        }
      } else {
        this.#connection?.send(encodePlan(ordered, rows, idBase, this.#symbols, loadCheckpoints));
      }
    }
    this.#plans.add(plan);
    if (hopeless !== undefined) this.#plans.fail(plan, hopeless);
    return roots.map((root) => findFuture(plan, idBase + root.planRow) as Future);
  }

  /** The result that the constant is here, sent with the first plan that needs it. */
  #share(constant: SharedConstant): Future {
    const known = this.#shared.get(constant.key);
    if (known !== undefined && !known.failed) return known;
    const [future] = this.submit([new Task(constant.taskType, [], constant.bytes)], {
      isHidden: true,
    });
    this.#shared.set(constant.key, future as Future);
    return future as Future;
  }

  fetchValue(future: Future, signal: AbortSignal | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#check(signal);
      let settled = (): void => {};
      const sink = createValueSink({
        nameOf: this.#symbols.nameOf,
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

  readValue(future: Future): { readonly value: unknown } | undefined {
    const { carried } = future;
    if (carried === undefined || !future.finished || this.#end !== undefined) return undefined;
    let read: { readonly value: unknown } | undefined;
    const sink = createValueSink({
      nameOf: this.#symbols.nameOf,
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
          this.#check(undefined);
          if (!future.finished) throw whyUnusable(future);
          if (!isWanted()) return;
          const { carried } = future;
          if (carried === undefined) this.#fetches.add(future, sink);
          else this.#readCarried(carried, sink);
        } catch (error) {
          sink.fail(error as Error);
        }
      },
      pause: () => this.#connection?.pause(),
      resume: () => this.#connection?.resume(),
    });
  }

  #readCarried(carried: CarriedValue, sink: ResultSink): void {
    try {
      readCarried(carried, sink, this.#symbols.nameOf);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      sink.fail(this.#breakOff(error));
    }
  }

  release(future: Future): void {
    if (!this.#plans.release(future)) return;
    if (this.#fetches.isFetching(future)) this.#releaseWhenFetched.add(future);
    else this.#releases.add(future.id);
  }

  stats(signal: AbortSignal | undefined): Promise<ServerStats> {
    this.#check(signal);
    return this.#questions.stats(signal);
  }

  status(signal: AbortSignal | undefined): Promise<ClusterStatus> {
    this.#check(signal);
    return this.#questions.status(signal);
  }

  explain(query: string, signal: AbortSignal | undefined): Promise<TaskExplanation[]> {
    this.#check(signal);
    return this.#questions.explain(query, signal);
  }

  async explainFuture(future: Future, signal: AbortSignal | undefined): Promise<TaskExplanation> {
    this.#check(signal);
    return this.#questions.explainFuture(future, signal);
  }

  trace(path: string, signal: AbortSignal | undefined): Promise<void> {
    this.#check(signal);
    return this.#questions.trace(path, signal);
  }

  /** Resolves when the server has closed the connection. */
  async terminate(signal: AbortSignal | undefined): Promise<void> {
    this.#check(signal);
    this.#send({ kind: "terminate" });
    this.#connection?.resume();
    await raceAbort(this.#closed, signal);
  }

  /** Ends the connection once all that was sent is written, or after `CLOSE_TIMEOUT_MS`. */
  async close(): Promise<void> {
    this.#releases.flush();
    this.#finish(
      new HyperloomError("client-closed", "The client was closed, and its results with it."),
    );
    const connection = this.#connection;
    if (connection === undefined || connection.isClosed) return;
    connection.resume();
    connection.end();
    const timer = setTimeout(() => connection.destroy(), CLOSE_TIMEOUT_MS);
    await this.#closed;
    clearTimeout(timer);
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (this.#end !== undefined) throw this.#end;
  }

  #send(request: SmallRequest): void {
    if (this.#end !== undefined) return;
    this.#releases.flush();
    const writer = new ByteWriter(32);
    encodeSmallRequest(writer, request);
    this.#connection?.send(writer.written());
  }

  #onData(id: number, dataType: number, frameCount: number): ResultSink {
    const sink = this.#fetches.sinkOf(id);
    if (sink === undefined) throw new ProtocolError(`data of task ${id}, which nobody asked for`);
    sink.begin(this.#nameOf(dataType), frameCount);
    return sink;
  }

  #nameOf(dataType: number): string {
    return this.#symbols.nameOf(dataType) ?? `data type ${dataType}`;
  }

  #onDataAt({ id, location }: Extract<ClientResponse, { kind: "dataAt" }>): void {
    const request = this.#fetches.take(id);
    if (request === undefined)
      throw new ProtocolError(`data of task ${id}, which nobody asked for`);
    this.#direct.add(request, location);
  }

  #onResponse(response: ClientResponse): void {
    switch (response.kind) {
      case "data":
      case "resultsFinished":
        // Taken by the reader's other handlers.
        return;
      case "dataAt":
        this.#onDataAt(response);
        return;
      case "taskFinished":
        this.#plans.finish(Int32Array.of(response.id));
        return;
      case "taskFailed": {
        const plan = this.#plans.find(response.error.id ?? 0);
        if (plan === undefined) return;
        const error = taskFailedError(response.error, plan);
        this.#plans.fail(plan, new PlanFailedError(error), { taskId: error.taskId, error });
        return;
      }
      case "error":
        this.#onError(response.error);
        return;
      case "notice":
        this.#notice(response.error.message);
        return;
      case "dictionary":
        this.#releases.takesMany = response.capabilities?.includes("releases") === true;
        this.#takesChunks = response.capabilities?.includes("plan-chunks") === true;
        this.#dictionary.answer(createSymbolTable(response.symbols));
        return;
      case "stats":
        this.#questions.onStats(response);
        return;
      case "status":
        this.#questions.onStatus(response);
        return;
      case "explanations":
        this.#questions.onExplanations(response);
        return;
    }
  }

  /** Finds what an ERROR is about: it says so of plans and results, and by its time of traces. */
  #onError(error: ResponseError): void {
    const { id, message } = error;
    if (error.planRefused) {
      const plan = id === undefined ? this.#plans.findOldestPending() : this.#plans.find(id);
      if (plan !== undefined) this.#plans.fail(plan, planRefused(error, plan));
      return;
    }
    if (this.#dictionary.count > 0) {
      this.#finish(
        new HyperloomError(
          "server-refused",
          `The server at ${this.#options.server} refused this client: ${message}`,
        ),
      );
      return;
    }
    const refused = new HyperloomError(
      "request-refused",
      `The server refused a request: ${message}`,
    );
    if (id !== undefined && this.#fetches.finish(id, refused)) return;
    if (this.#questions.refuseTrace(message)) return;
    this.#lastError = message;
    this.#notice(message);
  }

  #notice(message: string): void {
    // Not inside of the reader, which must go on whatever a caller's function does.
    queueMicrotask(() => this.#options.onNotice(message));
  }

  #onClose(error: Error | undefined): void {
    const why = this.#lastError ?? error?.message ?? "it closed the connection";
    this.#finish(
      new HyperloomError(
        "server-lost",
        `The server at ${this.#options.server} is lost: ${why}. ` +
          "Its results are gone; connect again and submit again.",
        error === undefined ? undefined : { cause: error },
      ),
    );
    this.#onClosed();
  }

  /** The server cannot be understood: ends it all, and says how. */
  #breakOff(cause: ProtocolError): HyperloomError {
    const error = new HyperloomError(
      "protocol-broken",
      `The server at ${this.#options.server} broke the protocol: ${cause.message}`,
      { cause },
    );
    this.#finish(error);
    this.#connection?.destroy();
    return error;
  }

  /** Nothing will be answered any more. Only the first reason counts. */
  #finish(error: HyperloomError): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    this.#plans.failAll(error);
    this.#direct.close();
    this.#fetches.failAll(error);
    this.#questions.rejectAll(error);
    this.#dictionary.rejectAll(error);
  }
}

/** How long a server that does not read may hold up the closing of a client. */
const CLOSE_TIMEOUT_MS = 1000;
