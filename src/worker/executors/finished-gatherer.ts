import type { FinishedTasks } from "../../core/model/batches.ts";
import type { CarriedList } from "../../core/model/carried-list.ts";
import { FinishedColumns } from "../../core/model/finished-columns.ts";
import { MAX_CARRIED_REPORT_BYTES, MAX_CARRIED_RESULT_BYTES } from "../../protocol/limits.ts";
import type { ValueId } from "../store/value-id.ts";
import type { ValueTable } from "../store/value-table.ts";
import { clientFrames, clientFramesBytes } from "../transfer/client-frames.ts";

/** Gathers the tasks that end within one turn of the event loop, or until it is flushed, and tells them once. */
export type FinishedGatherer = {
  /** With `mayCarry`, a small value rides along. */
  add(task: number, attempt: number, value: ValueId, durationUs: number, mayCarry: boolean): void;
  flush(): void;
};

export function createFinishedGatherer(
  values: ValueTable,
  tell: (finished: FinishedTasks) => void,
): FinishedGatherer {
  const columns = new FinishedColumns();
  let isFlushQueued = false;

  const flush = (): void => {
    if (columns.length > 0) tell(columns.take());
  };

  return {
    add(task, attempt, value, durationUs, mayCarry) {
      if (!isFlushQueued) {
        isFlushQueued = true;
        queueMicrotask(() => {
          isFlushQueued = false;
          flush();
        });
      }
      const { carried } = columns;
      if (mayCarry) carry(carried, columns.length, values, value);
      const sizeBytes = values.sizeBytes(value);
      const length = values.length(value);
      const dataType = values.dataType(value);
      columns.add(task, attempt, { sizeBytes, length, dataType }, durationUs);
      if (carried.sizeBytes >= MAX_CARRIED_REPORT_BYTES) flush();
    },
    flush,
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
