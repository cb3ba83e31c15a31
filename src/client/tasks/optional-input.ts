import { checkInput } from "./check-inputs.ts";
import { type Input, OptionalInput } from "./task.ts";

/**
 * For an input that may fail: the task that uses it then runs without its data. An array has
 * `undefined` in its place, a function gets `undefined`, `merge` leaves it out, and a program finds
 * no file, empty standard input, an empty argument. All other tasks fail. See docs/policies.md.
 */
export function optional<T>(input: Input<T>): OptionalInput<T> {
  return new OptionalInput(checkInput("optional", input) as Input<T>);
}
