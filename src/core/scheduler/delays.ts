import { popHeap, pushHeap } from "../base/heap.ts";

/** A row that waits until its next attempt is due. */
export type Delay = {
  readonly row: number;
  /** In the time of events. */
  readonly dueAtMs: number;
  /** Why the attempt before was not the last, in a line. */
  readonly reason: string;
};

/** What became of the attempts of one task that failed by themselves. */
export type OwnFailures = {
  count: number;
  readonly story: string[];
  /** The newest of them. */
  attempt: number;
};

export type Retries = {
  /** By due time, a binary heap; entries that are not in `delays` any more are of no account. */
  readonly heap: Delay[];
  /** By row. Such a row counts `NOT_BEGUN` among its unfinished inputs. */
  readonly delays: Map<number, Delay>;
  /** Of rows that failed and were tried again. */
  readonly failures: Map<number, OwnFailures>;
};

export const createRetries = (): Retries => ({
  heap: [],
  delays: new Map(),
  failures: new Map(),
});

export function addDelay({ heap, delays }: Retries, delay: Delay): void {
  delays.set(delay.row, delay);
  pushHeap(heap, delay, isEarlier);
}

/** The row waits no more, for another reason than its time. */
export function cancelDelay({ delays }: Retries, row: number): void {
  if (delays.size > 0) delays.delete(row);
}

/** The row gets another task, or none. */
export function forgetRetries({ failures, delays }: Retries, row: number): void {
  if (failures.size > 0) failures.delete(row);
  if (delays.size > 0) delays.delete(row);
}

/** The row that is due first; it stays. Undefined if none waits. */
export function firstDelay({ heap, delays }: Retries): Delay | undefined {
  for (let head = heap[0]; head !== undefined; head = heap[0]) {
    if (delays.get(head.row) === head) return head;
    popHeap(heap, isEarlier);
  }
  return undefined;
}

/** Takes out the one that `firstDelay` has returned. */
export function removeFirstDelay({ heap, delays }: Retries): void {
  const head = heap[0];
  if (head !== undefined) delays.delete(head.row);
  popHeap(heap, isEarlier);
}

const isEarlier = (a: Delay, b: Delay): boolean => a.dueAtMs < b.dueAtMs;
