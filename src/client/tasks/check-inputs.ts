import { invalidArgument } from "../errors.ts";
import { Future } from "../futures/future.ts";
import { type AnyInput, Task } from "./task.ts";

/** For callers without a type checker: an input is a task or a future. */
export function checkInput(builder: string, input: AnyInput): AnyInput {
  if (input instanceof Task || input instanceof Future) return input;
  throw invalidArgument(
    `tasks.${builder} takes tasks and futures as inputs, but got ${typeof input}`,
  );
}

/** A copy, so that a caller's later change of the list does not change the task. */
export function checkInputs(builder: string, inputs: readonly AnyInput[]): readonly AnyInput[] {
  if (!Array.isArray(inputs)) {
    throw invalidArgument(`tasks.${builder} takes a list of inputs, but got ${typeof inputs}`);
  }
  for (const input of inputs) checkInput(builder, input);
  return inputs.slice();
}
