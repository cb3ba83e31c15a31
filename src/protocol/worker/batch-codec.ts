import type {
  AssignedTasks,
  CarriedResults,
  FinishedTasks,
  TaskRefs,
} from "../../core/model/batches.ts";
import { MAX_REQUEST_RESOURCES } from "../limits.ts";
import { ProtocolError } from "../protocol-error.ts";
import {
  type Column,
  type ColumnReader,
  requireEqualLengths,
  requireRanges,
} from "./columns-codec.ts";

/** The batches of the model as lists of columns, and back with every promise of theirs checked. */
export function refsColumns(refs: TaskRefs): Column[] {
  return [refs.tasks, refs.attempts];
}

export function readRefs(reader: ColumnReader): TaskRefs {
  const refs = { tasks: reader.u32(), attempts: reader.u32() };
  requireEqualLengths(refs.tasks, refs.attempts);
  return refs;
}

/** Columns of results that ride along follow only where there are some. */
export function finishedColumns(finished: FinishedTasks): Column[] {
  const { carried } = finished;
  const columns: Column[] = [
    finished.tasks,
    finished.attempts,
    finished.sizesBytes,
    finished.lengths,
    finished.dataTypes,
    finished.durationsUs,
  ];
  if (carried === undefined) return columns;
  const { positions, dataTypes, frameCounts, starts, bytes } = carried;
  columns.push(positions, dataTypes, frameCounts, starts, bytes);
  return columns;
}

export function readFinished(reader: ColumnReader): FinishedTasks {
  // Written out: to spread another object here costs more than all the rest.
  const finished = {
    tasks: reader.u32(),
    attempts: reader.u32(),
    sizesBytes: reader.f64(),
    lengths: reader.f64(),
    dataTypes: reader.u16(),
    durationsUs: reader.f32(),
    carried: reader.isAtEnd ? undefined : readCarried(reader),
  };
  requireEqualLengths(
    finished.tasks,
    finished.attempts,
    finished.sizesBytes,
    finished.lengths,
    finished.dataTypes,
    finished.durationsUs,
  );
  requireSizes(finished.sizesBytes);
  requireSizes(finished.lengths);
  for (const duration of finished.durationsUs) {
    if (!(duration >= 0 && Number.isFinite(duration))) {
      throw new ProtocolError(`expected a duration of 0 us or more, got ${duration}`);
    }
  }
  if (finished.carried !== undefined) {
    requirePositions(finished.carried.positions, finished.tasks.length);
  }
  return finished;
}

function readCarried(reader: ColumnReader): CarriedResults {
  const carried = {
    positions: reader.u32(),
    dataTypes: reader.u16(),
    frameCounts: reader.u32(),
    starts: reader.u32(),
    bytes: reader.u8(),
  };
  const { positions, dataTypes, frameCounts, starts, bytes } = carried;
  requireEqualLengths(positions, dataTypes, frameCounts);
  requireRanges(starts, positions.length, bytes.length);
  return carried;
}

/** Positions rise, below `count`. */
function requirePositions(positions: Uint32Array, count: number): void {
  let previous = -1;
  for (const position of positions) {
    if (position <= previous || position >= count) {
      throw new ProtocolError("positions of results that ride along do not rise");
    }
    previous = position;
  }
}

/** Time limits follow only where there are some. */
export function assignedColumns(batch: AssignedTasks): Column[] {
  const columns: Column[] = [
    ...refsColumns(batch),
    batch.taskTypes,
    batch.flags,
    batch.clientTasks,
    batch.priorities,
    batch.requests,
    batch.requestStarts,
    batch.requestResources,
    batch.requestAmounts,
    batch.inputStarts,
    batch.inputTasks,
    batch.inputAttempts,
    batch.inputSizesBytes,
    batch.inputHolders,
    batch.detailStarts,
    batch.checkpointLengths,
    batch.details,
  ];
  if (batch.timeLimitsMs !== undefined) columns.push(batch.timeLimitsMs);
  return columns;
}

export function readAssigned(reader: ColumnReader): AssignedTasks {
  const batch: AssignedTasks = {
    tasks: reader.u32(),
    attempts: reader.u32(),
    taskTypes: reader.u16(),
    flags: reader.u8(),
    clientTasks: reader.i32(),
    priorities: reader.i32(),
    requests: reader.u16(),
    requestStarts: reader.u32(),
    requestResources: reader.u32(),
    requestAmounts: reader.u32(),
    inputStarts: reader.u32(),
    inputTasks: reader.u32(),
    inputAttempts: reader.u32(),
    inputSizesBytes: reader.f64(),
    inputHolders: reader.u32(),
    detailStarts: reader.u32(),
    checkpointLengths: reader.u32(),
    details: reader.u8(),
    timeLimitsMs: reader.isAtEnd ? undefined : reader.f64(),
  };
  if (batch.timeLimitsMs !== undefined) {
    requireEqualLengths(batch.tasks, batch.timeLimitsMs);
    requireSizes(batch.timeLimitsMs);
  }
  const { tasks, inputTasks, inputAttempts, inputSizesBytes, inputHolders } = batch;
  const { taskTypes, flags, clientTasks, priorities, requests, checkpointLengths } = batch;
  requireEqualLengths(tasks, batch.attempts, taskTypes, flags, clientTasks, priorities, requests);
  requireEqualLengths(tasks, checkpointLengths);
  requireEqualLengths(inputTasks, inputAttempts, inputSizesBytes, inputHolders);
  requireRanges(batch.inputStarts, tasks.length, inputTasks.length);
  requireRanges(batch.detailStarts, tasks.length, batch.details.length);
  requireSizes(inputSizesBytes);
  requireRequests(batch);
  for (let task = 0; task < tasks.length; task++) {
    const detailBytes = (batch.detailStarts[task + 1] ?? 0) - (batch.detailStarts[task] ?? 0);
    if ((checkpointLengths[task] ?? 0) > detailBytes) {
      throw new ProtocolError("a checkpoint path is longer than its task's details");
    }
  }
  return batch;
}

/** Request rows exist, and name each resource once with an amount above 0. */
function requireRequests(batch: AssignedTasks): void {
  const { requestStarts, requestResources, requestAmounts, requests } = batch;
  const rowCount = Math.max(requestStarts.length - 1, 0);
  requireEqualLengths(requestResources, requestAmounts);
  requireRanges(requestStarts, rowCount, requestResources.length);
  for (const row of requests) {
    if (row >= rowCount) throw new ProtocolError(`request ${row} of ${rowCount} does not exist`);
  }
  for (const amount of requestAmounts) {
    if (amount === 0) throw new ProtocolError("a request asks for 0 of a resource");
  }
  for (let row = 0; row < rowCount; row++) {
    const named = requestResources.subarray(requestStarts[row], requestStarts[row + 1]);
    // One more than a client may name: that of the task's own extension type.
    if (named.length > MAX_REQUEST_RESOURCES + 1) {
      throw new ProtocolError(`a request names ${named.length} resources`);
    }
    if (named.length > 1 && new Set(named).size < named.length) {
      throw new ProtocolError("a request names a resource twice");
    }
  }
}

/** Fails unless every number is a whole one from 0 to 2^53 - 1. */
export function requireSizes(sizes: Float64Array): void {
  for (const size of sizes) {
    if (!(size >= 0 && Number.isSafeInteger(size))) {
      throw new ProtocolError(`expected a size from 0 to 2^53 - 1, got ${size}`);
    }
  }
}
