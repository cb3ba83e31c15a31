import type { TaskFailure } from "../../core/model/failures.ts";
import { ProtocolError } from "../../protocol/protocol-error.ts";
import { systemReason, TaskError } from "./task-error.ts";

/** The disk has no room, or its user none left of a quota. */
const DISK_FULL_CODES: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT"]);

/**
 * What the client is told of an execution that threw: the task's own fault, a config that cannot be
 * decoded, an error of the system such as a full disk, or, with its stack, one that nobody thought
 * of. Only a broken promise of our own is thrown on, and ends the worker.
 */
export function failureOf(error: unknown): TaskFailure {
  if (error instanceof TaskError) return error.failure;
  if (error instanceof ProtocolError) {
    return { message: `The task's config cannot be decoded: ${error.message}` };
  }
  if (!(error instanceof Error)) return { message: String(error) };
  if (error.name === "AssertionFailure") throw error;
  const isForeseen = "code" in error || error.constructor === Error;
  const isDiskFull = "code" in error && DISK_FULL_CODES.has(error.code);
  return {
    ...(isDiskFull && { kind: "disk-full" }),
    message: isForeseen ? systemReason(error) : (error.stack ?? error.message),
  };
}
