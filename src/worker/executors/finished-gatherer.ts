import type { FinishedTasks } from "../../core/model/batches.ts";
import type { ValueId } from "../store/value-id.ts";
import type { ValueTable } from "../store/value-table.ts";

/** Gathers the tasks that end within one turn of the event loop, and tells them once. */
export type FinishedGatherer = {
  add(task: number, attempt: number, value: ValueId, durationUs: number): void;
};

export function createFinishedGatherer(
  values: ValueTable,
  tell: (finished: FinishedTasks) => void,
): FinishedGatherer {
  let tasks: number[] = [];
  let attempts: number[] = [];
  let sizesBytes: number[] = [];
  let lengths: number[] = [];
  let dataTypes: number[] = [];
  let durationsUs: number[] = [];

  const flush = (): void => {
    const finished: FinishedTasks = {
      tasks: Uint32Array.from(tasks),
      attempts: Uint32Array.from(attempts),
      sizesBytes: Float64Array.from(sizesBytes),
      lengths: Float64Array.from(lengths),
      dataTypes: Uint16Array.from(dataTypes),
      durationsUs: Float32Array.from(durationsUs),
    };
    tasks = [];
    attempts = [];
    sizesBytes = [];
    lengths = [];
    dataTypes = [];
    durationsUs = [];
    tell(finished);
  };

  return {
    add(task, attempt, value, durationUs) {
      if (tasks.length === 0) queueMicrotask(flush);
      tasks.push(task);
      attempts.push(attempt);
      sizesBytes.push(values.sizeBytes(value));
      lengths.push(values.length(value));
      dataTypes.push(values.dataType(value));
      durationsUs.push(durationUs);
    },
  };
}
