import { Uint32List } from "../base/columns.ts";
import { createOutbox, type Outbox } from "./outbox.ts";
import type { SchedulerState } from "./state.ts";

/** What the handlers of one step share. */
export type StepContext = {
  readonly state: SchedulerState;
  readonly outbox: Outbox;
  /** Rows that became READY and have no place so far. */
  readonly readied: Uint32List;
  /** Dynamic tasks whose input is there. */
  readonly expansions: Uint32List;
  /** Workers that may have room, or more to do, since this step. */
  readonly dirtyWorkers: Set<number>;
  /** Tasks came to a pool that any worker with room may take from. */
  poolGrew: boolean;
  /** For `giveAhead`, which is called for each row that is given; empty between its calls. */
  readonly aheadStack: number[];
  /** Rows and edges that may still be worked on in this step, so that none takes long. */
  budget: number;
  /**
   * Does what is left to do, as far as the budget allows; nothing in a step between two that go on
   * with what others left over. Not for what is called by it.
   */
  readonly continueWork: () => void;
};

export function createStepContext(
  state: SchedulerState,
  continueWork: (context: StepContext) => void,
): StepContext {
  const context: StepContext = {
    state,
    outbox: createOutbox(),
    readied: new Uint32List(),
    expansions: new Uint32List(),
    dirtyWorkers: new Set(),
    poolGrew: false,
    aheadStack: [],
    budget: state.options.workPerStep,
    continueWork: () => continueWork(context),
  };
  return context;
}
