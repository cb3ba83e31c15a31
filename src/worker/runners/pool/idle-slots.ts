import type { Slot } from "./slot.ts";

/** Runners without calls, each kept for a while. */
export type IdleSlots = {
  /** Of those that may use so much. */
  count(memoryBytesMax: number): number;
  has(slot: Slot): boolean;
  /** After its time, its runner is ended. */
  add(slot: Slot): void;
  /**
   * Takes one out that may use so much, if it can be one that knows the function: the one used last,
   * which is the warmest.
   */
  take(functionKey: string, memoryBytesMax: number): Slot | undefined;
  /** Takes this one out, if it is here. */
  remove(slot: Slot): void;
};

/** @param idleMs how long a runner without calls is kept */
export function createIdleSlots(idleMs: number): IdleSlots {
  /** In the order of their last use. */
  const timers = new Map<Slot, NodeJS.Timeout>();

  const remove = (slot: Slot): void => {
    clearTimeout(timers.get(slot));
    timers.delete(slot);
  };

  return {
    count: (memoryBytesMax) => {
      let count = 0;
      for (const slot of timers.keys()) if (slot.memoryBytesMax === memoryBytesMax) count += 1;
      return count;
    },
    has: (slot) => timers.has(slot),
    add: (slot) => {
      const timer = setTimeout(() => {
        timers.delete(slot);
        slot.runner.kill("it was idle");
      }, idleMs);
      timers.set(slot, timer.unref());
    },
    take: (functionKey, memoryBytesMax) => {
      const all = [...timers.keys()];
      const slots = all.filter((slot) => slot.memoryBytesMax === memoryBytesMax);
      const slot = slots.findLast(({ runner }) => runner.knows(functionKey)) ?? slots.at(-1);
      if (slot !== undefined) remove(slot);
      return slot;
    },
    remove,
  };
}
