import type { AssignedTasks, FinishedTasks } from "../../src/core/model/batches.ts";
import { DATA_TYPE } from "../../src/core/model/symbols.ts";

/** What a worker would report that had all tasks of a batch finished at once: 1 us, 8 bytes each. */
export function finishAtOnce({ tasks, attempts }: AssignedTasks): FinishedTasks {
  const count = tasks.length;
  return {
    tasks,
    attempts,
    sizesBytes: new Float64Array(count).fill(8),
    lengths: new Float64Array(count),
    dataTypes: new Uint16Array(count).fill(DATA_TYPE.data),
    durationsUs: new Float32Array(count).fill(1),
  };
}
