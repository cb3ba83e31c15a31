import { Uint32List } from "../base/columns.ts";
import type { PlanEnding } from "./plans/end-plan.ts";
import type { Intake } from "./plans/intake.ts";

/**
 * What takes more than one step. Each step does a bounded part and leaves the rest here, so that
 * others are served in between, whatever the size of a plan.
 */
export type Work = {
  /** Rows that perhaps nobody wants any more; taken from the end. */
  readonly unwanted: Uint32List;
  /** Rows that perhaps hold an input that has failed; empty between steps. */
  readonly doomed: Uint32List;
  /** Plans that are being given up; taken from the end. */
  readonly endings: PlanEnding[];
  /** Plans and chunks that are being taken over, at most one of each client; in turns. */
  readonly intakes: Intake[];
};

export const createWork = (): Work => ({
  unwanted: new Uint32List(),
  doomed: new Uint32List(),
  endings: [],
  intakes: [],
});
