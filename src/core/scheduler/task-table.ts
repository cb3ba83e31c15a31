import { assert } from "../base/assert.ts";
import { ByteSegments } from "../base/byte-segments.ts";
import { grownCapacity, type NumberColumn, resizeColumn, Uint32List } from "../base/columns.ts";
import { IntArena } from "../base/int-arena.ts";
import type { TaskPolicy } from "../model/policies.ts";
import { LateEdges } from "./late-edges.ts";

/** No task. */
export const FREE = 0;
/** A record without data that nobody wants now: kept to compute a lost object again. */
export const DORMANT = 1;
/** Some input is not there. */
export const WAITING = 2;
/** All inputs are there; waits for a worker. */
export const READY = 3;
/** Given to a worker, which may not have begun. */
export const ASSIGNED = 4;
/** The worker said that it began. */
export const RUNNING = 5;
/** Finished, and its data object is on some worker. */
export const PRESENT = 6;

/** It failed for good, or cannot be had because of one that did; see `SchedulerState.failed`. */
export const FAILED = 7;

/** The client asked to keep the data object. */
export const RESULT = 1;
/** The client was told that it is finished. */
export const NOTIFIED = 2;
/** Counted among the consumers of its inputs. */
export const HOLDS_INPUTS = 4;
/** Load the checkpoint instead of computing. */
export const LOADS = 8;
/** The checkpoint of the present object is still being written. */
export const CHECKPOINT_PENDING = 16;
/** The checkpoint's file is complete. */
export const CHECKPOINT_WRITTEN = 32;
/** Asked back from its worker; not answered so far. */
export const RETRACTING = 64;
/** The client can name it: it is in the client's index. */
export const INDEXED = 128;
/** The client was given the result with the notification. */
export const CARRIED = 256;
/** Unfinished when its plan was given up; who needed it was told. */
export const GIVEN_UP = 16_384;
/** Somebody wanted it ended, or what needed it: what runs of it is ended gracefully. */
export const CANCELED = 32_768;

/** Whether a worker has the row. */
export const isGiven = ({ state }: TaskTable, row: number): boolean =>
  state[row] === ASSIGNED || state[row] === RUNNING;

/**
 * Whether a worker has the row *ahead*: before its inputs are there, of which those that are missing
 * were given to the same worker before it.
 */
export const isAhead = (tasks: TaskTable, row: number): boolean =>
  (tasks.unfinishedInputs[row] as number) > 0 && isGiven(tasks, row);

/** Added to `unfinishedInputs` of a row that must not run yet, whatever is there. */
export const NOT_BEGUN: number = 2 ** 31;

const NO_ENTRY = 0xffff_ffff;
/** An entry of `consumers` that is not filled. */
const NO_CONSUMER = -1;
/** The columns of rows. */
const COLUMNS = [
  "state",
  "taskType",
  "flags",
  "serial",
  "clientTask",
  "unfinishedInputs",
  "consumersLeft",
  "lineage",
  "attempt",
  "attemptBase",
  "worker",
  "sizeBytes",
  "dataType",
  "priority",
  "request",
  "group",
  "expectedUs",
  "edgeStart",
  "inputCount",
  "consumerCount",
  "detail",
  "labelLength",
] as const satisfies readonly (keyof TaskTable)[];
const KEPT_CAPACITY = 4096;
const LABEL_BYTES_MAX = 0xffff;

/**
 * All tasks of all clients, a row each. Rows and edge blocks are used again, columns grow by
 * doubling and are given back when no task lives.
 *
 *     edges of a row: | inputs, in positional order | consumers, once for each place they use it |
 *                     edgeStart                     + inputCount
 *
 * `consumers` has those of the same plan, as they come; those of other plans are late edges. An
 * entry may be stale, when that consumer is gone and its row was used again: then it has another
 * serial (`isConsumer`).
 */
