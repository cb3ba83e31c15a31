import type { MemoryReport } from "../../model/worker-memory.ts";
import { expectedBytesOf } from "../groups.ts";
import type { SchedulerState } from "../state.ts";

/** What the workers said last of their memory, by their id; those that are tight once more. */
export type ClusterMemory = {
  readonly reports: Map<number, MemoryReport>;
  readonly tight: Set<number>;
};

export function createClusterMemory(): ClusterMemory {
  return { reports: new Map(), tight: new Set() };
}

export function forgetMemory({ memory }: SchedulerState, workerId: number): void {
  memory.reports.delete(workerId);
  memory.tight.delete(workerId);
}

/** Whether the worker is to have less data before it gets more. Costs nothing while none is. */
export const isTight = ({ memory }: SchedulerState, workerId: number): boolean =>
  memory.tight.size > 0 && memory.tight.has(workerId);

/**
 * Whether there is more data after the row than before it, as far as is known: what such tasks made,
 * against the inputs that nobody else needs. Costs O(inputs).
 */
export function addsData(state: SchedulerState, row: number): boolean {
  const { tasks, groups } = state;
  const inputCount = tasks.inputCount[row] as number;
  const madeBytes = expectedBytesOf(groups, tasks.group[row] as number);
  // Of nothing nothing is freed.
  if (inputCount === 0) return madeBytes !== 0;
  let freedBytes = 0;
  const start = tasks.edgeStart[row] as number;
  for (let k = start; k < start + inputCount; k += 1) {
    const input = tasks.edges.items[k] as number;
    if (tasks.consumersLeft[input] === 1) freedBytes += tasks.sizeBytes[input] as number;
  }
  return (madeBytes ?? 0) > freedBytes;
}
