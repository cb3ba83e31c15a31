import type { CanceledTask } from "../../core/model/canceled-task.ts";
import { HyperloomError } from "../../core/model/errors.ts";
import type { TaskExplanation } from "../../core/model/explanation.ts";
import type { PlanAnswer, PlanSummary } from "../../core/model/plan-summary.ts";
import type { ClusterStatus } from "../../core/model/status.ts";
import type { SmallRequest } from "../../protocol/client/client-request.ts";
import type { ClientResponse } from "../../protocol/client/client-response.ts";
import { ProtocolError } from "../../protocol/protocol-error.ts";
import type { Future } from "../futures/future.ts";
import { Answers } from "./answers.ts";

/** What the whole server holds now. */
export type ServerStats = {
  /** Registered workers. */
  readonly workers: number;
  /** Data objects of living clients that exist now. */
  readonly dataObjects: number;
};

/** A named plan, or why there is none; of one that was looked for, also what was submitted. */
export type FoundPlan = {
  readonly plan?: PlanSummary | undefined;
  readonly error?: string | undefined;
  /** Rows of the tasks that were submitted, in their order. */
  readonly roots: Int32Array;
  readonly labels: readonly string[];
};

type AnswerTo<Kind extends ClientResponse["kind"]> = Extract<ClientResponse, { kind: Kind }>;

/** A question and what is sent to ask it. */
type Asked = { readonly answeredBy: AnswerKind; readonly requests: readonly SmallRequest[] };
type AnswerKind = "stats" | "status" | "explanations" | "plans" | "plan" | "canceled";

/** What a client asks about the server, each kind answered in the order of its requests. */
export class Questions {
  readonly #send: (request: SmallRequest) => void;
  readonly #stats = new Answers<ServerStats>();
  /** Traces are asked for with a STATS request after them, whose answer says that no ERROR came. */
  readonly #traces = new Answers<void>();
  readonly #statsFor: ("stats" | "trace")[] = [];
  readonly #status = new Answers<ClusterStatus>();
  readonly #canceled = new Answers<CanceledTask[]>();
  readonly #explanations = new Answers<TaskExplanation[]>();
  readonly #plans = new Answers<PlanSummary[]>();
  readonly #plan = new Answers<FoundPlan>();
  /** All that is not answered, oldest first. */
  readonly #asked: Asked[] = [];

  constructor(send: (request: SmallRequest) => void) {
    this.#send = send;
  }

  #ask(answeredBy: AnswerKind, ...requests: SmallRequest[]): void {
    this.#asked.push({ answeredBy, requests });
    for (const request of requests) this.#send(request);
  }

  #answered(kind: AnswerKind): void {
    const at = this.#asked.findIndex(({ answeredBy }) => answeredBy === kind);
    if (at >= 0) this.#asked.splice(at, 1);
  }

  /** The server forgot what it was asked: asks all that is not answered. */
  askAgain(): void {
    for (const { requests } of this.#asked) for (const request of requests) this.#send(request);
  }

  stats(signal: AbortSignal | undefined): Promise<ServerStats> {
    this.#statsFor.push("stats");
    this.#ask("stats", { kind: "stats" });
    return this.#stats.next(signal);
  }

  status(signal: AbortSignal | undefined): Promise<ClusterStatus> {
    this.#ask("status", { kind: "status" });
    return this.#status.next(signal);
  }

  drainWorker(id: number, signal: AbortSignal | undefined): Promise<ClusterStatus> {
    this.#ask("status", { kind: "drainWorker", id });
    return this.#status.next(signal);
  }

  plans(signal: AbortSignal | undefined): Promise<PlanSummary[]> {
    this.#ask("plans", { kind: "listPlans" });
    return this.#plans.next(signal);
  }

  /** What the server says about the plan of that name. Rejects with the code `no-such-plan`. */
  async plan(
    kind: "findPlan" | "cancelPlan" | "forgetPlan",
    name: string,
    signal: AbortSignal | undefined,
  ): Promise<FoundPlan & { readonly plan: PlanSummary }> {
    this.#ask("plan", { kind, name });
    const { plan, error, roots, labels } = await this.#plan.next(signal);
    if (plan !== undefined) return { plan, roots, labels };
    throw new HyperloomError("no-such-plan", error ?? `There is no plan '${name}'.`);
  }

  /** Explains the tasks that `query` means. */
  explain(query: string, signal: AbortSignal | undefined): Promise<TaskExplanation[]> {
    this.#ask("explanations", { kind: "explain", id: 0, query });
    return this.#explanations.next(signal);
  }

  async explainFuture(future: Future, signal: AbortSignal | undefined): Promise<TaskExplanation> {
    this.#ask("explanations", { kind: "explain", id: future.id, query: "" });
    const [explanation] = await this.#explanations.next(signal);
    if (explanation !== undefined) return explanation;
    throw new HyperloomError(
      "request-refused",
      `The server knows nothing of task ${future.id} any more: its future is ${future.state}.`,
    );
  }

  /** Cancels the tasks of whatever client that `query` means. */
  cancelTasks(
    query: string,
    isWholePlan: boolean,
    signal: AbortSignal | undefined,
  ): Promise<CanceledTask[]> {
    this.#ask("canceled", { kind: "cancel", ids: new Int32Array(0), query, isWholePlan });
    return this.#canceled.next(signal);
  }

  trace(path: string, signal: AbortSignal | undefined): Promise<void> {
    this.#statsFor.push("trace");
    this.#ask("stats", { kind: "trace", path }, { kind: "stats" });
    return this.#traces.next(signal);
  }

  onStats({ workerCount, dataObjectCount }: AnswerTo<"stats">): void {
    this.#answered("stats");
    if (this.#statsFor.shift() === "trace") this.#traces.answer();
    else this.#stats.answer({ workers: workerCount, dataObjects: dataObjectCount });
  }

  onStatus({ json }: AnswerTo<"status">): void {
    this.#answered("status");
    this.#status.answer(parseJson<ClusterStatus>(json));
  }

  onExplanations({ json }: AnswerTo<"explanations">): void {
    this.#answered("explanations");
    this.#explanations.answer(parseJson<TaskExplanation[]>(json));
  }

  onPlans({ json }: AnswerTo<"plans">): void {
    this.#answered("plans");
    this.#plans.answer(parseJson<PlanSummary[]>(json));
  }

  onPlan({ json, roots, labels }: AnswerTo<"plan">): void {
    this.#answered("plan");
    this.#plan.answer({ ...parseJson<PlanAnswer>(json), roots, labels });
  }

  onCancelAnswer({ json }: AnswerTo<"cancelAnswer">): void {
    this.#answered("canceled");
    this.#canceled.answer(parseJson<CanceledTask[]>(json));
  }

  /** An ERROR that is about nothing else is about the oldest trace; false if none was asked for. */
  refuseTrace(message: string): boolean {
    const error = new HyperloomError("trace-refused", `No trace is written: ${message}`);
    return this.#traces.rejectOldest(error);
  }

  rejectAll(error: HyperloomError): void {
    this.#stats.rejectAll(error);
    this.#traces.rejectAll(error);
    this.#status.rejectAll(error);
    this.#explanations.rejectAll(error);
    this.#plans.rejectAll(error);
    this.#plan.rejectAll(error);
    this.#asked.length = 0;
    this.#canceled.rejectAll(error);
  }
}

/** What the server says of itself; its shape is its own version's. */
function parseJson<T>(json: string): T {
  try {
    return JSON.parse(json) as T;
  } catch {
    throw new ProtocolError("an answer that is not JSON");
  }
}