export class TaskTable {
  capacity = 0;
  /** Rows that are not FREE. */
  liveCount = 0;
  #rowCount = 0;
  /** Where attempts of rows count from that were given back and come again. */
  #attemptFloor = 0;
  /** The newest attempts of rows whose present one is older, since it was adopted. */
  readonly #newestOfAdopted = new Map<number, number>();
  readonly #freeRows = new Uint32List();
  /** Rows that were freed and wait until `reuse` is told of them; undefined: they are used again at once. */
  freedRows: Uint32List | undefined;
  /** The greatest attempt of all rows, where rows wait so. */
  newestAttempt = 0;
  /** Rows that nobody gets, free or not. */
  readonly #reservedRows = new Set<number>();
  /** Freed rows that nobody may use so far. */
  #waitingRows = 0;

  state: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  taskType: Uint16Array<ArrayBuffer> = new Uint16Array(0);
  flags: Uint16Array<ArrayBuffer> = new Uint16Array(0);
  /** Serial of the plan; rises with each plan, and with each expansion of a dynamic task. */
  serial: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  clientTask: Int32Array<ArrayBuffer> = new Int32Array(0);
  /** Inputs, counted by place, that are not present; counts only where the row holds its inputs. */
  unfinishedInputs: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  /** Places at which unfinished tasks use this one's data. */
  consumersLeft: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  /** Places at which living records use this one: it can be needed again until there is none. */
  lineage: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  /** The newest attempt, or the one that was adopted; see `nextAttempt`. */
  attempt: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  /** What `attempt` was when the row got this task: attempts of this task count from there. */
  attemptBase: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  /** The worker that has the task, or the first holder of its data. */
  worker: Int32Array<ArrayBuffer> = new Int32Array(0);
  sizeBytes: Float64Array<ArrayBuffer> = new Float64Array(0);
  dataType: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** Greater runs first: urgency and level, see `core/model/urgency.ts`. */
  priority: Int32Array<ArrayBuffer> = new Int32Array(0);
  /** Row of the request classes. */
  request: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  /** Row of the groups, by which durations are learned. */
  group: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  /** What the task was expected to take when it was last queued; what its worker's load counts. */
  expectedUs: Float32Array<ArrayBuffer> = new Float32Array(0);
  edgeStart: Int32Array<ArrayBuffer> = new Int32Array(0);
  inputCount: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  consumerCount: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  /** Entry of `details`: the config, then the checkpoint's path, then the label. */
  detail: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  /** Bytes of the label at the end of the details. */
  labelLength: Uint16Array<ArrayBuffer> = new Uint16Array(0);

  readonly edges: IntArena = new IntArena();
  readonly details: ByteSegments = new ByteSegments();
  /** Bytes of the checkpoint path before the label, where there is one. */
  readonly checkpointLengths: Map<number, number> = new Map();
  /** Of rows that have a policy of their own. */
  readonly policies: Map<number, TaskPolicy> = new Map();
  /** Of rows that can do without some of their inputs: these. */
  readonly optionalInputs: Map<number, Set<number>> = new Map();
  readonly #lateEdges = new LateEdges();

  /** A fresh row in state DORMANT without edges or details. */
  allocate(): number {
    const row = this.#freeRows.length > 0 ? this.#freeRows.pop() : this.#rowCount++;
    if (row >= this.capacity) this.#resize(grownCapacity(this.capacity, row + 1));
    this.#begin(row);
    // One is left out, so that no two tasks of the row have the same base.
    if (this.freedRows !== undefined) this.attempt[row] = this.nextAttempt(row);
    this.attemptBase[row] = this.attempt[row] as number;
    return row;
  }

