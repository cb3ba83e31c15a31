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
};

export function createStepContext(state: SchedulerState): StepContext {
  return {
    state,
    outbox: createOutbox(),
    readied: new Uint32List(),
    expansions: new Uint32List(),
    dirtyWorkers: new Set(),
    poolGrew: false,
  };
}
