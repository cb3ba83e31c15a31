import { createDeferred } from "../../../core/base/deferred.ts";
import type { Log, LogLevel } from "../../../core/base/log.ts";
import type { LogStream } from "../../../core/model/task-log.ts";
import type { CallOutcome, RunnerCall } from "../../runners/runner-call.ts";
import { TaskError } from "../task-error.ts";
import type { TaskTools, TaskWork } from "../task-tools.ts";
import { stricterLimit } from "../time-limit.ts";
import type { FunctionType } from "./function-type.ts";

/** Lanes of the brain count up from 1; those of calls that it knows nothing of, down from -1. */
let lastLane = 0;

export type SuccessfulCall = Exclude<CallOutcome, { kind: "failed" }>;

/**
 * Calls a function outside of the brain's lanes. Rejects with a TaskError, or with the signal's
 * reason when nothing of the call runs any more.
 */
export async function callFunction(
  { values, log, logs }: TaskTools,
  type: FunctionType,
  { inputs, config, task, clientTask, attempt, memoryBytes, timeLimitMs }: TaskWork,
  signal: AbortSignal,
): Promise<SuccessfulCall> {
  signal.throwIfAborted();
  const ended = createDeferred<CallOutcome>();
  const prepared = type.prepare({ values, inputs, config });
  const call: RunnerCall = {
    ...prepared,
    timeLimitMs: stricterLimit(prepared.timeLimitMs, timeLimitMs),
    clientTask,
    attempt,
    memoryBytes,
    owner: {
      onEnd: (_, outcome) => ended.resolve(outcome),
      onKilled: () => ended.reject(signal.reason),
      onPostponed: () => ended.reject(new Error("a call alone in its lane is not postponed")),
      onLog: (_, text, level) => {
        if (logs.append(task, attempt, streamOf(level), text))
          logCall(log, type, call, text, level);
      },
      onProgress: (_, fraction, message) => reportProgress(log, type, call, fraction, message),
    },
  };
  const kill = (): void => type.pool.kill([call]);
  signal.addEventListener("abort", kill, { once: true });
  try {
    lastLane -= 1;
    type.pool.run(lastLane, [call]);
    const outcome = await ended.promise;
    if (outcome.kind === "failed") throw new TaskError(outcome.failure);
    return outcome;
  } finally {
    logs.end(task, attempt);
    signal.removeEventListener("abort", kill);
  }
}

/** Where a line of a function goes; those without a level were printed past its language. */
export const streamOf = (level: LogLevel | undefined): LogStream =>
  level === "error" ? "stderr" : "stdout";

/** Writes what a function has printed, or said to its log, to that of the worker. */
export function logCall(
  log: Log,
  type: FunctionType,
  { clientTask }: RunnerCall,
  text: string,
  level: LogLevel | undefined,
): void {
  log(level ?? "info", type.logLine(clientTask, text));
}

export function reportProgress(
  log: Log,
  type: FunctionType,
  { clientTask }: RunnerCall,
  fraction: number,
  message: string,
): void {
  log("info", type.logLine(clientTask, message), { progress: fraction });
}
