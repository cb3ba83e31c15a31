/*
 * What the thread that calls functions and the thread that watches the line of life share. Calls are
 * numbered in the order in which they are sent.
 *
 *     int32 0     the lock: 0 free, 1 held, 2 held and waited for
 *     float64 1   the number of the call that began last, and one
 *     float64 2   calls of smaller numbers that have not begun are to be dropped
 */
const LOCK = 0;
const BEGUN = 1;
const DROPPED = 2;
const BYTES = 24;

/** Decides which calls begin, and keeps the messages of two threads apart. */
export type Gate = {
  readonly shared: SharedArrayBuffer;
  /** The call of this number begins, by `onBegin`, unless it is to be dropped. */
  begin(call: number, onBegin: (begun: number) => void): boolean;
  /**
   * Of the first `sent` calls, those that have not begun are to be dropped; returns how many had
   * begun, counting those dropped before. Only while locked.
   */
  takeBack(sent: number): number;
  /** Until `unlock`, the other thread waits if it wants the same. */
  lock(): void;
  unlock(): void;
};

export function createGate(shared: SharedArrayBuffer = new SharedArrayBuffer(BYTES)): Gate {
  const words = new Int32Array(shared);
  const numbers = new Float64Array(shared);

  const lock = (): void => {
    if (Atomics.compareExchange(words, LOCK, 0, 1) === 0) return;
    while (Atomics.exchange(words, LOCK, 2) !== 0) Atomics.wait(words, LOCK, 2);
  };
  const unlock = (): void => {
    if (Atomics.exchange(words, LOCK, 0) === 2) Atomics.notify(words, LOCK, 1);
  };

  return {
    shared,
    lock,
    unlock,
    begin: (call, onBegin) => {
      lock();
      const isDropped = call < (numbers[DROPPED] as number);
      if (!isDropped) {
        numbers[BEGUN] = call + 1;
        // Inside of the lock: what is told to have begun is found written.
        onBegin(call + 1);
      }
      unlock();
      return !isDropped;
    },
    takeBack: (sent) => {
      numbers[DROPPED] = sent;
      return numbers[BEGUN] as number;
    },
  };
}
