import { findAccess, namedAccess } from "../access/find-access.ts";
import { createPass } from "../access/pass.ts";
import type { CanceledTask } from "../core/model/canceled-task.ts";
import { HyperloomError } from "../core/model/errors.ts";
import type { TaskExplanation } from "../core/model/explanation.ts";
import type { PlanSummary } from "../core/model/plan-summary.ts";
import type { ClusterStatus } from "../core/model/status.ts";
import { DetachedPlan } from "./detached-plan.ts";
import { invalidArgument } from "./errors.ts";
import { type AsCompletedOptions, asCompleted } from "./futures/as-completed.ts";
import { type FutureValues, fetchAll } from "./futures/collect.ts";
import type { Future } from "./futures/future.ts";
import type { WaitOptions } from "./futures/options.ts";
import { waitForAll } from "./futures/wait.ts";
import type { ClientProgress } from "./plan/plan-ledger.ts";
import { type PlanRules, planOptionsOf } from "./plan/plan-options.ts";
import {
  defaultAddress,
  formatAddress,
  namedServer,
  parseAddress,
  type ServerAddress,
} from "./session/address.ts";
import { connectSession } from "./session/connect.ts";
import type { LogChunk, LogOptions } from "./session/log-reader.ts";
import type { ServerStats } from "./session/questions.ts";
import type { Session } from "./session/session.ts";
import { Task } from "./tasks/task.ts";

export type ConnectOptions = {
  /**
   * The access file of the server, which also says where that is. Default: the one that the variable
   * HYPERLOOM_ACCESS_FILE names, else what is found in `~/.hyperloom`. Servers of this user on this
   * machine need none.
   */
  readonly accessFile?: string;
  /** Ends the attempt to connect. */
  readonly signal?: AbortSignal;
  /** How logs and the status call this client. */
  readonly name?: string;
  /** While nobody listens, tries again every 20 ms for so long; default: 5000. */
  readonly timeoutMs?: number;
  /**
   * Is told what the user should know though nothing has failed, such as that no worker can satisfy
   * a request yet. Default: a warning of the process, which Node writes to stderr.
   */
  readonly onNotice?: (message: string) => void;
  /**
   * For how long it tries to come back when its connection breaks; meanwhile its plans go on. 0: a
   * broken connection is the end of its plans. Default: as long as the server waits, which is 30 s
   * unless the server was told otherwise; longer helps only while a server is started anew.
   */
  readonly reconnectForMs?: number;
  /** What holds for the plans of this client that do not say otherwise. */
  readonly defaults?: PlanRules;
};

export type SubmitOptions = PlanRules & {
  /** Load results from their checkpoints where those exist, instead of computing them. */
  readonly loadCheckpoints?: boolean;
  /**
   * With `name`: the plan lives without this client, until it is forgotten. Whoever knows the name
   * attaches to it with `client.attach`, from any process and language.
   */
  readonly detach?: boolean;
  /** The name of a plan that is detached. Refused if there is one of that name. */
  readonly name?: string;
  /** Cancels the whole plan when it aborts; what is finished by then stays. */
  readonly signal?: AbortSignal | undefined;
};

/** What tasks make, as a tuple where their number is known. */
export type ResultsOf<Tasks extends readonly Task[]> = {
  -readonly [K in keyof Tasks]: Tasks[K] extends Task<infer T> ? T : never;
};

export type CancelTasksOptions = WaitOptions & { readonly wholePlan?: boolean };

/** The futures of tasks, as a tuple where their number is known. */
export type FuturesOf<Tasks extends readonly Task[]> = {
  -readonly [K in keyof Tasks]: Tasks[K] extends Task<infer T> ? Future<T> : never;
};

/**
 * A connection to a server. It keeps the process alive until it is closed; its results live no
 * longer than it does, but for those of detached plans. When the connection breaks it tries to come
 * back, and its futures stay as they are.
 */
export class Client implements AsyncDisposable {
  /** The server, as `host:port`. */
  readonly address: string;
  readonly #session: Session;
  readonly #defaults: PlanRules;

  private constructor(address: string, session: Session, defaults: PlanRules) {
    this.address = address;
    this.#session = session;
    this.#defaults = defaults;
  }

