import type { TaskFailure } from "../../core/model/failures.ts";

/** Fails the task that is executed, by its own fault; never the worker. */
export class TaskError extends Error {
  override readonly name = "TaskError";
  readonly failure: TaskFailure;

  constructor(failure: TaskFailure, options?: { readonly cause?: unknown }) {
    super(failure.message, options);
    this.failure = failure;
  }
}

/** A task failure in the usual words. */
export function expected(what: string, found: string): TaskError {
  return new TaskError({ message: `expected ${what}, got ${found}` });
}

/** A short reason out of an error of the operating system: `no such file or directory (ENOENT)`. */
export function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return message;
  // Node writes `ENOENT: no such file or directory, open '/x'`.
  const text = message.replace(`${code}: `, "").replace(/, \w+( '.*)?$/s, "");
  return `${text} (${code})`;
}
