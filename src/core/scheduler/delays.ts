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
  pushHeap(heap, delay);
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
    popHeap(heap);
  }
  return undefined;
}

/** Takes out the one that `firstDelay` has returned. */
export function removeFirstDelay({ heap, delays }: Retries): void {
  const head = heap[0];
  if (head !== undefined) delays.delete(head.row);
  popHeap(heap);
}

function pushHeap(heap: Delay[], delay: Delay): void {
  let index = heap.length;
  heap.push(delay);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if ((heap[parent] as Delay).dueAtMs <= delay.dueAtMs) break;
    heap[index] = heap[parent] as Delay;
    index = parent;
  }
  heap[index] = delay;
}

function popHeap(heap: Delay[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    const right = heap[child + 1];
    if (right !== undefined && right.dueAtMs < (heap[child] as Delay).dueAtMs) child += 1;
    if ((heap[child] as Delay).dueAtMs >= last.dueAtMs) break;
    heap[index] = heap[child] as Delay;
    index = child;
  }
  heap[index] = last;
}
