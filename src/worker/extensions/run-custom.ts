import { TaskError } from "../executors/task-error.ts";
import type { TaskContext, TaskType } from "../extension.ts";
import type { ValueId } from "../store/value-id.ts";
import type { ValueTable } from "../store/value-table.ts";
import { storeOutput } from "./store-output.ts";
import { createInputScope } from "./task-input.ts";

export type CustomTask = {
  readonly values: ValueTable;
  /** Must live until the end. */
  readonly inputs: readonly ValueId[];
  readonly config: Uint8Array;
  readonly log: TaskContext["log"];
};

/**
 * Runs a task of an extension's type and makes a value, which the caller owns, of what it returns.
 * Rejects with a TaskError that has the stack of what the code threw, or, as soon as it is
 * aborted, with the signal's reason.
 */
export async function runCustom(
  type: TaskType,
  { values, inputs, config, log }: CustomTask,
  signal: AbortSignal,
): Promise<ValueId> {
  const scope = createInputScope(values);
  try {
    const context: TaskContext = {
      inputs: inputs.map(scope.wrap),
      // The code may keep and change it.
      config: Uint8Array.from(config),
      signal,
      log,
    };
    const output = await type.execute(context);
    signal.throwIfAborted();
    return await storeOutput(values, scope, output, signal);
  } catch (error) {
    signal.throwIfAborted();
    const story = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new TaskError({ message: `Task type '${type.name}' failed: ${story}` }, { cause: error });
  } finally {
    scope.close();
  }
}
