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
  signal?.throwIfAborted();
  const here = readAll(futures);
  if (here !== undefined) return here;
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

/** The values, if all are here already: without a promise for each. */
function readAll(futures: readonly Future[]): unknown[] | undefined {
  if (!futures.every((future) => future.isHere)) return undefined;
  const values: unknown[] = [];
  const seen = new Map<Future, unknown>();
  for (const future of futures) {
    if (seen.has(future)) {
      values.push(seen.get(future));
      continue;
    }
    const read = future.owner.readValue(future);
    if (read === undefined) return undefined;
    seen.set(future, read.value);
    values.push(read.value);
  }
  return values;
}
