import { createDeferred } from "../../../core/base/deferred.ts";
import type { CallOutcome, RunnerCall } from "../../runners/runner-call.ts";
import { TaskError } from "../task-error.ts";
import type { TaskTools, TaskWork } from "../task-tools.ts";
import type { FunctionType } from "./function-type.ts";

/** Lanes of the brain count up from 1; those of calls that it knows nothing of, down from -1. */
let lastLane = 0;

export type SuccessfulCall = Exclude<CallOutcome, { kind: "failed" }>;

/** Calls a function outside of the brain's lanes. Rejects with a TaskError or the signal's reason. */
export async function callFunction(
  tools: TaskTools,
  type: FunctionType,
  work: TaskWork,
  signal: AbortSignal,
): Promise<SuccessfulCall> {
  signal.throwIfAborted();
  const ended = createDeferred<CallOutcome>();
  const call = createCall(tools, type, work, {
    onEnd: ended.resolve,
    onPostponed: () => ended.reject(new Error("a call alone in its lane is not postponed")),
  });
  const kill = (): void => {
    type.pool.kill([call]);
    ended.reject(signal.reason);
  };
  signal.addEventListener("abort", kill, { once: true });
  try {
    lastLane -= 1;
    type.pool.run(lastLane, [call]);
    const outcome = await ended.promise;
    if (outcome.kind === "failed") throw new TaskError(outcome.failure);
    return outcome;
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

/** What the pool is to call for this task. Throws a TaskError for what is the task's fault. */
export function createCall(
  { values, log }: Pick<TaskTools, "values" | "log">,
  type: FunctionType,
  { inputs, config, clientTask, attempt }: Omit<TaskWork, "cpus">,
  handlers: Pick<RunnerCall, "onEnd" | "onPostponed">,
): RunnerCall {
  const prepared = type.prepare({ values, inputs, config });
  // Written out: there are many, and to spread objects takes many times as long.
  return {
    functionKey: prepared.functionKey,
    function: prepared.function,
    config: prepared.config,
    inputs: prepared.inputs,
    timeLimitMs: prepared.timeLimitMs,
    onEnd: handlers.onEnd,
    onPostponed: handlers.onPostponed,
    clientTask,
    attempt,
    onLog: (text, level) => log(level ?? "info", type.logLine(clientTask, text)),
    onProgress: (fraction, message) =>
      log("info", type.logLine(clientTask, message), { progress: fraction }),
  };
}
