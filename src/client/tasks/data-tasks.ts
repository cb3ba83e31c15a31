import { isAbsolute, resolve } from "node:path";
import { TASK_TYPE } from "../../core/model/symbols.ts";
import { invalidArgument } from "../errors.ts";
import { checkInput, checkInputs } from "./check-inputs.ts";
import { detailsOf, type TaskOptions } from "./options.ts";
import { ONE_CPU } from "./resources.ts";
import { type Index, type Input, type MaybeInput, Task } from "./task.ts";

export type DelimiterOptions = TaskOptions & { readonly delimiter?: string | Uint8Array };

/** The given bytes, or text in UTF-8, as a data object. Bytes are copied when the task is submitted. */
export function constant(value: string | Uint8Array, options?: TaskOptions): Task<Buffer> {
  if (typeof value !== "string" && !(value instanceof Uint8Array)) {
    throw invalidArgument(`tasks.const takes a string or bytes, but got ${typeof value}`);
  }
  return new Task(TASK_TYPE.const, undefined, value, detailsOf(options));
}

/** The inputs, one after the other, with `delimiter` between them (default: nothing). No inputs give empty data. */
export function merge(
  inputs: readonly MaybeInput<Buffer>[],
  options?: DelimiterOptions,
): Task<Buffer> {
  const config = options?.delimiter;
  return new Task(TASK_TYPE.merge, checkInputs("merge", inputs), config, detailsOf(options));
}

/**
 * A file that the workers can read at this path (made absolute here). Nothing is read until it is
 * needed. The task fails if there is no such file.
 */
export function open(path: string, options?: TaskOptions): Task<Buffer> {
  return new Task(TASK_TYPE.open, undefined, resolve(path), detailsOf(options));
}

/** The pieces of `input`, each with its delimiter (default: newline) at its end, as an index. */
export function split(input: Input<Buffer>, options?: DelimiterOptions): Task<Index> {
  const delimiter = options?.delimiter;
  if (delimiter?.length === 0) throw invalidArgument("The delimiter of tasks.split is empty");
  return new Task(TASK_TYPE.split, [checkInput("split", input)], delimiter, detailsOf(options));
}

/** Writes `input` to the absolute `path` on the worker that runs it; the result is empty data. */
export function save(input: Input<Buffer>, path: string, options?: TaskOptions): Task<Buffer> {
  if (!isAbsolute(path)) throw invalidArgument(`Path '${path}' is not absolute path`);
  const inputs = [checkInput("save", input)];
  return new Task(TASK_TYPE.save, inputs, path, detailsOf(options, ONE_CPU));
}
