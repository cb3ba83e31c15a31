import { inspect } from "node:util";

/** Frames of the runner itself, in its bundle or, through its map, in its sources. */
const OWN_FRAME = /^\s+at .*(loom-runner\.js|worker[/\\]runners[/\\]javascript[/\\])/;
/** Causes of causes that are told; they may be a circle. */
const CAUSES_MAX = 8;
const MESSAGE_LENGTH_MAX = 64 * 1024;

/** What is told of something thrown: an error with its stack, its causes and its properties. */
export function describeError(thrown: unknown): string {
  trimStacks(thrown);
  const text =
    thrown instanceof Error
      ? inspect(thrown, { depth: 4, breakLength: 100, maxStringLength: 4096 })
      : `the function threw ${inspect(thrown, { depth: 2 })}, which is no Error`;
  return text.slice(0, MESSAGE_LENGTH_MAX);
}

/** Has the stacks of an error and of its causes end with the user's code. */
function trimStacks(thrown: unknown): void {
  let next = thrown;
  for (let depth = 0; depth < CAUSES_MAX && next instanceof Error; depth++) {
    if (typeof next.stack === "string" && !Object.isFrozen(next)) {
      next.stack = withoutOwnFrames(next.stack);
    }
    next = next.cause;
  }
}

/** A stack that ends with the user's code. */
export function withoutOwnFrames(stack: string): string {
  return stack
    .split("\n")
    .filter((line) => !OWN_FRAME.test(line))
    .join("\n");
}
