import type { TaskFailure } from "../../../core/model/failures.ts";
import type { RunnerEnd } from "../runner-process.ts";

/** What is told of a call whose runner ended while it ran. */
export function crashFailure(language: string, end: RunnerEnd): TaskFailure {
  const { exitCode, signal, stderr } = end;
  return {
    message: `${storyOf(language, end)}${stderr === "" ? "" : `\nStderr:\n${stderr}`}`,
    ...(exitCode !== undefined && { exitCode }),
    ...(signal !== undefined && { signal }),
    ...(stderr !== "" && { stderr }),
  };
}

/** What is told of a call that could not be begun, since its runners end by themselves. */
export function startFailure(language: string, end: RunnerEnd): TaskFailure {
  const failure = crashFailure(language, end);
  return { ...failure, message: `No ${language} runner stays alive here. ${failure.message}` };
}

function storyOf(language: string, { exitCode, signal, reason }: RunnerEnd): string {
  const runner = `The ${language} process that ran the function`;
  if (reason !== undefined) return `${runner} was ended: ${reason}`;
  if (signal === "SIGKILL") {
    return `${runner} was killed by SIGKILL, as the system does when memory runs out`;
  }
  if (signal !== undefined) return `${runner} was ended by ${signal}`;
  return `${runner} exited with status ${exitCode}; a function must return or raise`;
}
