import { HyperloomError } from "../../core/model/errors.ts";
import type { TaskExplanation } from "../../core/model/explanation.ts";
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

type AnswerTo<Kind extends ClientResponse["kind"]> = Extract<ClientResponse, { kind: Kind }>;

/** What a client asks about the server, each kind answered in the order of its requests. */
export class Questions {
  readonly #send: (request: SmallRequest) => void;
  readonly #stats = new Answers<ServerStats>();
  /** Traces are asked for with a STATS request after them, whose answer says that no ERROR came. */
  readonly #traces = new Answers<void>();
  readonly #statsFor: ("stats" | "trace")[] = [];
  readonly #status = new Answers<ClusterStatus>();
  readonly #explanations = new Answers<TaskExplanation[]>();

  constructor(send: (request: SmallRequest) => void) {
    this.#send = send;
  }

  stats(signal: AbortSignal | undefined): Promise<ServerStats> {
    this.#statsFor.push("stats");
    this.#send({ kind: "stats" });
    return this.#stats.next(signal);
  }

  status(signal: AbortSignal | undefined): Promise<ClusterStatus> {
    this.#send({ kind: "status" });
    return this.#status.next(signal);
  }

  /** Explains the tasks that `query` means. */
  explain(query: string, signal: AbortSignal | undefined): Promise<TaskExplanation[]> {
    this.#send({ kind: "explain", id: 0, query });
    return this.#explanations.next(signal);
  }

  async explainFuture(future: Future, signal: AbortSignal | undefined): Promise<TaskExplanation> {
    this.#send({ kind: "explain", id: future.id, query: "" });
    const [explanation] = await this.#explanations.next(signal);
    if (explanation !== undefined) return explanation;
    throw new HyperloomError(
      "request-refused",
      `The server knows nothing of task ${future.id} any more: its future is ${future.state}.`,
    );
  }

  trace(path: string, signal: AbortSignal | undefined): Promise<void> {
    this.#send({ kind: "trace", path });
    this.#statsFor.push("trace");
    this.#send({ kind: "stats" });
    return this.#traces.next(signal);
  }

  onStats({ workerCount, dataObjectCount }: AnswerTo<"stats">): void {
    if (this.#statsFor.shift() === "trace") this.#traces.answer();
    else this.#stats.answer({ workers: workerCount, dataObjects: dataObjectCount });
  }

  onStatus({ json }: AnswerTo<"status">): void {
    this.#status.answer(parseJson<ClusterStatus>(json));
  }

  onExplanations({ json }: AnswerTo<"explanations">): void {
    this.#explanations.answer(parseJson<TaskExplanation[]>(json));
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