  /**
   * Connects to a server, such as `localhost:9010`; the port may be left out. Without an address, to
   * the one in the environment variable HYPERLOOM_SERVER, which `hyperloom run` sets, else to that of
   * the access file that was named, else to the server on this machine, at port 9010. Rejects with the code
   * `server-unreachable` where no server answers in time, and `server-refused` where it does not
   * take this client.
   */
  static async connect(
    address?: string | ServerAddress,
    options: ConnectOptions = {},
  ): Promise<Client> {
    const named = namedAccess(options.accessFile);
    const parsed = parseAddress(address ?? namedServer() ?? named ?? defaultAddress());
    const access = named ?? findAccess(parsed);
    const session = await connectSession(parsed, {
      name: options.name,
      timeoutMs: options.timeoutMs,
      signal: options.signal,
      pass: createPass(access, "client"),
      onNotice: options.onNotice ?? warn,
      reconnectForMs: options.reconnectForMs,
    });
    return new Client(formatAddress(parsed), session, options.defaults ?? {});
  }

  /**
   * Sends tasks, with all that they need, as one plan and returns the future of each at once; a
   * failure shows on the futures. Only what the given tasks need is computed, and only their
   * results are kept. A task that is given twice has one future.
   */
  submit<T>(task: Task<T>, options?: SubmitOptions): Future<T>;
  submit<const Tasks extends readonly Task[]>(
    tasks: Tasks,
    options?: SubmitOptions,
  ): FuturesOf<Tasks>;
  submit(work: Task | readonly Task[], options: SubmitOptions = {}): Future | Future[] {
    const roots = work instanceof Task ? [work] : work;
    const { detach = false, name, loadCheckpoints, signal, ...rules } = options;
    if (detach !== (name !== undefined)) {
      throw invalidArgument("A plan is detached by both { name, detach: true }.");
    }
    const planOptions = planOptionsOf({ ...this.#defaults, ...rules });
    const futures = this.#session.submit(roots, {
      name,
      signal,
      planOptions,
      ...(loadCheckpoints !== undefined && { loadCheckpoints }),
    });
    return work instanceof Task ? (futures[0] as Future) : futures;
  }

  /** Resolves when all are finished; rejects as soon as one cannot be. */
  wait(futures: Future | readonly Future[], options: WaitOptions = {}): Promise<void> {
    return waitForAll(listOf(futures), options.signal);
  }

  /** Waits for all and copies them here, each as soon as it is finished; order and duplicates stay. */
  fetch<const Futures extends readonly Future[]>(
    futures: Futures,
    options?: WaitOptions,
  ): Promise<FutureValues<Futures>>;
  fetch<T>(future: Future<T>, options?: WaitOptions): Promise<T>;
  async fetch(futures: Future | readonly Future[], options: WaitOptions = {}): Promise<unknown> {
    if (isList(futures)) return fetchAll(futures, options.signal);
    return futures.fetch(options);
  }

  /** `fetch`, then `release` of all. If one cannot be fetched, none is released. */
  gather<const Futures extends readonly Future[]>(
    futures: Futures,
    options?: WaitOptions,
  ): Promise<FutureValues<Futures>>;
  gather<T>(future: Future<T>, options?: WaitOptions): Promise<T>;
  async gather(futures: Future | readonly Future[], options: WaitOptions = {}): Promise<unknown> {
    const list = listOf(futures);
    const values = await fetchAll(list, options.signal);
    this.release(list);
    return isList(futures) ? values : values[0];
  }

  /** Tells the cluster that the results are not needed any more. */
  release(futures: Future | readonly Future[]): void {
    for (const future of listOf(futures)) future.release();
  }

  /**
   * Has the cluster end these tasks and whatever needs them, as `future.cancel()` does for one. What
   * is finished by then stays; the futures settle when the server has said what became of them.
   */
  cancel(futures: Future | readonly Future[]): void {
    this.#session.cancel(listOf(futures));
  }

  /**
   * Cancels tasks of any client: `query` is read as by `explain`, and a label means all tasks that have
   * it. With `wholePlan`, all else of their plans that is not finished, too. Resolves with those that
   * were found, at most a thousand, whether or not they were finished already.
   */
  async cancelTasks(query: string, options: CancelTasksOptions = {}): Promise<CanceledTask[]> {
    return this.#session.cancelTasks(query, options.wholePlan === true, options.signal);
  }

  /**
   * What a task of any client wrote to stdout and stderr, as `future.logs()` yields it; `query` is read
   * as by `explain`, and of several tasks the first is meant.
   */
  logs(query: string, options: LogOptions = {}): AsyncGenerator<LogChunk, void, undefined> {
    return this.#session.logs(0, query, options);
  }

