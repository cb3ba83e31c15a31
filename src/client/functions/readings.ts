import { invalidArgument } from "../errors.ts";
import { Future } from "../futures/future.ts";
import { type Input, Task } from "../tasks/task.ts";

/** How a function is to get raw data. */
export type ReadAs = "bytes" | "text" | "lines" | "json" | "table";

/** Raw data that a function gets as something else; made by `asText` and the others below. */
export class Reading<T> {
  /** Exists for the type checker alone. */
  declare readonly "~value": T;
  /** @internal */
  readonly input: Input<unknown>;
  /** @internal */
  readonly as: ReadAs;

  /** @internal */
  constructor(input: Input<unknown>, as: ReadAs) {
    if (!(input instanceof Task || input instanceof Future)) {
      throw invalidArgument(
        `Only a task or a future can be read as ${as}, but got ${typeof input}`,
      );
    }
    this.input = input;
    this.as = as;
  }
}

/**
 * For an argument of a function: the bytes of an Arrow table, an IPC stream, in place of the table;
 * raw data is bytes in any case.
 */
export function asBytes(input: Input<unknown>): Reading<Buffer> {
  return new Reading(input, "bytes");
}

/** For an argument of a function: the raw data as text in UTF-8. */
export function asText(input: Input<Buffer>): Reading<string> {
  return new Reading(input, "text");
}

/** For an argument of a function: the lines of text in UTF-8, without what ends them. */
export function asLines(input: Input<Buffer>): Reading<string[]> {
  return new Reading(input, "lines");
}

/** For an argument of a function: what the raw data is as JSON. Nothing checks that it is a `T`. */
export function asJson<T>(input: Input<Buffer>): Reading<T> {
  return new Reading(input, "json");
}

/**
 * For an argument of a function: raw data in a format of Arrow (an IPC stream, or a `.arrow` file) as
 * the table `T` that the function takes.
 */
export function asTable<T>(input: Input<Buffer>): Reading<T> {
  return new Reading(input, "table");
}
