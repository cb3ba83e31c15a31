import { HyperloomError } from "../core/model/errors.ts";
import type { FailureKind } from "../core/model/failures.ts";

/** What the server said about a failed task. */
export type TaskFailureDetails = {
  /** The client's number of the task. */
  readonly taskId: number;
  /** The label that the task was given, if any. */
  readonly label: string | undefined;
  /** `host:port` of the worker that ran it last. */
  readonly worker: string | undefined;
  /** Exit code of its program, where one ran and exited. */
  readonly exitCode: number | undefined;
  /** The signal that ended its program, such as `SIGKILL`. */
  readonly signal: string | undefined;
  /** The program's stderr, cut at 128 KiB. */
  readonly stderr: string | undefined;
  /** How often the task was tried. */
  readonly attempts: number | undefined;
  /** What kind of failure it was: `input-failed` where a task that it needs failed. */
  readonly kind: FailureKind;
  /** What became of the attempts before the last, a line each. */
  readonly story: readonly string[];
};

/**
 * A task failed by its own fault, or because an input from another plan failed, which is then its
 * `cause`. Its code is `task-failed`.
 */
export class TaskFailedError extends HyperloomError implements TaskFailureDetails {
  override readonly name: string = "TaskFailedError";
  readonly taskId: number;
  readonly label: string | undefined;
  readonly worker: string | undefined;
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly stderr: string | undefined;
  readonly attempts: number | undefined;
  readonly kind: FailureKind;
  readonly story: readonly string[];

  /** @internal */
  constructor(
    message: string,
    details: TaskFailureDetails,
    options?: { readonly cause?: unknown; readonly code?: "task-failed" | "plan-failed" },
  ) {
    super(options?.code ?? "task-failed", message, causeOf(options?.cause));
    this.taskId = details.taskId;
    this.label = details.label;
    this.worker = details.worker;
    this.exitCode = details.exitCode;
    this.signal = details.signal;
    this.stderr = details.stderr;
    this.attempts = details.attempts;
    this.kind = details.kind;
    this.story = details.story;
  }
}

/**
 * Another task of the plan failed, so this unfinished result was given up. `cause` is that task's
 * TaskFailedError, and the fields are its fields. Its code is `plan-failed`.
 */
export class PlanFailedError extends TaskFailedError {
  override readonly name: string = "PlanFailedError";
  override readonly cause: TaskFailedError;

  /** @internal */
  constructor(cause: TaskFailedError) {
    super(`This result was given up. ${cause.message}`, cause, { cause, code: "plan-failed" });
    this.cause = cause;
  }
}

/** Somebody canceled the task, or one that it needs. Its code is `task-canceled`. */
export class TaskCanceledError extends HyperloomError {
  override readonly name: string = "TaskCanceledError";
  readonly kind = "canceled";
  readonly taskId: number;
  readonly label: string | undefined;

  /** @internal */
  constructor(taskId: number, label: string | undefined) {
    const named = label === undefined ? `${taskId}` : `${taskId} '${label}'`;
    super("task-canceled", `Task ${named} was canceled, or one that it needs.`);
    this.taskId = taskId;
    this.label = label;
  }
}

/** A caller's mistake, in words that say what was expected. */
export function invalidArgument(message: string): HyperloomError {
  return new HyperloomError("invalid-argument", message);
}

/** An error without a cause has no property of that name. */
function causeOf(cause: unknown): { readonly cause: unknown } | undefined {
  return cause === undefined ? undefined : { cause };
}
