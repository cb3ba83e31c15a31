import type { StepContext } from "./context.ts";

/**
 * Who gets which ready task, decided at the end of each step. `dispatch` is the product's own; others
 * are there to be compared with it in the simulator.
 *
 * `context.readied` has the rows that became READY in this step: the policy takes them all out, and
 * gives each to a worker that can run it, by `give`, now or in a later step. What a policy keeps for
 * later is its own; it may come back READY after a retraction.
 */
export interface Policy {
  readonly name: string;
  dispatch(context: StepContext): void;
}
