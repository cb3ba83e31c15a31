import type { HeldObjects, HeldTasks } from "../../../src/core/model/batches.ts";
import { CPUS, DATA_TYPE } from "../../../src/core/model/symbols.ts";

export type HeldObject = {
  readonly task: number;
  readonly attempt: number;
  readonly checkpoint?: number;
};

export type HeldTask = {
  readonly task: number;
  readonly attempt: number;
  readonly flags?: number;
  readonly inputAttempts?: readonly number[];
};

export function heldObjects(objects: readonly HeldObject[]): HeldObjects {
  return {
    tasks: Uint32Array.from(objects, ({ task }) => task),
    attempts: Uint32Array.from(objects, ({ attempt }) => attempt),
    sizesBytes: new Float64Array(objects.length).fill(100),
    lengths: new Float64Array(objects.length),
    dataTypes: new Uint16Array(objects.length).fill(DATA_TYPE.data),
    checkpoints: Uint8Array.from(objects, ({ checkpoint = 0 }) => checkpoint),
  };
}

export function heldTasks(tasks: readonly HeldTask[]): HeldTasks {
  let sum = 0;
  const starts = tasks.map(({ inputAttempts = [] }) => (sum += inputAttempts.length));
  return {
    tasks: Uint32Array.from(tasks, ({ task }) => task),
    attempts: Uint32Array.from(tasks, ({ attempt }) => attempt),
    flags: Uint8Array.from(tasks, ({ flags = 0 }) => flags),
    inputStarts: Uint32Array.from([0, ...starts]),
    inputAttempts: Uint32Array.from(tasks.flatMap(({ inputAttempts = [] }) => [...inputAttempts])),
  };
}

/** The event of a worker that comes back with these. */
export const attached = (
  workerId: number,
  objects: readonly HeldObject[],
  tasks: readonly HeldTask[] = [],
  cpus = 4,
) => ({
  kind: "worker-attached" as const,
  workerId,
  name: `host:${workerId}`,
  offer: [{ resource: CPUS, amount: cpus }],
  objects: heldObjects(objects),
  tasks: heldTasks(tasks),
});
