import { outOfMemoryText } from "./out-of-memory.ts";
import { measureOwnMemory } from "./process-memory.ts";
import type { Slot } from "./slot.ts";

/** Keeps the memory of runners within a bound. Looks only while they have calls, and once more. */
export type MemoryWatch = {
  /** To be called when calls have been sent. */
  start(): void;
  stop(): void;
};

/** About the most that a process can fill in a millisecond: a page must be made for each 4 KiB. */
const BYTES_PER_MS_MAX = 4 * 1024 * 1024;
const LOOK_MS_MIN = 25;
const LOOK_MS_MAX = 1000;
/** A runner that holds more of the bound than this without a call gives way to a fresh one. */
const IDLE_SHARE_MAX = 0.5;

/**
 * Ends runners that use too much, and idle ones that kept much, for which the next call would be
 * blamed. The next look comes when the fullest of them could be over the bound.
 *
 * @param slots all runners of the pool
 * @param onIdle is to take a runner out of those that get calls, before it is ended
 * @param measure bytes that a runner uses, by its pid
 */
export function createMemoryWatch(
  slots: ReadonlySet<Slot>,
  onIdle: (slot: Slot) => void,
  measure: (pid: number) => number | undefined = measureOwnMemory,
): MemoryWatch {
  let timer: NodeJS.Timeout | undefined;
  /** What the fullest runner had left of its bound, at the last look. */
  let bytesLeftLeast = 0;

  const lookAt = (slot: Slot): number => {
    const { runner, lane } = slot;
    const bytesUsed = (runner.pid === undefined ? undefined : measure(runner.pid)) ?? 0;
    const isIdle = lane === undefined && runner.outstanding === 0;
    const bytesMax = slot.memoryBytesMax;
    if (isIdle && bytesUsed > IDLE_SHARE_MAX * bytesMax) {
      onIdle(slot);
      runner.kill("it kept much memory");
    } else if (bytesUsed > bytesMax) runner.kill(outOfMemoryText(bytesMax));
    else return bytesMax - bytesUsed;
    return bytesMax;
  };

  const look = (): void => {
    timer = undefined;
    bytesLeftLeast = Math.min(Number.POSITIVE_INFINITY, ...Array.from(slots, lookAt));
    if (Array.from(slots).some(({ runner }) => runner.outstanding > 0)) start();
  };

  const start = (): void => {
    const delayMs = bytesLeftLeast / BYTES_PER_MS_MAX;
    timer ??= setTimeout(look, Math.min(Math.max(delayMs, LOOK_MS_MIN), LOOK_MS_MAX));
  };

  return { start, stop: () => clearTimeout(timer) };
}
