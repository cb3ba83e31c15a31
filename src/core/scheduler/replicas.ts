import { assert } from "../base/assert.ts";
import type { SchedulerState } from "./state.ts";
import { PRESENT } from "./task-table.ts";

/** Holders among whom the readers of one object are shared; more would only cost time to find. */
const SOURCES_MAX = 8;

/** All workers that hold the row's object, which must be present. */
export function holdersOf(state: SchedulerState, row: number): number[] {
  return [state.tasks.worker[row] as number, ...(state.extraReplicas.get(row) ?? [])];
}

/** The worker that `workerId` should have the object from: itself if it can, else one of the holders. */
export function holderFor(state: SchedulerState, row: number, workerId: number): number {
  const first = state.tasks.worker[row] as number;
  const extra = state.extraReplicas.get(row);
  if (extra === undefined || first === workerId) return first;
  if (extra.has(workerId)) return workerId;
  // Several sources share the readers of a popular object.
  let skipped = (row + workerId) % Math.min(SOURCES_MAX, 1 + extra.size);
  if (skipped === 0) return first;
  for (const worker of extra) {
    skipped -= 1;
    if (skipped === 0) return worker;
  }
  return first;
}

export function holds(state: SchedulerState, row: number, workerId: number): boolean {
  return (
    state.tasks.worker[row] === workerId || (state.extraReplicas.get(row)?.has(workerId) ?? false)
  );
}

export function addReplica(state: SchedulerState, row: number, workerId: number): void {
  assert(state.tasks.state[row] === PRESENT, "only a present object has replicas");
  if (holds(state, row, workerId)) return;
  const extra = state.extraReplicas.get(row);
  if (extra === undefined) state.extraReplicas.set(row, new Set([workerId]));
  else extra.add(workerId);
}

/** Forgets one copy; false when it was the last one, which stays written down. */
export function removeReplica(state: SchedulerState, row: number, workerId: number): boolean {
  const extra = state.extraReplicas.get(row);
  if (state.tasks.worker[row] === workerId) {
    const next = extra === undefined ? undefined : firstOf(extra);
    if (next === undefined) return false;
    state.tasks.worker[row] = next;
    extra?.delete(next);
  } else {
    extra?.delete(workerId);
  }
  if (extra?.size === 0) state.extraReplicas.delete(row);
  return true;
}

/** Has another holder be asked for the object from now on; false when there is no other. */
export function preferAnotherReplica(state: SchedulerState, row: number): boolean {
  const extra = state.extraReplicas.get(row);
  const next = extra === undefined ? undefined : firstOf(extra);
  if (extra === undefined || next === undefined) return false;
  // In turns, so that each reader's choice of two sources changes too.
  extra.delete(next);
  extra.add(state.tasks.worker[row] as number);
  state.tasks.worker[row] = next;
  return true;
}

function firstOf(workers: Set<number>): number | undefined {
  for (const worker of workers) return worker;
  return undefined;
}
