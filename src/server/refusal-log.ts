import type { Log } from "../core/base/log.ts";

/** Refusals of so much time are counted together, once there were many. */
const WINDOW_MS = 1_000;
const LINES_PER_WINDOW = 10;

/** Logs refused connections, of a flood only the first of each second and how many there were. */
export function createRefusalLog(log: Log): (remote: string, reason: string) => void {
  let windowStartMs = Number.NEGATIVE_INFINITY;
  let lines = 0;
  let untold = 0;
  return (remote, reason) => {
    const nowMs = performance.now();
    if (nowMs - windowStartMs >= WINDOW_MS) {
      if (untold > 0) log("warning", "more connections were refused", { count: untold });
      windowStartMs = nowMs;
      lines = 0;
      untold = 0;
    }
    lines += 1;
    if (lines > LINES_PER_WINDOW) untold += 1;
    else log("warning", "connection refused", { remote, reason });
  };
}
