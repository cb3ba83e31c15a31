import type { Slot } from "./slot.ts";

/** Looks, while calls wait behind others, whether those take long. */
export type StallWatch = {
  /** To be called when calls have been sent. */
  start(): void;
  stop(): void;
};

/**
 * @param slots all runners of the pool
 * @param stallMs calls wait for one to two of these, then they are asked back
 */
export function createStallWatch(slots: ReadonlySet<Slot>, stallMs: number): StallWatch {
  let timer: NodeJS.Timeout | undefined;

  const look = (): void => {
    timer = undefined;
    let isWaiting = false;
    for (const slot of slots) {
      const { runner } = slot;
      const isAwaited = runner.outstanding + (slot.lane?.waiting.length ?? 0) > 1;
      const running = isAwaited ? runner.findRunning() : undefined;
      if (isAwaited) isWaiting = true;
      if (running !== undefined && running === slot.seenRunning && runner.isOpen) {
        slot.isPostponing = true;
        runner.takeBack();
      }
      slot.seenRunning = running;
    }
    if (isWaiting) start();
  };
  const start = (): void => {
    timer ??= setTimeout(look, stallMs);
  };

  return { start, stop: () => clearTimeout(timer) };
}
