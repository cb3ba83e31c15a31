import type { Readable } from "node:stream";
import type { CanceledTask } from "../../core/model/canceled-task.ts";
import { HyperloomError } from "../../core/model/errors.ts";
import type { TaskExplanation } from "../../core/model/explanation.ts";
import type { PlanSummary } from "../../core/model/plan-summary.ts";
import type { PlanOptions } from "../../core/model/policies.ts";
import type { ClusterStatus } from "../../core/model/status.ts";
import { encodeSmallRequest, type SmallRequest } from "../../protocol/client/client-request.ts";
import type { ClientResponse, SessionTicket } from "../../protocol/client/client-response.ts";
import type { ResponseError } from "../../protocol/client/response-error.ts";
import { ProtocolError } from "../../protocol/protocol-error.ts";
import { ByteWriter } from "../../protocol/wire/byte-writer.ts";
import type { ConnectSecurity } from "../../transport/security/connect-securely.ts";
import type { TcpConnection, TcpHandlers } from "../../transport/tcp-connection.ts";
import { onAbort, raceAbort } from "../abort.ts";
import { invalidArgument, PlanFailedError } from "../errors.ts";
import type { Future, FutureOwner } from "../futures/future.ts";
import { encodePlan, orderPlan, resultRows } from "../plan/build-plan.ts";
import { encodeInChunks, mayGoInChunks } from "../plan/encode-chunks.ts";
import { checkEarlier, createConstant, describe, distinctRows } from "../plan/name-plan.ts";
import { type ClientProgress, PlanLedger } from "../plan/plan-ledger.ts";
import {
  createAttachedPlan,
  createSubmittedPlan,
  findFuture,
  type SubmittedPlan,
} from "../plan/submitted-plan.ts";
import { type SharedConstant, Task } from "../tasks/task.ts";
import { Answers } from "./answers.ts";
import { Cancels, cannotCancel } from "./cancels.ts";
import { Comeback, type Reconnect } from "./comeback.ts";
import { onProcessExit } from "./exit.ts";
import { KeptPlans, type PlanFrame, wholePlan } from "./kept-plans.ts";
import { createLink, type LinkAction, stepLink } from "./link.ts";
import { type LogChunk, type LogOptions, LogReader } from "./log-reader.ts";
import { type FoundPlan, Questions, type ServerStats } from "./questions.ts";
import { Releases } from "./releases.ts";
import { earlierFailure, inherited, planRefused, taskFailedError } from "./response-errors.ts";
import { ResponseReader } from "./response-reader.ts";
import { Results } from "./results.ts";
import { createSymbolTable, type SymbolTable } from "./symbol-table.ts";
import { listHeld } from "./tell-held.ts";

type SubmitOptions = {
  readonly loadCheckpoints?: boolean;
  /** The plan lives without this client, by this name. */
  readonly name?: string | undefined;
  /** Cancels the plan when it aborts. */
  readonly signal?: AbortSignal | undefined;
  readonly planOptions?: PlanOptions | undefined;
  /** Not counted as the user's. */
  readonly isHidden?: boolean;
};

export type SessionOptions = {
  /** The server, as messages name it. */
  readonly server: string;
  readonly onNotice: (message: string) => void;
  /** Which workers are trusted for direct pulls; default: whoever is there. */
  readonly workers?: ConnectSecurity | undefined;
  /** The first id that is used; tests begin near the last. */
  readonly firstTaskId?: number;
  /** How to come back when the connection breaks; absent: that is the end. */
  readonly reconnect?: Reconnect;
  /** For how long; default: as long as the server waits. */
  readonly reconnectForMs?: number | undefined;
};

/**
 * A client's side of its connections: its plans, its futures, and whatever waits for an answer. While
 * there is none nothing is sent; when there is one again, all that is not answered is asked again.
 */
