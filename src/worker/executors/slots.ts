/** Lets only so many go on at a time; the others wait, first come, first served. */
export type Slots = { readonly use: <Result>(work: () => Promise<Result>) => Promise<Result> };

export function createSlots(count: number): Slots {
  let free = count;
  let waiting: (() => void)[] = [];
  let nextWaiting = 0;

  const take = (): Promise<void> => {
    if (free > 0) {
      free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => waiting.push(resolve));
  };

  /** Hands the slot over to who waits longest. */
  const giveBack = (): void => {
    const next = waiting[nextWaiting];
    if (next === undefined) {
      free += 1;
      return;
    }
    nextWaiting += 1;
    if (nextWaiting === waiting.length) {
      waiting = [];
      nextWaiting = 0;
    }
    next();
  };

  return {
    use: async (work) => {
      await take();
      try {
        return await work();
      } finally {
        giveBack();
      }
    },
  };
}
