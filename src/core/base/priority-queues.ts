import { assert } from "./assert.ts";
import { grownCapacity, resizeColumn } from "./columns.ts";
import { popHeap, pushHeap } from "./heap.ts";

const NONE = -1;
const KEPT_CAPACITY = 4096;

/** Lists of one queue, by priority, and a heap of those priorities; empty lists leave lazily. */
type Queue = {
  readonly listByPriority: Map<number, number>;
  readonly heap: number[];
  count: number;
};

/**
 * Many priority queues over one set of rows. A row is in at most one queue at a time. Each distinct
 * priority of a queue is a doubly linked list through columns that all queues share, so that push,
 * pop and removal from the middle cost the same whatever the length; only the number of *distinct*
 * priorities that are waiting in one queue enters, by its logarithm.
 *
 *     queue --priority 7--> list: row 12 <-> row 40 <-> row 3
 *           --priority 2--> list: row 9
 */
export class PriorityQueues {
  #next = new Int32Array(16).fill(NONE);
  #previous = new Int32Array(16).fill(NONE);
  /** List of each row, or -1. */
  #list = new Int32Array(16).fill(NONE);

  readonly #heads: number[] = [];
  readonly #tails: number[] = [];
  readonly #queueOfList: number[] = [];
  readonly #freeLists: number[] = [];
  readonly #queues: (Queue | undefined)[] = [];
  readonly #freeQueues: number[] = [];

  createQueue(): number {
    const queue: Queue = { listByPriority: new Map(), heap: [], count: 0 };
    const id = this.#freeQueues.pop() ?? this.#queues.length;
    this.#queues[id] = queue;
    return id;
  }

  /** The queue must be empty. */
  destroyQueue(id: number): void {
    const queue = this.#queue(id);
    assert(queue.count === 0, "only an empty queue is destroyed");
    for (const list of queue.listByPriority.values()) this.#freeLists.push(list);
    this.#queues[id] = undefined;
    this.#freeQueues.push(id);
  }

  count(id: number): number {
    return this.#queue(id).count;
  }

  /** The queue that the row waits in, or -1. */
  queueOf(row: number): number {
    const list = this.#list[row] ?? NONE;
    return list === NONE ? NONE : (this.#queueOfList[list] as number);
  }

  /** Appends the row behind those of the same priority. It must be in no queue. */
  push(id: number, row: number, priority: number): void {
    this.#reserve(row + 1);
    assert(this.#list[row] === NONE, "a row waits in one queue at a time");
    const queue = this.#queue(id);
    let list = queue.listByPriority.get(priority);
    if (list === undefined) {
      list = this.#createList(id);
      queue.listByPriority.set(priority, list);
      pushHeap(queue.heap, priority, isGreater);
    }
    const tail = this.#tails[list] as number;
    this.#list[row] = list;
    this.#previous[row] = tail;
    this.#next[row] = NONE;
    if (tail === NONE) this.#heads[list] = row;
    else this.#next[tail] = row;
    this.#tails[list] = row;
    queue.count += 1;
  }

  /** The greatest priority that waits in the queue; the queue must not be empty. */
  topPriority(id: number): number {
    const queue = this.#queue(id);
    this.#topList(queue);
    return queue.heap[0] as number;
  }

  /** The first row of the greatest priority, or -1. */
  peek(id: number): number {
    const list = this.#topList(this.#queue(id));
    return list === NONE ? NONE : (this.#heads[list] as number);
  }

  /** The last row of the greatest priority, or -1: what the queue's owner would miss last of these. */
  peekLast(id: number): number {
    const list = this.#topList(this.#queue(id));
    return list === NONE ? NONE : (this.#tails[list] as number);
  }

  /**
   * Calls `visit` for rows from the head of the queue, at most `limit`, those of each priority in
   * their order. Looks at each distinct priority.
   */
  forFirst(id: number, limit: number, visit: (row: number) => void): void {
    const queue = this.#queue(id);
    let left = limit;
    const byPriority = [...queue.listByPriority].sort(([a], [b]) => b - a);
    for (const [, list] of byPriority) {
      for (let row = this.#heads[list] as number; row !== NONE; row = this.#next[row] as number) {
        if (left === 0) return;
        left -= 1;
        visit(row);
      }
    }
  }

  /**
   * Rows from the end of the queue, least priority first and last pushed first, that `accept` takes;
   * at most `limit`. Looks at no more than `limit` rows and at each distinct priority.
   */
  lastRows(id: number, limit: number, accept: (row: number) => boolean): number[] {
    const rows: number[] = [];
    let looked = 0;
    const byPriority = [...this.#queue(id).listByPriority].sort(([a], [b]) => a - b);
    for (const [, list] of byPriority) {
      let row = this.#tails[list] as number;
      while (row !== NONE && looked < limit) {
        looked += 1;
        if (accept(row)) rows.push(row);
        row = this.#previous[row] as number;
      }
    }
    return rows;
  }

  /** Takes the row out of the queue that it is in, if any. */
  remove(row: number): void {
    const list = this.#list[row] ?? NONE;
    if (list === NONE) return;
    const next = this.#next[row] as number;
    const previous = this.#previous[row] as number;
    if (previous === NONE) this.#heads[list] = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#tails[list] = previous;
    else this.#previous[next] = previous;
    this.#list[row] = NONE;
    this.#queue(this.#queueOfList[list] as number).count -= 1;
  }

  /** Takes out and returns the first row of the greatest priority, or -1. */
  pop(id: number): number {
    const row = this.peek(id);
    if (row !== NONE) this.remove(row);
    return row;
  }

  /** Gives back the memory of the rows' columns; only while no row waits in any queue. */
  giveBack(): void {
    if (this.#list.length <= KEPT_CAPACITY) return;
    this.#next = new Int32Array(16).fill(NONE);
    this.#previous = new Int32Array(16).fill(NONE);
    this.#list = new Int32Array(16).fill(NONE);
  }

  #queue(id: number): Queue {
    const queue = this.#queues[id];
    assert(queue !== undefined, "the queue exists");
    return queue;
  }

  #topList(queue: Queue): number {
    for (;;) {
      const priority = queue.heap[0];
      if (priority === undefined) return NONE;
      const list = queue.listByPriority.get(priority) as number;
      if (this.#heads[list] !== NONE) return list;
      popHeap(queue.heap, isGreater);
      queue.listByPriority.delete(priority);
      this.#freeLists.push(list);
    }
  }

  #createList(queue: number): number {
    const list = this.#freeLists.pop() ?? this.#heads.length;
    this.#heads[list] = NONE;
    this.#tails[list] = NONE;
    this.#queueOfList[list] = queue;
    return list;
  }

  #reserve(rows: number): void {
    const capacity = this.#list.length;
    if (rows <= capacity) return;
    const grown = grownCapacity(capacity, rows);
    this.#next = resizeColumn(this.#next, grown);
    this.#previous = resizeColumn(this.#previous, grown);
    this.#list = resizeColumn(this.#list, grown).fill(NONE, capacity);
  }
}

/** Greatest first; each number is in a heap at most once. */
const isGreater = (a: number, b: number): boolean => a > b;