  /**
   * Yields the futures as they finish. Throws the error of the first that fails; with
   * `yieldFailed`, yields it like the others.
   */
  asCompleted<F extends Future>(
    futures: Iterable<F>,
    options?: AsCompletedOptions,
  ): AsyncGenerator<F, void, undefined> {
    return asCompleted(futures, options);
  }

  /**
   * Has a worker leave: it is given no more tasks, ends those that it runs, and others take over what
   * only it holds. `worker` is its number or its name, `host:port`. Resolves once that has begun, with
   * what the server is doing. Rejects with the code `request-refused` where there is no such worker.
   */
  async drainWorker(worker: number | string, options: WaitOptions = {}): Promise<ClusterStatus> {
    const { workers } = await this.#session.status(options.signal);
    const found = workers.find(({ id, name }) => name === worker || String(id) === String(worker));
    if (found !== undefined) return this.#session.drainWorker(found.id, options.signal);
    const names = workers.map(({ id, name }) => `${name} (${id})`).join(", ");
    throw new HyperloomError(
      "request-refused",
      `There is no worker '${worker}'; there ${workers.length === 0 ? "is none" : `are ${names}`}.`,
    );
  }

  /** What the whole server holds now. */
  async stats(options: WaitOptions = {}): Promise<ServerStats> {
    return this.#session.stats(options.signal);
  }

  /** What the server and its workers are doing now. */
  async status(options: WaitOptions = {}): Promise<ClusterStatus> {
    return this.#session.status(options.signal);
  }

  /**
   * Why tasks wait, are where they are, or ran again. `query` is the number of a task, `CLIENT/NUMBER`
   * where several clients have one of that number, or a label. At most 20 are explained; none if no
   * task of that name exists now.
   */
  async explain(query: string, options: WaitOptions = {}): Promise<TaskExplanation[]> {
    return this.#session.explain(query, options.signal);
  }

  /** The plans that live without a client. */
  async plans(options: WaitOptions = {}): Promise<PlanSummary[]> {
    return this.#session.plans(options.signal);
  }

  /**
   * Attaches to a plan that was submitted with `{ name, detach: true }`, by whomever. Rejects with the
   * code `no-such-plan` where there is none.
   *
   * What its results are is for the caller to say: `attach<[Buffer, number]>(name)`, or by the tasks
   * that it was made of, `attach(name, makeTasks())`, of which nothing but the types is used.
   */
  attach<const Tasks extends readonly Task[]>(
    name: string,
    like: Tasks,
    options?: WaitOptions,
  ): Promise<DetachedPlan<ResultsOf<Tasks>>>;
  attach<Results extends readonly unknown[] = readonly unknown[]>(
    name: string,
    options?: WaitOptions,
  ): Promise<DetachedPlan<Results>>;
  async attach(
    name: string,
    second: readonly Task[] | WaitOptions = {},
    third: WaitOptions = {},
  ): Promise<DetachedPlan> {
    const { signal } = isTasks(second) ? third : second;
    const { futures } = await this.#session.attachPlan(name, signal);
    return new DetachedPlan(name, futures, this.#session);
  }

  /** What became of all that this client submitted; asks nobody. */
  get progress(): ClientProgress {
    return this.#session.progress;
  }

  /**
   * Has server and workers write a trace into the directory `path`, which all of them can write,
   * from now on. Rejects with the code `trace-refused` if the server cannot.
   */
  async trace(path: string, options: WaitOptions = {}): Promise<void> {
    return this.#session.trace(path, options.signal);
  }

  /** Stops the server and its workers, for all clients. Resolves when the server is gone. */
  async terminate(options: WaitOptions = {}): Promise<void> {
    return this.#session.terminate(options.signal);
  }

  /** The connection has ended, or was closed here. */
  get isClosed(): boolean {
    return this.#session.isClosed;
  }

  /** Leaves the server, which then drops this client's plans and results, but for detached plans. */
  close(): Promise<void> {
    return this.#session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function isTasks(value: readonly Task[] | WaitOptions): value is readonly Task[] {
  return Array.isArray(value);
}

function isList(futures: Future | readonly Future[]): futures is readonly Future[] {
  return Array.isArray(futures);
}

function listOf(futures: Future | readonly Future[]): readonly Future[] {
  return isList(futures) ? futures : [futures];
}

function warn(message: string): void {
  process.emitWarning(message, "HyperloomNotice");
}
