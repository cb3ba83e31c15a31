import { grownCapacity, resizeColumn, Uint32List } from "../../base/columns.ts";
import { PagedIndex } from "../../base/paged-index.ts";
import { CHECKPOINT_UNKNOWN } from "../../model/batches.ts";

const NONE = -1;

export const OBJECT_FREE = 0;
/** Being pulled from a peer; at least one task waits for it at the end of each step, or it is a copy. */
export const OBJECT_FETCHING = 1;
/** In the store. */
export const OBJECT_PRESENT = 2;
/** A task that is here will make it; at least one other waits for it at the end of each step. */
export const OBJECT_EXPECTED = 3;

/**
 * The data objects that are here, on their way or expected, in columns. Attempts of one task are different
 * objects; they are chained, and nearly every chain has one row. Those on their way are in a list
 * of their own, so that a lost peer costs no look at those that are here.
 */
export class ObjectTable {
  readonly #chainOfTask = new PagedIndex();
  readonly #freeRows = new Uint32List();
  /** Rows from here up have never been used. */
  rowEnd = 0;
  size = 0;
  /** The list of objects on their way, or -1. */
  firstFetching: number = NONE;

  states: Uint8Array<ArrayBuffer> = new Uint8Array(16);
  tasks: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  attempts: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  /** The worker that it is pulled from, while it is on its way; this one, while it is expected. */
  peers: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  /** First and last of the wait edges of the tasks that need it, or -1. */
  firstEdges: Int32Array<ArrayBuffer> = new Int32Array(16);
  lastEdges: Int32Array<ArrayBuffer> = new Int32Array(16);
  nextFetching: Int32Array<ArrayBuffer> = new Int32Array(16);
  /** 1: it is to be here though no task needs it. */
  isCopy: Uint8Array<ArrayBuffer> = new Uint8Array(16);
  /** What is known of its checkpoint: a `CHECKPOINT_...` of the model. */
  checkpoints: Uint8Array<ArrayBuffer> = new Uint8Array(16);
  #previousFetching = new Int32Array(16);
  #nextAttempt = new Int32Array(16);

  /** The row of this very attempt's object, or -1. */
  find(task: number, attempt: number): number {
    let row = this.#chainOfTask.get(task);
    while (row !== NONE && this.attempts[row] !== attempt) row = this.#nextAttempt[row] as number;
    return row;
  }

  isPresent(row: number): boolean {
    return this.states[row] === OBJECT_PRESENT;
  }

  /** The object must not be in the table. */
  addPresent(task: number, attempt: number): number {
    return this.#add(task, attempt, OBJECT_PRESENT);
  }

  /** The object must not be in the table. */
  addFetching(task: number, attempt: number, peer: number): number {
    const row = this.#add(task, attempt, OBJECT_FETCHING);
    const next = this.firstFetching;
    this.peers[row] = peer;
    this.nextFetching[row] = next;
    this.#previousFetching[row] = NONE;
    if (next !== NONE) this.#previousFetching[next] = row;
    this.firstFetching = row;
    return row;
  }

  /** The object must not be in the table. */
  addExpected(task: number, attempt: number, self: number): number {
    const row = this.#add(task, attempt, OBJECT_EXPECTED);
    this.peers[row] = self;
    return row;
  }

  /** The object on its way has come, or the expected one was made. */
  arrive(row: number): void {
    if (this.states[row] === OBJECT_FETCHING) this.#unlinkFetching(row);
    this.states[row] = OBJECT_PRESENT;
  }

  /** No task may wait for it any more. */
  remove(row: number): void {
    if (this.states[row] === OBJECT_FETCHING) this.#unlinkFetching(row);
    const task = this.tasks[row] as number;
    const next = this.#nextAttempt[row] as number;
    let before = this.#chainOfTask.get(task);
    if (before === row) {
      if (next === NONE) this.#chainOfTask.delete(task);
      else this.#chainOfTask.set(task, next);
    } else {
      while (this.#nextAttempt[before] !== row) before = this.#nextAttempt[before] as number;
      this.#nextAttempt[before] = next;
    }
    this.states[row] = OBJECT_FREE;
    this.size -= 1;
    this.#freeRows.push(row);
  }

  #add(task: number, attempt: number, state: number): number {
    const row = this.#freeRows.length > 0 ? this.#freeRows.pop() : this.rowEnd++;
    if (row >= this.states.length) this.#grow(row + 1);
    this.states[row] = state;
    this.tasks[row] = task;
    this.attempts[row] = attempt;
    this.firstEdges[row] = NONE;
    this.lastEdges[row] = NONE;
    this.isCopy[row] = 0;
    this.checkpoints[row] = CHECKPOINT_UNKNOWN;
    this.#nextAttempt[row] = this.#chainOfTask.get(task);
    this.#chainOfTask.set(task, row);
    this.size += 1;
    return row;
  }

  #unlinkFetching(row: number): void {
    const next = this.nextFetching[row] as number;
    const previous = this.#previousFetching[row] as number;
    if (previous === NONE) this.firstFetching = next;
    else this.nextFetching[previous] = next;
    if (next !== NONE) this.#previousFetching[next] = previous;
  }

  #grow(rows: number): void {
    const capacity = grownCapacity(this.states.length, rows);
    this.states = resizeColumn(this.states, capacity);
    this.tasks = resizeColumn(this.tasks, capacity);
    this.attempts = resizeColumn(this.attempts, capacity);
    this.peers = resizeColumn(this.peers, capacity);
    this.firstEdges = resizeColumn(this.firstEdges, capacity);
    this.lastEdges = resizeColumn(this.lastEdges, capacity);
    this.nextFetching = resizeColumn(this.nextFetching, capacity);
    this.isCopy = resizeColumn(this.isCopy, capacity);
    this.checkpoints = resizeColumn(this.checkpoints, capacity);
    this.#previousFetching = resizeColumn(this.#previousFetching, capacity);
    this.#nextAttempt = resizeColumn(this.#nextAttempt, capacity);
  }
}
