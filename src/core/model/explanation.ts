/** Why a task is where it is, as the server saw it when it was asked; travels as JSON. */
export type TaskExplanation = {
  /** The server's number of the client that submitted it. */
  readonly client: number;
  /** The client's number of the task. */
  readonly task: number;
  readonly label: string;
  /** Name of the task type, such as `loom/run/run`. */
  readonly taskType: string;
  readonly state: ExplainedState;
  /** Amounts that it asks for, by short name, such as `cpus`. */
  readonly request: Readonly<Record<string, number>>;
  /** `host:port` of the worker that has it, or is meant to; of all that hold its data, if it is finished. */
  readonly workers: readonly string[];
  /** Size of its data, if it is finished. */
  readonly sizeBytes?: number;
  /** Inputs that are not there, counted by place. */
  readonly missingInputCount: number;
  /** Some of them. */
  readonly missingInputs: readonly ExplainedInput[];
  /** Some of the tasks that all the missing inputs wait for in the end: those that wait for no input themselves. */
  readonly blockers: readonly ExplainedInput[];
  /** Workers that could run it, the cheapest first, and what each would cost now. */
  readonly candidates: readonly ExplainedCandidate[];
  /** It waits for its next attempt, and what became of those before. */
  readonly retry?: { readonly inMs: number };
  /** What became of the attempts that failed by themselves, a line each. */
  readonly failures: readonly string[];
  /** How often it was given to a worker. */
  readonly attempts: number;
  /** Why attempts ended without a result, or the result had to be made again; the newest last. */
  readonly reruns: readonly ExplainedRerun[];
  /** All of it in sentences, one a line. */
  readonly text: string;
};

/**
 * The states of the task model; `dormant` is a record that is kept because its data could be needed
 * again.
 */
export type ExplainedState =
  | "waiting"
  | "ready"
  | "assigned"
  | "running"
  | "finished"
  | "failed"
  | "dormant";

/** A task that another one needs. */
export type ExplainedInput = {
  readonly task: number;
  readonly label: string;
  readonly state: ExplainedState;
  /** `host:port` of its worker; empty where it has none. */
  readonly worker: string;
};

/** What it would cost to run the task on a worker. */
export type ExplainedCandidate = {
  /** `host:port` */
  readonly worker: string;
  /** Bytes of inputs that are elsewhere, as far as their sizes are known. */
  readonly missingBytes: number;
  readonly missingObjects: number;
  /** Expected time to bring them in. */
  readonly transferUs: number;
  /** Expected time until the worker could begin the task. */
  readonly loadUs: number;
};

/** Why one attempt was not the last. */
export type ExplainedRerun = {
  /** Counts from 1. */
  readonly attempt: number;
  /** `host:port` */
  readonly worker: string;
  readonly reason: RerunReason;
  readonly agoMs: number;
};

/** `retracted`: taken back before it began, for a worker that had nothing to do. */
export type RerunReason =
  | "failed"
  | "worker-lost"
  | "retracted"
  | "input-unreachable"
  | "input-lost"
  | "data-lost"
  | "checkpoint-missing"
  | "input-not-made";
