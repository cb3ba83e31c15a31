import { onAbort } from "../abort.ts";
import type { Future } from "./future.ts";
import type { WaitOptions } from "./options.ts";
import { whyUnusable } from "./wait.ts";

export type AsCompletedOptions = WaitOptions & {
  /** Yield failed and canceled futures too, instead of throwing their error; default: false. */
  readonly yieldFailed?: boolean;
};

/**
 * Yields the futures as they finish, those that are finished at first; one that is given twice is
 * yielded twice. O(1) for each future.
 */
export async function* asCompleted<F extends Future>(
  futures: Iterable<F>,
  options: AsCompletedOptions = {},
): AsyncGenerator<F, void, undefined> {
  const { signal, yieldFailed = false } = options;
  const ready: F[] = [];
  const pending = new Map<Future, F[]>();
  let wake = (): void => {};
  const observer = {
    onSettled(future: Future): void {
      for (const copy of pending.get(future) ?? []) ready.push(copy);
      pending.delete(future);
      wake();
    },
  };
  for (const future of futures) {
    if (future.observe(observer)) pending.set(future, [future]);
    else if (future.pending) pending.get(future)?.push(future);
    else ready.push(future);
  }
  const unlisten = onAbort(signal, () => wake());
  try {
    for (let next = 0; ; next += 1) {
      signal?.throwIfAborted();
      if (next === ready.length) {
        if (pending.size === 0) return;
        ready.length = 0;
        next = 0;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        signal?.throwIfAborted();
      }
      const future = ready[next] as F;
      const isOver = future.failed || future.canceled;
      if (future.released || (isOver && !yieldFailed)) throw whyUnusable(future);
      yield future;
    }
  } finally {
    unlisten();
    for (const future of pending.keys()) future.unobserve(observer);
  }
}
