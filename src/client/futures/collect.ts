import type { Future } from "./future.ts";

/** What the futures hold, as a tuple where their number is known. */
export type FutureValues<Futures extends readonly Future[]> = {
  -readonly [K in keyof Futures]: Futures[K] extends Future<infer T> ? T : never;
};

/**
 * Fetches all, each as soon as it is finished and each once; order and duplicates are kept. The
 * first failure ends the other fetches.
 */
export async function fetchAll(
  futures: readonly Future[],
  signal: AbortSignal | undefined,
): Promise<unknown[]> {
  const others = new AbortController();
  const either = signal === undefined ? others.signal : AbortSignal.any([signal, others.signal]);
  const values = new Map<Future, Promise<unknown>>();
  for (const future of futures) {
    if (!values.has(future)) values.set(future, future.fetch({ signal: either }));
  }
  try {
    return await Promise.all(futures.map((future) => values.get(future) as Promise<unknown>));
  } catch (error) {
    others.abort();
    await Promise.allSettled(values.values());
    throw error;
  }
}
