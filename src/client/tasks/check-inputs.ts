import { invalidArgument } from "../errors.ts";
import { Future } from "../futures/future.ts";
import { type AnyInput, OptionalInput, Task } from "./task.ts";

/** For callers without a type checker: an input is a task or a future. */
export function checkInput<I extends AnyInput | OptionalInput>(builder: string, input: I): I {
  if (input instanceof Task || input instanceof Future || input instanceof OptionalInput) {
    return input;
  }
  throw invalidArgument(
    `tasks.${builder} takes tasks and futures as inputs, but got ${typeof input}`,
  );
}

/** A copy, so that a caller's later change of the list does not change the task. */
export function checkInputs<I extends AnyInput | OptionalInput>(
  builder: string,
  inputs: readonly I[],
): readonly I[] {
  if (!Array.isArray(inputs)) {
    throw invalidArgument(`tasks.${builder} takes a list of inputs, but got ${typeof inputs}`);
  }
  for (const input of inputs) checkInput(builder, input);
  return inputs.slice();
}