export class Session implements FutureOwner {
  readonly #options: SessionOptions;
  readonly #plans: PlanLedger;
  readonly #results: Results;
  readonly #questions = new Questions((request) => this.#send(request));
  readonly #dictionary = new Answers<SymbolTable>();
  readonly #closed: Promise<void>;
  #onClosed: () => void = () => {};
  /** Constants that the server keeps for this connection, by their key. */
  readonly #shared = new Map<string, Future>();
  readonly #link = createLink();
  readonly #kept = new KeptPlans();
  readonly #comeback: Comeback;
  #ticket: SessionTicket | undefined;
  /** First ids of plans that the server was told of when this client came back. */
  #toldPlans: ReadonlySet<number> = new Set();
  #releaseLate: readonly number[] = [];
  /** Why the connection broke at first. */
  #brokenBy = "";
  #isTerminating = false;
  #forgetExit: () => void = () => {};
  #connection: TcpConnection | undefined;
  #symbols: SymbolTable = createSymbolTable([]);
  #takesCancels = false;
  #takesLogs = false;
  readonly #logs = new LogReader((request) => this.#send(request));
  /** The server takes large plans in chunks, and begins with the first one. */
  #takesChunks = false;
  /** It takes plans that live without their client. */
  #takesNames = false;
  readonly #cancels = new Cancels((request) => this.#send(request));
  readonly #releases = new Releases((request) => this.#send(request));
  /** Why nothing can be asked any more. */
  #end: HyperloomError | undefined;
  /** An ERROR that is about no request: the server closes the connection after it. */
  #lastError: string | undefined;
  /** Somebody waits for the server's end, which it may refuse. */
  #refuseEnd: ((error: HyperloomError) => void) | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#plans = new PlanLedger(options.firstTaskId);
    this.#closed = new Promise((resolve) => {
      this.#onClosed = resolve;
    });
    this.#results = new Results({
      security: options.workers,
      send: (request) => this.#send(request),
      check: (signal) => this.#check(signal),
      symbols: () => this.#symbols,
      connection: () => this.#connection,
      breakOff: (cause) => this.#breakOff(cause),
      onUnused: (future) => this.#releases.add(future.id),
    });
    this.#comeback = new Comeback({
      reconnect: (signal) => {
        const ticket = this.#ticket;
        if (options.reconnect === undefined || ticket === undefined) throw new Error("no ticket");
        return options.reconnect((opened) => this.attach(opened), ticket, signal);
      },
      onFailed: (error) => this.#onBroken(error.message, error),
    });
  }

  /** Takes over a connection on which the registration is sent next. */
  attach(connection: TcpConnection): TcpHandlers {
    this.#connection = connection;
    this.#results.onConnection();
    const reader = new ResponseReader({
      onResultsFinished: ({ ids, carried }) => this.#plans.finish(ids, carried),
      onData: (id, dataType, frameCount) => this.#results.onData(id, dataType, frameCount),
      onDataEnd: (id) => this.#results.onDataEnd(id),
      onResponse: (response) => this.#onResponse(response),
    });
    return {
      onData: (chunk) => {
        if (this.#end !== undefined || this.#connection !== connection) return;
        try {
          reader.push(chunk);
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
          this.#breakOff(error);
        }
      },
      onClose: (error) => {
        if (this.#connection === connection) this.#onClose(error);
      },
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
    { loadCheckpoints = false, isHidden = false, name, signal, planOptions }: SubmitOptions = {},
  ): Future[] {
    signal?.throwIfAborted();
    if (this.#end?.code === "client-closed") throw this.#end;
    if (roots.length === 0) return [];
    if (name !== undefined) this.#checkTakesNames();
    // A plan that lives without this client cannot use what ends with it.
    const ordered = orderPlan(roots, this, (constant) =>
      name === undefined ? this.#share(constant) : createConstant(constant),
    );
    checkEarlier(ordered.earlier, name, (future) => this.#plans.find(future.id)?.name);
    const rows = resultRows(ordered, roots);
    const idBase = this.#plans.takeIds(ordered.tasks.length);
    for (const { constant, task } of ordered.inlined) constant.planId = idBase + task.planRow;
    const plan = createSubmittedPlan(idBase, ordered, rows, this, { isHidden, name });
    // What failed alone, the server knows, and what of this plan can do without it.
    const failure = earlierFailure(plan.earlier, (future) => !this.#plans.hasFailedAlone(future));
    const hopeless = this.#end ?? (failure === undefined ? undefined : inherited(failure));
    if (hopeless === undefined) {
      this.#releases.flush();
      const named = name === undefined ? undefined : describe(name, roots);
      const isInChunks =
        this.#takesChunks && named === undefined && mayGoInChunks(ordered, loadCheckpoints);
      const frames = isInChunks
        ? encodeInChunks(ordered, rows, idBase, this.#symbols, planOptions)
        : [
            wholePlan(
              encodePlan(ordered, rows, idBase, this.#symbols, loadCheckpoints, named, planOptions),
              plan,
            ),
          ];
      const kept: PlanFrame[] = [];
      for (const frame of frames) {
        this.#sendFrame(frame.bytes);
        kept.push(frame);
      }
      if (this.#link.graceMs > 0) this.#keep(plan, kept);
    }
    this.#plans.add(plan);
    if (hopeless !== undefined) this.#plans.fail(plan, hopeless);
    else if (signal !== undefined)
      plan.onSettled = onAbort(signal, () => this.#cancels.addPlan(plan));
    return roots.map((root) => findFuture(plan, idBase + root.planRow) as Future);
  }

  #keep(plan: SubmittedPlan, frames: PlanFrame[]): void {
    const inputs = [...plan.earlier];
    const inputPlans = new Set<SubmittedPlan>();
    for (const { id } of inputs) {
      const other = this.#plans.find(id);
      if (other !== undefined) inputPlans.add(other);
    }
    this.#kept.add({ plan, inputs, inputPlans: [...inputPlans], frames });
  }

  /** The result that the constant is here, sent with the first plan that needs it. */
  #share(constant: SharedConstant): Future {
    const known = this.#shared.get(constant.key);
    if (known?.pending || known?.finished) return known;
    const [future] = this.submit([new Task(constant.taskType, [], constant.bytes)], {
      isHidden: true,
    });
    this.#shared.set(constant.key, future as Future);
    return future as Future;
  }

  fetchValue(future: Future, signal: AbortSignal | undefined): Promise<unknown> {
    return this.#results.fetchValue(future, signal);
  }

  readValue(future: Future): { readonly value: unknown } | undefined {
    return this.#end === undefined ? this.#results.readValue(future) : undefined;
  }

  fetchStream(future: Future): Readable {
    return this.#results.fetchStream(future);
  }

  release(future: Future): void {
    const isNamed = this.#plans.find(future.id)?.name !== undefined;
    // The results of a plan that lives without this client are kept until it is forgotten.
    if (!this.#plans.release(future) || isNamed) return;
    if (!this.#results.releaseWhenFetched(future)) this.#releases.add(future.id);
  }

  cancel(futures: readonly Future[]): void {
    if (this.#end !== undefined) return;
    for (const { owner } of futures) {
      if (owner === this) continue;
      throw new HyperloomError(
        "future-of-another-client",
        "A future can be canceled only by the client that made it.",
      );
    }
    for (const { id } of futures) {
      const name = this.#plans.find(id)?.name;
      if (name === undefined) continue;
      throw invalidArgument(
        `Task ${id} is of the plan '${name}', which lives without this client: cancel that, by client.attach.`,
      );
    }
    if (!this.#takesCancels) throw cannotCancel(this.#options.server);
    this.#cancels.add(futures);
  }

  logs(id: number, query: string, options: LogOptions): AsyncGenerator<LogChunk, void, undefined> {
    this.#check(options.signal);
    if (this.#takesLogs) return this.#logs.read(id, query, options);
    throw new HyperloomError(
      "request-refused",
      `The server at ${this.#options.server} is of a version that keeps no logs of tasks.`,
    );
  }

  cancelTasks(
    query: string,
    isWholePlan: boolean,
    signal: AbortSignal | undefined,
  ): Promise<CanceledTask[]> {
    this.#check(signal);
    if (query === "") throw invalidArgument("Say which task is to be canceled.");
    if (!this.#takesCancels) throw cannotCancel(this.#options.server);
    return this.#questions.cancelTasks(query, isWholePlan, signal);
  }

  stats(signal: AbortSignal | undefined): Promise<ServerStats> {
    this.#check(signal);
    return this.#questions.stats(signal);
  }

  status(signal: AbortSignal | undefined): Promise<ClusterStatus> {
    this.#check(signal);
    return this.#questions.status(signal);
  }

  drainWorker(id: number, signal: AbortSignal | undefined): Promise<ClusterStatus> {
    this.#check(signal);
    return this.#questions.drainWorker(id, signal);
  }

  explain(query: string, signal: AbortSignal | undefined): Promise<TaskExplanation[]> {
    this.#check(signal);
    return this.#questions.explain(query, signal);
  }

  async explainFuture(future: Future, signal: AbortSignal | undefined): Promise<TaskExplanation> {
    this.#check(signal);
    return this.#questions.explainFuture(future, signal);
  }

  plans(signal: AbortSignal | undefined): Promise<PlanSummary[]> {
    this.#check(signal);
    this.#checkTakesNames();
    return this.#questions.plans(signal);
  }

  async findPlan(name: string, signal: AbortSignal | undefined): Promise<PlanSummary> {
    return (await this.askPlan("findPlan", name, signal)).plan;
  }

  async askPlan(
    kind: "findPlan" | "cancelPlan" | "forgetPlan",
    name: string,
    signal: AbortSignal | undefined,
  ): Promise<FoundPlan & { readonly plan: PlanSummary }> {
    this.#check(signal);
    this.#checkTakesNames();
    return this.#questions.plan(kind, name, signal);
  }

  /** Futures of what was submitted as the plan of that name, in its order. */
  async attachPlan(
    name: string,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly plan: PlanSummary; readonly futures: Future[] }> {
    const { plan, roots, labels } = await this.askPlan("findPlan", name, signal);
    this.#check(signal);
    const idBase = this.#plans.takeIds(plan.tasks);
    const { rows, rowLabels } = distinctRows(roots, labels);
    const named = { name, taskCount: plan.tasks };
    const attached = createAttachedPlan(idBase, named, rows, rowLabels, this);
    this.#plans.add(attached);
    this.#send({ kind: "attachPlan", name, id: idBase });
    const futures = Array.from(roots, (row) => findFuture(attached, idBase + row) as Future);
    return { plan, futures };
  }

  trace(path: string, signal: AbortSignal | undefined): Promise<void> {
    this.#check(signal);
    return this.#questions.trace(path, signal);
  }

  /** Resolves when the server has closed the connection. */
  async terminate(signal: AbortSignal | undefined): Promise<void> {
    this.#check(signal);
    this.#isTerminating = true;
    this.#send({ kind: "terminate" });
    this.#connection?.resume();
    const refused = new Promise<never>((_, reject) => {
      this.#refuseEnd = reject;
    });
    await raceAbort(Promise.race([this.#closed, refused]), signal);
  }

  /** Ends the connection once all that was sent is written, or after `CLOSE_TIMEOUT_MS`. */
  async close(): Promise<void> {
    this.#releases.flush();
    if (this.#link.graceMs > 0) this.#send({ kind: "goodbye" });
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

  #checkTakesNames(): void {
    if (this.#takesNames) return;
    throw new HyperloomError(
      "request-refused",
      `The server at ${this.#options.server} is too old for plans that live without their client.`,
    );
  }

  #send(request: SmallRequest): void {
    if (this.#end !== undefined || this.#link.phase !== "live") return;
    this.#releases.flush();
    const writer = new ByteWriter(32);
    encodeSmallRequest(writer, request);
    this.#connection?.send(writer.written());
  }

  #sendFrame(bytes: Uint8Array): void {
    if (this.#link.phase === "live") this.#connection?.send(bytes);
  }

  #onResponse(response: ClientResponse): void {
    switch (response.kind) {
      case "data":
      case "resultsFinished":
        // Taken by the reader's other handlers.
        return;
      case "dataAt":
        this.#results.onDataAt(response.id, response.location);
        return;
      case "taskFinished":
        this.#plans.finish(Int32Array.of(response.id));
        return;
      case "taskFailed": {
        const plan = this.#plans.find(response.error.id ?? 0);
        if (plan === undefined) return;
        const error = taskFailedError(response.error, plan);
        if (response.error.planGoesOn) {
          this.#plans.failOne(plan, error);
          return;
        }
        this.#kept.forget(plan.idBase);
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
        this.#takesLogs = response.capabilities?.includes("logs") === true;
        this.#takesCancels = response.capabilities?.includes("cancel") === true;
        this.#takesChunks = response.capabilities?.includes("plan-chunks") === true;
        this.#takesNames = response.capabilities?.includes("sessions") === true;
        this.#onDictionary(response);
        return;
      case "planAccepted":
        this.#kept.accept(response.id, response.taskCount);
        return;
      case "attached":
        this.#onAttached(response);
        return;
      case "plans":
        this.#questions.onPlans(response);
        return;
      case "plan":
        this.#questions.onPlan(response);
        return;
      case "farewell":
        this.#lose(asClause(response.message), undefined);
        return;
      case "stats":
        this.#questions.onStats(response);
        return;
      case "status":
        this.#questions.onStatus(response);
        return;
      case "resultsCanceled":
        this.#plans.cancel(response.ids);
        return;
      case "logPart":
        this.#logs.onPart(response);
        return;
      case "cancelAnswer":
        this.#questions.onCancelAnswer(response);
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
      if (plan === undefined) return;
      this.#kept.forget(plan.idBase);
      this.#plans.fail(plan, planRefused(error, plan));
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
    if (id !== undefined && this.#results.refuse(id, refused)) return;
    if (this.#questions.refuseTrace(message)) return;
    if (this.#refuseEnd !== undefined) {
      this.#refuseEnd(refused);
      return;
    }
    this.#lastError = message;
    this.#notice(message);
  }

  #notice(message: string): void {
    // Not inside of the reader, which must go on whatever a caller's function does.
    queueMicrotask(() => this.#options.onNotice(message));
  }

  #onClose(error: Error | undefined): void {
    if (this.#end !== undefined) this.#onClosed();
    else this.#onBroken(this.#lastError ?? error?.message ?? "it closed the connection", error);
  }

  /** There is no connection, or it could not be made. */
  #onBroken(why: string, error: Error | undefined): void {
    // A server that says what is wrong does not want to see this client again.
    const isWanted = this.#lastError === undefined && !this.#isTerminating;
    const action: LinkAction = isWanted
      ? stepLink(this.#link, { kind: "broken", atMs: performance.now() })
      : { kind: "give-up", awayMs: 0 };
    this.#releases.canSend = false;
    if (action.kind === "connect") {
      if (action.isFirstTry) {
        this.#brokenBy = why;
        const seconds = Math.round(this.#link.graceMs / 1000);
        this.#notice(
          `The connection to the server at ${this.#options.server} broke: ${why}. ` +
            `Trying for ${seconds} s to come back; the work goes on there meanwhile.`,
        );
      }
      this.#comeback.tryAfter(action.afterMs);
    } else if (action.kind === "give-up") {
      const seconds = Math.round(action.awayMs / 1000);
      const first = this.#brokenBy === "" ? why : this.#brokenBy;
      this.#lose(
        seconds > 0 ? `${first}, and in ${seconds} s no way back was found` : first,
        error,
      );
      this.#onClosed();
    }
  }

  #onDictionary(response: Extract<ClientResponse, { kind: "dictionary" }>): void {
    const symbols = createSymbolTable(response.symbols);
    const { session } = response;
    this.#ticket = session;
    const { reconnect, reconnectForMs } = this.#options;
    const mayReturn = reconnect !== undefined && session !== undefined;
    const graceMs = mayReturn ? (reconnectForMs ?? session.graceMs) : 0;
    const action = stepLink(this.#link, { kind: "registered", graceMs });
    if (action.kind === "tell-held") {
      this.#symbols = symbols;
      this.#comeback.succeed();
      this.#tellHeld();
      return;
    }
    if (graceMs > 0) this.#forgetExit = onProcessExit(() => this.#leaveAtExit());
    this.#dictionary.answer(symbols);
  }

  /** The process ends now: what is written at once arrives. */
  #leaveAtExit(): void {
    this.#send({ kind: "goodbye" });
    this.#connection?.end();
  }

  #tellHeld(): void {
    const plans = this.#plans.list();
    const { parts, releaseLate } = listHeld(plans, this.#kept.needed(plans));
    this.#releases.clear();
    this.#releaseLate = releaseLate;
    this.#toldPlans = new Set(parts.flatMap(({ planBases }) => [...planBases]));
    for (const held of parts) {
      const writer = new ByteWriter();
      encodeSmallRequest(writer, { kind: "attach", held });
      this.#connection?.send(writer.take());
    }
  }

  /** The server has what this client says that it has: the rest is sent, and asked, again. */
  #onAttached(response: Extract<ClientResponse, { kind: "attached" }>): void {
    if (stepLink(this.#link, { kind: "attached" }).kind !== "ask-all") {
      throw new ProtocolError("an ATTACHED that nobody asked for");
    }
    this.#brokenBy = "";
    this.#releases.canSend = true;
    this.#notice(`The server at ${this.#options.server} was found again.`);
    const unknown = new Set(response.unknownPlans);
    this.#sendKeptPlans(unknown, response.openPlan, response.openPlan + response.openPlanTasks);
    for (const plan of this.#plans.list()) {
      const { idBase, name } = plan;
      if (this.#kept.find(idBase) !== undefined) continue;
      if (name !== undefined) this.#send({ kind: "attachPlan", name, id: idBase });
      else if (unknown.has(idBase)) {
        this.#plans.fail(plan, this.#lostError("it does not know a plan any more", undefined));
      }
    }
    for (const id of this.#releaseLate) this.#releases.add(id);
    this.#releaseLate = [];
    this.#releases.flush();
    this.#results.askAgain();
    this.#questions.askAgain();
    this.#cancels.sendAgain();
    this.#logs.askAgain();
  }

  #sendKeptPlans(unknown: ReadonlySet<number>, openPlan: number, nextId: number): void {
    let isOpenKept = false;
    for (const { plan, frames } of this.#kept.needed(this.#plans.list())) {
      const { idBase, name } = plan;
      if (idBase === openPlan) {
        isOpenKept = true;
        // Its begin, and what has come, has come.
        const rest = frames.filter(({ firstId }, i) => i > 0 && firstId >= nextId);
        for (const { bytes } of rest) this.#sendFrame(bytes);
      } else if (name !== undefined || unknown.has(idBase) || !this.#toldPlans.has(idBase)) {
        for (const { bytes } of frames) this.#sendFrame(bytes);
      }
    }
    if (openPlan !== -1 && !isOpenKept) this.#send({ kind: "planEnd" });
  }

  #lose(why: string, error: Error | undefined): void {
    this.#finish(this.#lostError(why, error));
  }

  #lostError(why: string, error: Error | undefined): HyperloomError {
    return new HyperloomError(
      "server-lost",
      `The server at ${this.#options.server} is lost: ${why}. ` +
        "Its results are gone; connect again and submit again.",
      error === undefined ? undefined : { cause: error },
    );
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
    stepLink(this.#link, { kind: "ended" });
    this.#forgetExit();
    this.#comeback.stop();
    this.#kept.clear();
    this.#plans.failAll(error);
    this.#results.failAll(error);
    this.#logs.rejectAll(error);
    this.#questions.rejectAll(error);
    this.#dictionary.rejectAll(error);
  }
}

/** A sentence as a part of another one. */
const asClause = (sentence: string): string =>
  sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, "");

/** How long a server that does not read may hold up the closing of a client. */
const CLOSE_TIMEOUT_MS = 1000;
