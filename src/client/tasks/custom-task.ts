import { invalidArgument } from "../errors.ts";
import { checkInputs } from "./check-inputs.ts";
import { bytesOf, detailsOf, type TaskOptions } from "./options.ts";
import { type AnyInput, Task } from "./task.ts";

export type CustomOptions = TaskOptions & {
  /** What the task type works on, in positional order; default: nothing. */
  readonly inputs?: readonly AnyInput[];
  /** Bytes or text that only the task type understands; default: empty. */
  readonly config?: string | Uint8Array;
};

/**
 * A task of an extension's type, such as `my/count`, which workers started with `--load FILE` can
 * run. What it makes is not known here; say it: `tasks.custom<Buffer[]>("my/pieces", { inputs })`.
 */
export function custom<T = Buffer>(taskType: string, options: CustomOptions = {}): Task<T> {
  if (!/^[^/\s]+\/\S+$/.test(taskType) || taskType.startsWith("loom/")) {
    throw invalidArgument(
      `A custom task type is named as prefix/name with a prefix of its own, but this is '${taskType}'`,
    );
  }
  const { config, inputs = [] } = options;
  return new Task<T>(
    taskType,
    checkInputs("custom", inputs),
    config === undefined ? undefined : bytesOf(config),
    detailsOf(options),
  );
}
