import type { MemoryGate } from "../store/store.ts";

/** An execution that may have to wait for memory. */
export type Start = {
  readonly run: () => void;
  /** There is no room, and there will be none. */
  readonly refuse: (error: unknown) => void;
  /** Whether it is still to run, when its turn comes. */
  readonly isWanted: () => boolean;
};

/** Holds back what would add to a full memory, in order. */
export type StartGate = {
  /** Whether one may begin now. */
  isOpen(): boolean;
  /** It begins when it may; not within this call. */
  hold(start: Start): void;
};

/**
 * Nobody knows what an execution will put into memory. So one begins when there is room for
 * anything, and the next ones wait until that is so again.
 * @param onStarted after some of those that waited were run
 */
export function createStartGate(memory: MemoryGate, onStarted: () => void): StartGate {
  const held: Start[] = [];

  /** Runs those that waited, one by one, as there is room. */
  const release = async (): Promise<void> => {
    while (held.length > 0) {
      let settle: (() => void) | undefined;
      let refusal: { readonly error: unknown } | undefined;
      try {
        settle = await memory.admit(0);
      } catch (error) {
        refusal = { error };
      }
      const next = held.shift();
      if (next?.isWanted() === true) {
        if (refusal === undefined) next.run();
        else next.refuse(refusal.error);
      }
      settle?.();
      onStarted();
    }
  };

  return {
    isOpen: () => held.length === 0 && memory.hasRoom(),
    hold(start) {
      held.push(start);
      if (held.length > 1) return;
      // A bug: let it end the process, as anywhere else.
      release().catch((error: unknown) => setImmediate(() => Promise.reject(error)));
    },
  };
}
