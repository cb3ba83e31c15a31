import type { FinishedTasks } from "../../core/model/batches.ts";
import { CarriedList } from "../../core/model/carried-list.ts";
import { MAX_CARRIED_REPORT_BYTES, MAX_CARRIED_RESULT_BYTES } from "../../protocol/limits.ts";
import type { ValueId } from "../store/value-id.ts";
import type { ValueTable } from "../store/value-table.ts";
import { clientFrames, clientFramesBytes } from "../transfer/client-frames.ts";

/** Gathers the tasks that end within one turn of the event loop, and tells them once. */
export type FinishedGatherer = {
  /** With `mayCarry`, a small value rides along. */
  add(task: number, attempt: number, value: ValueId, durationUs: number, mayCarry: boolean): void;
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
  const carried = new CarriedList();
  let isFlushQueued = false;

  const flush = (): void => {
    isFlushQueued = false;
    if (tasks.length === 0) return;
    const finished: FinishedTasks = {
      tasks: Uint32Array.from(tasks),
      attempts: Uint32Array.from(attempts),
      sizesBytes: Float64Array.from(sizesBytes),
      lengths: Float64Array.from(lengths),
      dataTypes: Uint16Array.from(dataTypes),
      durationsUs: Float32Array.from(durationsUs),
      carried: carried.take(),
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
    add(task, attempt, value, durationUs, mayCarry) {
      if (!isFlushQueued) {
        isFlushQueued = true;
        queueMicrotask(flush);
      }
      if (mayCarry) carry(carried, tasks.length, values, value);
      tasks.push(task);
      attempts.push(attempt);
      sizesBytes.push(values.sizeBytes(value));
      lengths.push(values.length(value));
      dataTypes.push(values.dataType(value));
      durationsUs.push(durationUs);
      if (carried.sizeBytes >= MAX_CARRIED_REPORT_BYTES) flush();
    },
  };
}

/** Lets the value ride along if it is small and lies in memory. */
function carry(list: CarriedList, position: number, values: ValueTable, value: ValueId): void {
  // What is shared may count so often that the sum is no number.
  if (!(clientFramesBytes(values, value) <= MAX_CARRIED_RESULT_BYTES)) return;
  if (values.isRaw(value)) {
    const bytes = values.bytes(value);
    if (bytes === undefined) return;
    list.add(position, values.dataType(value), 1);
    list.appendLength(bytes.length);
    list.append(bytes);
    return;
  }
  const pieces: Uint8Array[] = [];
  for (const piece of clientFrames(values, value)) {
    const bytes = piece.value === undefined ? piece.bytes : values.bytes(piece.value);
    if (bytes === undefined) return;
    pieces.push(bytes);
  }
  list.add(position, values.dataType(value), values.messageCount(value));
  for (const bytes of pieces) list.append(bytes);
}
