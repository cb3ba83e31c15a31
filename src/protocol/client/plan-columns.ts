import { Uint32List } from "../../core/base/columns.ts";
import type { ByteRanges } from "../../core/model/plan.ts";
import { MAX_PLAN_INPUTS, MAX_PLAN_TASKS } from "../limits.ts";
import { unexpected } from "../protocol-error.ts";
import { growColumn, viewColumn } from "../wire/columns.ts";
import type { RawPlanOptions } from "./plan-options.ts";
import type { RawRequest } from "./resource-request.ts";
import type { RawPolicy } from "./task-policy.ts";

/** Stands for "not set" in `PlanColumns.taskTypes`; as a symbol id it is unknown anyway. */
export const NO_TASK_TYPE: number = -(2 ** 31);

/** A plan as it stands on the wire, before its numbers are checked against each other. */
export type RawPlan = {
  readonly bytes: Uint8Array;
  readonly idBase: number;
  readonly columns: PlanColumns;
  readonly requests: readonly RawRequest[];
  readonly symbols: readonly string[];
  readonly policies: readonly RawPolicy[];
  readonly options: RawPlanOptions;
};

/** Ranges of bytes, a row each, that grow. */
type GrowingRanges = { starts: Uint32Array; lengths: Uint32Array };

/**
 * The tasks of a plan while they are decoded, a row each, as they stand on the wire: symbols and
 * inputs unchecked. Columns that few plans use exist from the first row on that has them.
 */
export class PlanColumns {
  taskCount = 0;
  /** Rows that fit; all columns of rows have this length. */
  capacity: number;
  taskTypes: Int32Array;
  isResult: Uint8Array;
  requestIndexes: Int32Array;
  /** One more than rows: the inputs of row *i* end where those of row *i* + 1 begin. */
  inputStarts: Uint32Array;
  inputIds: Int32Array;
  inputCount = 0;
  configs: GrowingRanges;
  labels: GrowingRanges | undefined;
  checkpointPaths: GrowingRanges | undefined;
  metadata: GrowingRanges | undefined;
  /** -1 where a task names none. */
  policyIndexes: Int32Array | undefined;
  /** Positions in `inputIds`, ascending. */
  readonly optionalInputs: Uint32List = new Uint32List();
  /** The row of the task that each of them is of. */
  readonly optionalRows: Uint32List = new Uint32List();
  /** Of a chunk, whole as they came. */
  priorities: Int32Array | undefined;
  consumerCounts: Uint32Array | undefined;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.taskTypes = new Int32Array(capacity);
    this.isResult = new Uint8Array(capacity);
    this.requestIndexes = new Int32Array(capacity);
    this.inputStarts = new Uint32Array(capacity + 1);
    this.inputIds = new Int32Array(2 * capacity);
    this.configs = createRanges(capacity);
  }

  /**
   * Makes room for `expectedRows`, but at least for twice the rows that there are; and for as many
   * inputs as those rows have if they are like the rows so far.
   */
  grow(expectedRows: number): void {
    if (this.capacity >= MAX_PLAN_TASKS) {
      throw unexpected(`at most ${MAX_PLAN_TASKS} tasks in a plan`, "more");
    }
    this.capacity = Math.min(MAX_PLAN_TASKS, Math.max(2 * this.capacity, expectedRows));
    const inputsPerTask = this.inputCount / this.taskCount;
    const expectedInputs = Math.min(MAX_PLAN_INPUTS, Math.ceil(inputsPerTask * this.capacity));
    if (expectedInputs > this.inputIds.length) {
      this.inputIds = growColumn(this.inputIds, expectedInputs);
    }
    this.taskTypes = growColumn(this.taskTypes, this.capacity);
    this.isResult = growColumn(this.isResult, this.capacity);
    this.requestIndexes = growColumn(this.requestIndexes, this.capacity);
    this.inputStarts = growColumn(this.inputStarts, this.capacity + 1);
    if (this.policyIndexes !== undefined) {
      const { length } = this.policyIndexes;
      this.policyIndexes = growColumn(this.policyIndexes, this.capacity).fill(-1, length);
    }
    growRanges(this.configs, this.capacity);
    growRanges(this.labels, this.capacity);
    growRanges(this.checkpointPaths, this.capacity);
    growRanges(this.metadata, this.capacity);
  }

  /** Makes room for twice the inputs. */
  growInputs(): void {
    if (this.inputIds.length >= MAX_PLAN_INPUTS) {
      throw unexpected(`at most ${MAX_PLAN_INPUTS} inputs in a plan`, "more");
    }
    const length = Math.min(MAX_PLAN_INPUTS, 2 * this.inputIds.length);
    this.inputIds = growColumn(this.inputIds, length);
  }
}

export function createRanges(capacity: number): GrowingRanges {
  return { starts: new Uint32Array(capacity), lengths: new Uint32Array(capacity) };
}

function growRanges(ranges: GrowingRanges | undefined, capacity: number): void {
  if (ranges === undefined) return;
  ranges.starts = growColumn(ranges.starts, capacity);
  ranges.lengths = growColumn(ranges.lengths, capacity);
}

/** The first `length` rows of ranges that may be absent. */
export function viewRanges(
  ranges: GrowingRanges | undefined,
  length: number,
): ByteRanges | undefined {
  if (ranges === undefined) return undefined;
  return {
    starts: viewColumn(ranges.starts, length),
    lengths: viewColumn(ranges.lengths, length),
  };
}
