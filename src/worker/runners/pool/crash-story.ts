import type { FailureKind, TaskFailure } from "../../../core/model/failures.ts";
import type { RunnerLanguage } from "../runner-call.ts";
import type { RunnerEnd } from "../runner-process.ts";
import { OUT_OF_MEMORY, outOfMemoryText } from "./out-of-memory.ts";

/**
 * What is told of a call whose runner ended while it ran.
 * @param memoryBytesMax what the runner was allowed to use
 */
export function crashFailure(
  language: RunnerLanguage,
  end: RunnerEnd,
  memoryBytesMax: number,
): TaskFailure {
  const { exitCode, signal, stderr } = end;
  return {
    message: `${storyOf(language, end, memoryBytesMax)}${stderr === "" ? "" : `\nStderr:\n${stderr}`}`,
    kind: kindOf(language, end),
    ...(exitCode !== undefined && { exitCode }),
    ...(signal !== undefined && { signal }),
    ...(stderr !== "" && { stderr }),
  };
}

/** What is told of a call that could not be begun, since its runners end by themselves. */
export function startFailure(
  language: RunnerLanguage,
  end: RunnerEnd,
  memoryBytesMax: number,
): TaskFailure {
  const failure = crashFailure(language, end, memoryBytesMax);
  return { ...failure, message: `No ${language.name} runner stays alive here. ${failure.message}` };
}

/** What ended it by its own fault is as if a program had failed. */
function kindOf({ outOfMemoryMark }: RunnerLanguage, { reason, stderr }: RunnerEnd): FailureKind {
  const isMarked = outOfMemoryMark !== undefined && stderr.includes(outOfMemoryMark);
  return isMarked || reason?.startsWith(OUT_OF_MEMORY) ? "out-of-memory" : "program-failed";
}

function storyOf(
  { name, outOfMemoryMark }: RunnerLanguage,
  { exitCode, signal, reason, stderr }: RunnerEnd,
  memoryBytesMax: number,
): string {
  const runner = `The ${name} process that ran the function`;
  if (outOfMemoryMark !== undefined && stderr.includes(outOfMemoryMark)) {
    return `${runner} ended ${outOfMemoryText(memoryBytesMax)}`;
  }
  if (reason !== undefined) return `${runner} was ended: ${reason}`;
  if (signal === "SIGKILL") {
    return `${runner} was killed by SIGKILL, as the system does when memory runs out`;
  }
  if (signal !== undefined) return `${runner} was ended by ${signal}`;
  return `${runner} exited with status ${exitCode}; a function must return or raise`;
}