  #begin(row: number): void {
    this.liveCount += 1;
    this.state[row] = DORMANT;
    this.flags[row] = 0;
    this.unfinishedInputs[row] = 0;
    this.consumersLeft[row] = 0;
    this.lineage[row] = 0;
    this.worker[row] = -1;
    this.sizeBytes[row] = 0;
    this.inputCount[row] = 0;
    this.consumerCount[row] = 0;
    this.detail[row] = NO_ENTRY;
    this.labelLength[row] = 0;
  }

  /**
   * Makes room for so many more rows and edges, one column a call, because to copy all columns of a
   * million rows takes long; true once there is room.
   */
  reserve(rows: number, edges: number): boolean {
    const needed = this.liveCount + rows;
    if (needed > this.capacity) {
      const capacity = grownCapacity(this.capacity, needed);
      const name = COLUMNS.find((column) => this[column].length < capacity);
      if (name !== undefined) {
        this.#resizeColumn(name, capacity);
        return false;
      }
      this.#resize(capacity);
    }
    this.edges.reserve(edges);
    return true;
  }

  free(row: number): void {
    assert(
      this.state[row] === DORMANT && this.lineage[row] === 0,
      "only an unused record is freed",
    );
    this.freeEdges(row);
    if (this.detail[row] !== NO_ENTRY) this.details.release(this.detail[row] as number);
    if (this.checkpointLengths.size > 0) this.checkpointLengths.delete(row);
    if (this.policies.size > 0) this.policies.delete(row);
    if (this.optionalInputs.size > 0) this.optionalInputs.delete(row);
    this.#lateEdges.delete(row);
    if (this.#newestOfAdopted.size > 0) {
      this.attempt[row] = this.#newestAttemptOf(row);
      this.#newestOfAdopted.delete(row);
    }
    this.state[row] = FREE;
    this.liveCount -= 1;
    this.#offer(row);
  }

  /** The row is free for others, at once or once `reuse` says so. */
  #offer(row: number): void {
    if (this.#reservedRows.size > 0 && this.#reservedRows.has(row)) return;
    if (this.freedRows === undefined) this.#freeRows.push(row);
    else {
      this.freedRows.push(row);
      this.#waitingRows += 1;
    }
  }

  /** Nobody gets the row when it is freed. */
  reserveRow(row: number): void {
    this.#reservedRows.add(row);
  }

  unreserve(row: number): void {
    if (this.#reservedRows.delete(row) && this.state[row] === FREE) this.#offer(row);
  }

  /** Whether the row is free, or has a task that came to it before the one with this base. */
  isFreeFor(row: number, attemptBase: number): boolean {
    return (
      row >= this.capacity ||
      this.state[row] === FREE ||
      (this.attemptBase[row] as number) < attemptBase
    );
  }

  isTaken(row: number): boolean {
    return row < this.capacity && this.state[row] !== FREE;
  }

  /** The row, which is FREE, gets the task that it had at another server. While a state is restored. */
  allocateAt(row: number, attemptBase: number): void {
    if (row >= this.capacity) this.#resize(grownCapacity(this.capacity, row + 1));
    this.#rowCount = Math.max(this.#rowCount, row + 1);
    this.#begin(row);
    this.attemptBase[row] = attemptBase;
  }

  /** All rows have their tasks: what is free can be used, and attempts begin above `attemptFloor`. */
  endRestore(attemptFloor: number): void {
    this.#attemptFloor = attemptFloor;
    this.newestAttempt = attemptFloor;
    this.attempt.fill(attemptFloor);
    this.freedRows?.clear();
    this.#waitingRows = 0;
    this.#freeRows.clear();
    for (let row = this.#rowCount - 1; row >= 0; row -= 1) {
      if (this.state[row] === FREE && !this.#reservedRows.has(row)) this.#freeRows.push(row);
    }
  }

  /** Nothing speaks against it any more that these rows, which were freed, are used again. */
  reuse(rows: Uint32Array): void {
    this.#waitingRows -= rows.length;
    for (let i = 0; i < rows.length; i += 1) this.#freeRows.push(rows[i] as number);
  }

  /** A number for the row's next attempt that no attempt of it ever had. */
  nextAttempt(row: number): number {
    const next = this.#newestAttemptOf(row) + 1;
    if (next > this.newestAttempt) this.newestAttempt = next;
    return next;
  }

  setDetails(row: number, config: Uint8Array, checkpointPath: Uint8Array, label: Uint8Array): void {
    const at = this.createDetails(row, config.length, checkpointPath.length, label.length);
    const labelBytes = this.labelLength[row] as number;
    this.details.write(at, 0, config, 0, config.length);
    this.details.write(at, config.length, checkpointPath, 0, checkpointPath.length);
    this.details.write(at, config.length + checkpointPath.length, label, 0, labelBytes);
  }

  /** Gives the row an entry of `details` with room for these; the caller writes them. */
  createDetails(row: number, configBytes: number, pathBytes: number, labelBytes: number): number {
    const keptLabelBytes = Math.min(labelBytes, LABEL_BYTES_MAX);
    const entry = this.details.allocate(configBytes + pathBytes + keptLabelBytes);
    this.detail[row] = entry;
    this.labelLength[row] = keptLabelBytes;
    if (pathBytes > 0) this.checkpointLengths.set(row, pathBytes);
    return entry;
  }

  /** Config and checkpoint path. */
  assignedDetails(row: number): Uint8Array {
    return this.details
      .view(this.detail[row] as number)
      .subarray(0, this.assignedDetailsLength(row));
  }

  assignedDetailsLength(row: number): number {
    return this.details.length(this.detail[row] as number) - (this.labelLength[row] as number);
  }

  /** Copies the first `count` bytes of the row's details to `target`, from `start` on. */
  copyDetailsTo(target: Uint8Array, start: number, row: number, count: number): void {
    this.details.copyTo(target, start, this.detail[row] as number, count);
  }

  label(row: number): Uint8Array {
    const view = this.details.view(this.detail[row] as number);
    return view.subarray(view.length - (this.labelLength[row] as number));
  }

  /** Gives the row edge blocks of these sizes; the caller fills the inputs, `addConsumer` the others. */
  allocateEdges(row: number, inputCount: number, consumerCount: number): void {
    const start = this.edges.allocate(inputCount + consumerCount);
    this.edgeStart[row] = start;
    this.inputCount[row] = inputCount;
    this.consumerCount[row] = consumerCount;
    const end = start + inputCount + consumerCount;
    for (let k = start + inputCount; k < end; k += 1) this.edges.items[k] = NO_CONSUMER;
  }

  /**
   * One more place at which `consumer`, which is of the same plan, uses the row. The last entry of the
   * block counts, as `NO_CONSUMER - count`, how many are filled, until its own turn comes.
   */
  addConsumer(row: number, consumer: number): void {
    const size = this.consumerCount[row] as number;
    const last = (this.edgeStart[row] as number) + (this.inputCount[row] as number) + size - 1;
    if (size === 0 || (this.edges.items[last] as number) >= 0) {
      this.#growConsumers(row);
      this.addConsumer(row, consumer);
      return;
    }
    const { items } = this.edges;
    const filled = NO_CONSUMER - (items[last] as number);
    const place = last + 1 - size + filled;
    items[place] = consumer;
    if (place !== last) items[last] = NO_CONSUMER - filled - 1;
  }

  /** Moves the row's edges to a block with twice the consumers. */
  #growConsumers(row: number): void {
    const inputCount = this.inputCount[row] as number;
    const filled = this.consumerCount[row] as number;
    const start = this.edgeStart[row] as number;
    const used = this.edges.items.slice(start, start + inputCount + filled);
    this.freeEdges(row);
    this.allocateEdges(row, inputCount, Math.max(2 * filled, 2));
    const { items } = this.edges;
    const newStart = this.edgeStart[row] as number;
    items.set(used, newStart);
    items[newStart + inputCount + (this.consumerCount[row] as number) - 1] = NO_CONSUMER - filled;
  }

  freeEdges(row: number): void {
    const size = (this.inputCount[row] as number) + (this.consumerCount[row] as number);
    this.edges.free(this.edgeStart[row] as number, size);
    this.inputCount[row] = 0;
    this.consumerCount[row] = 0;
  }

  /** Whether an entry of the row's `consumers` still means the task that was written there. */
  isConsumer(row: number, consumer: number): boolean {
    return (
      consumer >= 0 && this.state[consumer] !== FREE && this.serial[consumer] === this.serial[row]
    );
  }

  /** One more place at which a task of a later plan uses the row. */
  addLateConsumer(row: number, consumer: number): void {
    this.#lateEdges.add(row, consumer, this.serial[consumer] as number, this.#isCurrentConsumer);
  }

  forEachLateConsumer(row: number, visit: (consumer: number) => void): void {
    this.#lateEdges.forEach(row, this.#isCurrentConsumer, visit);
  }

  readonly #isCurrentConsumer = (consumer: number, serial: number): boolean =>
    this.serial[consumer] === serial && this.state[consumer] !== FREE;

  /** Whether (row, attempt) names the object or attempt that the row has now. */
  isCurrent(row: number, attempt: number): boolean {
    return row < this.capacity && this.state[row] !== FREE && this.attempt[row] === attempt;
  }

  /** Whether the row's task is of this plan, or expansion. */
  isOf(row: number, serial: number): boolean {
    return row < this.capacity && this.state[row] !== FREE && this.serial[row] === serial;
  }

  /** Whether this is an attempt, also an old one, of the task that the row has now. */
  isAttemptOf(row: number, attempt: number): boolean {
    return (
      row < this.capacity &&
      this.state[row] !== FREE &&
      attempt > (this.attemptBase[row] as number) &&
      attempt <= this.#newestAttemptOf(row)
    );
  }

  /** An attempt of the row's task, perhaps not its newest, is the one that counts. */
  adoptAttempt(row: number, attempt: number): void {
    const newest = this.#newestAttemptOf(row);
    // What lies above is known of all rows.
    if (attempt < newest && newest > this.#attemptFloor) this.#newestOfAdopted.set(row, newest);
    this.attempt[row] = attempt;
  }

  #newestAttemptOf(row: number): number {
    const newest = Math.max(this.attempt[row] as number, this.#attemptFloor);
    if (this.#newestOfAdopted.size === 0) return newest;
    return Math.max(newest, this.#newestOfAdopted.get(row) ?? 0);
  }

  /** Attempts of the row's task; of one that was another server's, those of this one. */
  attemptsMade(row: number): number {
    const attempt = this.attempt[row] as number;
    const base = this.attemptBase[row] as number;
    return attempt - (attempt >= this.#attemptFloor ? Math.max(base, this.#attemptFloor) : base);
  }

  /** Gives back the memory of the columns once no task lives. Not while a caller holds a column. */
  giveBackIfEmpty(): void {
    if (this.liveCount > 0 || this.#waitingRows > 0 || this.state.length <= KEPT_CAPACITY) return;
    for (let row = 0; row < this.#rowCount; row += 1) {
      this.#attemptFloor = Math.max(this.#attemptFloor, this.attempt[row] as number);
    }
    this.#rowCount = 0;
    this.#freeRows.clear();
    this.details.giveBackIfEmpty();
    this.#resize(0);
  }

  #resize(capacity: number): void {
    for (const column of COLUMNS) this.#resizeColumn(column, capacity);
    this.capacity = capacity;
  }

  #resizeColumn(name: (typeof COLUMNS)[number], capacity: number): void {
    const { length } = this[name];
    if (length === capacity) return;
    const column = resizeColumn<NumberColumn>(this[name], capacity);
    if (name === "attempt" && capacity > length) column.fill(this.#attemptFloor, length);
    (this as Record<typeof name, NumberColumn>)[name] = column;
  }
}
