import { TASK_TYPE } from "../../core/model/symbols.ts";
import { runCustom } from "../extensions/run-custom.ts";
import { FILE_BYTES_MIN, type ValueId } from "../store/value-id.ts";
import { BUILTINS } from "./builtin/builtins.ts";
import { callFunction } from "./functions/call-function.ts";
import { runRedirect } from "./functions/run-redirect.ts";
import { runProgram } from "./program/run-program.ts";
import { TaskError } from "./task-error.ts";
import type { TaskTools, TaskWork } from "./task-tools.ts";
import { withTimeLimit } from "./time-limit.ts";

/**
 * Executes one task of any type on resources that are its own. The caller owns the value. Rejects
 * with a TaskError for what is the task's fault, or the signal's reason when nothing is left of it.
 */
export async function runTask(
  tools: TaskTools,
  work: TaskWork,
  signal: AbortSignal,
): Promise<ValueId> {
  const { values, files, log } = tools;
  const { taskType, inputs, config, clientTask } = work;
  if (taskType === TASK_TYPE.run) return runProgram(tools.programs, work, signal);
  const builtin = BUILTINS.get(taskType);
  if (builtin !== undefined) {
    return tools.bulk.use(async () => {
      // What becomes larger goes to a file.
      const settle = await tools.memory.admit(FILE_BYTES_MIN);
      try {
        signal.throwIfAborted();
        return await withTimeLimit(work.timeLimitMs, signal, (limited) =>
          builtin.aside({ values, inputs, config, files }, limited),
        );
      } finally {
        settle?.();
      }
    });
  }
  const functionType = tools.functionTypes.get(taskType);
  if (functionType !== undefined) {
    const outcome = await callFunction(tools, functionType, work, signal);
    if (outcome.kind === "value") return outcome.value;
    return runRedirect(tools, runTask, outcome.redirect, work, signal);
  }
  const type = tools.customType(taskType);
  if (type === undefined) {
    const name = tools.symbol(taskType) ?? String(taskType);
    throw new TaskError({ message: `this worker cannot run tasks of type ${name}` });
  }
  const logTask = (message: string): void =>
    log("info", message, { taskType: type.name, clientTask });
  return withTimeLimit(work.timeLimitMs, signal, (limited) =>
    runCustom(type, { values, inputs, config, log: logTask }, limited),
  );
}
