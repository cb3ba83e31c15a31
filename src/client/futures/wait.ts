import { HyperloomError } from "../../core/model/errors.ts";
import { onAbort } from "../abort.ts";
import type { Future } from "./future.ts";

/** Why a future that is neither pending nor finished cannot be waited for. */
export function whyUnusable(future: Future): HyperloomError {
  if (future.error !== undefined) return future.error;
  const name = future.label === undefined ? `${future.id}` : `${future.id} '${future.label}'`;
  return new HyperloomError(
    "future-released",
    `The result of task ${name} was released; release it after its last use.`,
  );
}

/**
 * Resolves when all are finished. Rejects as soon as one cannot be, or with the signal's reason.
 * O(number of futures) in all, whatever the order in which they finish.
 */
export function waitForAll(
  futures: readonly Future[],
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const unusable = futures.find(({ pending, finished }) => !pending && !finished);
    if (unusable !== undefined) throw whyUnusable(unusable);
    let pendingCount = 0;
    let unlisten = (): void => {};
    const stop = (): void => {
      unlisten();
      if (pendingCount > 0) for (const future of futures) future.unobserve(observer);
    };
    const observer = {
      onSettled(future: Future): void {
        if (!future.finished) {
          stop();
          reject(whyUnusable(future));
        } else if (--pendingCount === 0) {
          stop();
          resolve();
        }
      },
    };
    for (const future of futures) if (future.observe(observer)) pendingCount += 1;
    if (pendingCount === 0) resolve();
    else {
      unlisten = onAbort(signal, () => {
        stop();
        reject(signal?.reason);
      });
    }
  });
}
