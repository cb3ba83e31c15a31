import { grownCapacity, resizeColumn, Uint32List } from "../../base/columns.ts";
import { PagedIndex } from "../../base/paged-index.ts";

const NONE = -1;

export const TASK_FREE = 0;
/** Waits for inputs that are on their way. */
export const TASK_FETCHING = 1;
/** Has its inputs; waits in the queue of its request. */
export const TASK_RUNNABLE = 2;
/** Holds what it asked for; the shell executes it. */
export const TASK_RUNNING = 3;

/** The tasks that this worker was given and has not finished, in columns. A row is used again. */
export class TaskTable {
  readonly #rowOfTask = new PagedIndex();
  readonly #freeRows = new Uint32List();
  /** Rows from here up have never been used. */
  rowEnd = 0;

  states: Uint8Array<ArrayBuffer> = new Uint8Array(16);
  tasks: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  attempts: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  /** The batch that the task came in, and its index there. */
  batches: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  indexes: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  /** Its resource request, a row of the request table. */
  requests: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  /** Inputs that are not here, counted as often as they are named. */
  missingInputs: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  /** First of its wait edges, or -1. */
  firstEdges: Int32Array<ArrayBuffer> = new Int32Array(16);
  /** First of the cpus that it runs on, or -1. */
  firstCpus: Int32Array<ArrayBuffer> = new Int32Array(16);
  /** The lane that it runs in, or 0. */
  lanes: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  /** Of a function call: its function, by which durations are learned; 0 for what is no call. */
  functionKeys: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  /** While it runs in a lane: what it was expected to take. */
  expectedUs: Float32Array<ArrayBuffer> = new Float32Array(16);
  /** 1: its function has run, and returned a task to run in its place. */
  isRedirected: Uint8Array<ArrayBuffer> = new Uint8Array(16);
  /** Counts up as tasks become runnable: the order among equal priorities. */
  sequences: Float64Array<ArrayBuffer> = new Float64Array(16);
  /** Starts of later tasks that took something that this one waits for. */
  overtaken: Uint8Array<ArrayBuffer> = new Uint8Array(16);

  get size(): number {
    return this.#rowOfTask.size;
  }

  /** The row of the task, of whatever attempt, or -1. */
  find(task: number): number {
    return this.#rowOfTask.get(task);
  }

  /** The row of this very attempt, or -1. */
  findAttempt(task: number, attempt: number): number {
    const row = this.#rowOfTask.get(task);
    return row !== NONE && this.attempts[row] === attempt ? row : NONE;
  }

  /** The task must not be in the table. */
  add(task: number, attempt: number): number {
    const row = this.#freeRows.length > 0 ? this.#freeRows.pop() : this.rowEnd++;
    if (row >= this.states.length) this.#grow(row + 1);
    this.states[row] = TASK_FETCHING;
    this.tasks[row] = task;
    this.attempts[row] = attempt;
    this.missingInputs[row] = 0;
    this.firstEdges[row] = NONE;
    this.firstCpus[row] = NONE;
    this.overtaken[row] = 0;
    this.lanes[row] = 0;
    this.functionKeys[row] = 0;
    this.isRedirected[row] = 0;
    this.#rowOfTask.set(task, row);
    return row;
  }

  remove(row: number): void {
    this.#rowOfTask.delete(this.tasks[row] as number);
    this.states[row] = TASK_FREE;
    this.#freeRows.push(row);
  }

  #grow(rows: number): void {
    const capacity = grownCapacity(this.states.length, rows);
    this.states = resizeColumn(this.states, capacity);
    this.tasks = resizeColumn(this.tasks, capacity);
    this.attempts = resizeColumn(this.attempts, capacity);
    this.batches = resizeColumn(this.batches, capacity);
    this.indexes = resizeColumn(this.indexes, capacity);
    this.requests = resizeColumn(this.requests, capacity);
    this.missingInputs = resizeColumn(this.missingInputs, capacity);
    this.firstEdges = resizeColumn(this.firstEdges, capacity);
    this.firstCpus = resizeColumn(this.firstCpus, capacity);
    this.lanes = resizeColumn(this.lanes, capacity);
    this.functionKeys = resizeColumn(this.functionKeys, capacity);
    this.expectedUs = resizeColumn(this.expectedUs, capacity);
    this.isRedirected = resizeColumn(this.isRedirected, capacity);
    this.sequences = resizeColumn(this.sequences, capacity);
    this.overtaken = resizeColumn(this.overtaken, capacity);
  }
}
