import type { PlanOptions, TaskPolicy } from "./policies.ts";
import type { ResourceRequest } from "./resources.ts";

/** For each task a range of `Plan.bytes`; length 0 where the task has none. */
export type ByteRanges = { readonly starts: Uint32Array; readonly lengths: Uint32Array };

/**
 * A plan as a client sent it, in columns: row *i* is the task with client id `idBase + i`.
 * It has passed the checks that need no knowledge of other plans: known task types, request
 * indexes in range, ids within int32. Whether its inputs exist is the scheduler's to decide.
 */
export type Plan = {
  readonly idBase: number;
  readonly taskCount: number;
  /** Symbol id of each task's type. */
  readonly taskTypes: Uint16Array;
  /** 1 where the client asked to keep the result. */
  readonly isResult: Uint8Array;
  /** Row of `requests`, or -1 for none. */
  readonly requestIndexes: Int32Array;
  readonly requests: readonly ResourceRequest[];
  /** The inputs of task *i* are `inputIds[inputStarts[i] .. inputStarts[i + 1]]`; taskCount + 1 entries. */
  readonly inputStarts: Uint32Array;
  /** Client ids, in the order of the task's positional inputs, duplicates kept. */
  readonly inputIds: Int32Array;
  /** What the ranges below point into: the received frame. Whoever keeps a range copies it. */
  readonly bytes: Uint8Array;
  readonly configs: ByteRanges;
  /** Absent where no task of the plan has one. UTF-8. */
  readonly labels: ByteRanges | undefined;
  readonly checkpointPaths: ByteRanges | undefined;
  readonly metadata: ByteRanges | undefined;
  /** Of a chunk: the longest path from each task to a result, in tasks, as the client has seen it in the whole plan. */
  readonly priorities?: Int32Array | undefined;
  /** Of a chunk: at how many places each task is used in the whole plan. */
  readonly consumerCounts?: Uint32Array | undefined;
  readonly policies?: readonly TaskPolicy[] | undefined;
  /** Row of `policies` of each task, or -1 for that of the plan; absent where no task has one. */
  readonly policyIndexes?: Int32Array | undefined;
  /** Positions in `inputIds`, ascending, of inputs that may fail without harm; absent where none may. */
  readonly optionalInputs?: Uint32Array | undefined;
  /** Absent: the first failure gives it up, and nothing else is special. Of the first chunk, for all. */
  readonly options?: PlanOptions | undefined;
};
