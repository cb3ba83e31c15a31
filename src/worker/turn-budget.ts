import { setImmediate } from "node:timers/promises";

/** How long work on the event loop goes on before everything else gets a turn. */
const TURN_MS_MAX = 4;

/** Shares the event loop: long work asks `isSpent` now and then, and if so awaits `renew`. */
export type TurnBudget = {
  readonly isSpent: () => boolean;
  readonly renew: () => Promise<void>;
};

export function createTurnBudget(): TurnBudget {
  let startMs = performance.now();
  return {
    isSpent: () => performance.now() - startMs > TURN_MS_MAX,
    renew: async () => {
      await setImmediate();
      startMs = performance.now();
    },
  };
}
