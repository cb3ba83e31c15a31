import type { TaskFailure } from "../../../core/model/failures.ts";
import type { Entry } from "../runner.ts";
import type { Slot } from "./slot.ts";

/** The longest that a timer of Node can wait: 24.8 days. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * Sets the time limit of the call that the runner is with, which counts from when it is ready and
 * has no call before it. To be called whenever that may have changed.
 */
export function watchTimeLimit(slot: Slot): void {
  const { runner } = slot;
  const head = runner.first();
  if (head !== slot.head) {
    clearTimeout(slot.limitTimer);
    slot.head = head;
    slot.isHeadWatched = false;
  }
  const limitMs = head?.call.timeLimitMs;
  if (limitMs === undefined || slot.isHeadWatched || !runner.isReady) return;
  if (limitMs > TIMER_MS_MAX) return;
  slot.isHeadWatched = true;
  slot.limitTimer = setTimeout(() => {
    slot.timedOut = head;
    runner.kill("its time limit was over");
  }, limitMs);
}

export function timeLimitFailure({ call }: Entry): TaskFailure {
  const message = `The function exceeded its time limit of ${call.timeLimitMs} ms`;
  return { message, kind: "timed-out", signal: "SIGKILL" };
}
