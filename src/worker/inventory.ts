import type { HeldObjects, HeldTasks } from "../core/model/batches.ts";
import { listObjects, listTasks } from "../core/worker/inventory.ts";
import type { WorkerState } from "../core/worker/state.ts";
import type { FromWorker } from "../protocol/worker/messages.ts";
import type { Store } from "./store/store.ts";

/** Objects in one message: some 13 MB. */
const PART_OBJECTS = 500_000;

const NO_TASKS: HeldTasks = {
  tasks: new Uint32Array(0),
  attempts: new Uint32Array(0),
  flags: new Uint8Array(0),
  inputStarts: new Uint32Array(1),
  inputAttempts: new Uint32Array(0),
};

/** All that the worker holds and has, for a server that it has come back to; `ended` adds tasks. */
export function takeInventory(
  state: WorkerState,
  { objects: index, values }: Store,
  withEnded: (tasks: HeldTasks) => HeldTasks,
): FromWorker[] {
  const listed = listObjects(state);
  const count = listed.tasks.length;
  const held = {
    sizesBytes: new Float64Array(count),
    lengths: new Float64Array(count),
    dataTypes: new Uint16Array(count),
  };
  for (let i = 0; i < count; i++) {
    const value = index.get(listed.tasks[i] as number, listed.attempts[i] as number);
    if (value === undefined) continue;
    held.sizesBytes[i] = plausible(values.sizeBytes(value));
    held.lengths[i] = values.length(value);
    held.dataTypes[i] = values.dataType(value);
  }
  const parts: FromWorker[] = [];
  for (let start = 0; start === 0 || start < count; start += PART_OBJECTS) {
    const end = Math.min(start + PART_OBJECTS, count);
    const objects: HeldObjects = {
      tasks: listed.tasks.subarray(start, end),
      attempts: listed.attempts.subarray(start, end),
      sizesBytes: held.sizesBytes.subarray(start, end),
      lengths: held.lengths.subarray(start, end),
      dataTypes: held.dataTypes.subarray(start, end),
      checkpoints: listed.checkpoints.subarray(start, end),
    };
    const tasks = start === 0 ? withEnded(listTasks(state)) : NO_TASKS;
    parts.push({ kind: "inventory", isLast: end === count, objects, tasks });
  }
  return parts;
}

/** What is shared may count so often that the sum is no number that can be told. */
const plausible = (sizeBytes: number): number =>
  Number.isSafeInteger(sizeBytes) ? sizeBytes : Number.MAX_SAFE_INTEGER;
