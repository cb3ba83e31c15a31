import { nextDueAtMs } from "../core/scheduler/retries.ts";
import type { SchedulerState } from "../core/scheduler/state.ts";

/** The longest that a timer of Node can wait: 24.8 days. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Wakes the scheduler up when a task is due for its next attempt. `update` is to be called after each step. */
export function createRetryTimer(
  state: SchedulerState,
  onDue: () => void,
): { readonly update: () => void } {
  let timer: NodeJS.Timeout | undefined;
  let setForMs = Number.POSITIVE_INFINITY;
  return {
    update() {
      const dueAtMs = nextDueAtMs(state);
      if (dueAtMs === undefined || dueAtMs >= setForMs) return;
      clearTimeout(timer);
      setForMs = dueAtMs;
      const waitMs = Math.min(Math.max(0, Math.ceil(dueAtMs - performance.now())), TIMER_MS_MAX);
      timer = setTimeout(() => {
        setForMs = Number.POSITIVE_INFINITY;
        onDue();
      }, waitMs);
      // It is nothing that a server without sockets should live on for.
      timer.unref();
    },
  };
}
