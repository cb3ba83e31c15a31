import { decodeUtf8Lossy } from "../core/base/utf8.ts";
import { type AssignedTasks, FLAG_CARRY, FLAG_LOAD_CHECKPOINT } from "../core/model/batches.ts";
import type { ResourceRequest } from "../core/model/resources.ts";

/** A task to execute, as the worker was given it. */
export type ExecutableTask = {
  readonly task: number;
  readonly attempt: number;
  readonly taskType: number;
  readonly clientTask: number;
  readonly config: Uint8Array;
  readonly inputs: readonly { readonly task: number; readonly attempt: number }[];
  readonly request: ResourceRequest;
  /** Empty for none. */
  readonly checkpointPath: string;
  readonly loadsCheckpoint: boolean;
  /** Its result may ride with the report that it is finished. */
  readonly mayCarry: boolean;
};

/** Picks one task out of the assignment that it came in. */
export function readExecutable(place: {
  readonly batch: AssignedTasks;
  readonly index: number;
}): ExecutableTask {
  const { batch, index } = place;
  const at = (column: ArrayLike<number>, position: number): number => column[position] ?? 0;
  const indexesFrom = (starts: Uint32Array, row: number): number[] => {
    const start = at(starts, row);
    return Array.from({ length: at(starts, row + 1) - start }, (_, offset) => start + offset);
  };
  const detailEnd = at(batch.detailStarts, index + 1);
  const configEnd = detailEnd - at(batch.checkpointLengths, index);
  return {
    task: at(batch.tasks, index),
    attempt: at(batch.attempts, index),
    taskType: at(batch.taskTypes, index),
    clientTask: at(batch.clientTasks, index),
    config: batch.details.subarray(at(batch.detailStarts, index), configEnd),
    inputs: indexesFrom(batch.inputStarts, index).map((input) => ({
      task: at(batch.inputTasks, input),
      attempt: at(batch.inputAttempts, input),
    })),
    request: indexesFrom(batch.requestStarts, at(batch.requests, index)).map((entry) => ({
      resource: at(batch.requestResources, entry),
      amount: at(batch.requestAmounts, entry),
    })),
    checkpointPath: decodeUtf8Lossy(batch.details.subarray(configEnd, detailEnd)),
    loadsCheckpoint: (at(batch.flags, index) & FLAG_LOAD_CHECKPOINT) !== 0,
    mayCarry: (at(batch.flags, index) & FLAG_CARRY) !== 0,
  };
}
