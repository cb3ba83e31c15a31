import { TaskError } from "./task-error.ts";
import type { TaskPlace } from "./task-place.ts";

/** The longest that a timer of Node can wait: 24.8 days. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Wall time in ms that the task may take by its policy; undefined: any. */
export function timeLimitOf({ batch, index }: TaskPlace): number | undefined {
  const limitMs = batch.timeLimitsMs?.[index] ?? 0;
  return limitMs === 0 ? undefined : limitMs;
}

/** The stricter of two limits. */
export function stricterLimit(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

/**
 * Does work that a signal ends, and ends it when its time is over: then it fails with that story.
 * Programs and functions see to their limits themselves.
 */
export async function withTimeLimit<Result>(
  limitMs: number | undefined,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  if (limitMs === undefined || limitMs > TIMER_MS_MAX) return work(signal);
  const late = new TaskError({
    kind: "timed-out",
    message: `The task exceeded its time limit of ${limitMs} ms, and was ended`,
  });
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(late), limitMs);
  try {
    return await work(AbortSignal.any([signal, limit.signal]));
  } catch (error) {
    throw limit.signal.aborted && !signal.aborted ? late : error;
  } finally {
    clearTimeout(timer);
  }
}
