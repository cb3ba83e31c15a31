import type { CarriedResults } from "../model/batches.ts";
import type { ClientRecord, SchedulerState } from "./state.ts";
import { CARRIED, NOTIFIED, RESULT } from "./task-table.ts";

/**
 * Small results ride with the report that they are finished. A client that takes them is given
 * each with the notification, and then they are its own; for other clients, and while a checkpoint
 * is written, they are held here, and a fetch is answered at once. They are copies: whatever is let
 * go can still be pulled from a worker.
 */
export type HeldResult = {
  readonly dataType: number;
  readonly frameCount: number;
  /** The frames, each with its length before it. */
  readonly bytes: Uint8Array;
};

/** By row; oldest first. Each row is a result. */
export type HeldResults = { readonly byRow: Map<number, HeldResult>; totalBytes: number };

/** What an entry counts beside its bytes, here and at a client. */
const ENTRY_BYTES = 64;

/** Whether the row's result, if it is small, should come with the report that it is finished. */
export function mayCarry(state: SchedulerState, row: number): boolean {
  const { heldBytesMax, givenBytesMax } = state.options;
  const flags = state.tasks.flags[row] as number;
  if ((flags & (RESULT | NOTIFIED)) !== RESULT || heldBytesMax === 0) return false;
  const client = ownerOf(state, row);
  return client !== undefined && (!client.takesCarried || client.givenBytes < givenBytesMax);
}

/** Keeps a copy of the entry, which is of the row; the oldest that are held make room. */
export function holdResult(
  state: SchedulerState,
  row: number,
  carried: CarriedResults,
  entry: number,
): void {
  const { held, options } = state;
  dropHeld(state, row);
  // A copy: a view would keep the whole report.
  const bytes = carried.bytes.slice(carried.starts[entry], carried.starts[entry + 1]);
  const dataType = carried.dataTypes[entry] as number;
  held.byRow.set(row, { dataType, frameCount: carried.frameCounts[entry] as number, bytes });
  held.totalBytes += ENTRY_BYTES + bytes.length;
  for (const oldest of held.byRow.keys()) {
    if (held.totalBytes <= options.heldBytesMax) break;
    dropHeld(state, oldest);
  }
}

export function dropHeld({ held }: SchedulerState, row: number): void {
  const result = held.byRow.get(row);
  if (result === undefined) return;
  held.byRow.delete(row);
  held.totalBytes -= ENTRY_BYTES + result.bytes.length;
}

/** The row's client has its result from now on. */
export function noteGiven({ tasks }: SchedulerState, client: ClientRecord, row: number): void {
  tasks.flags[row] = (tasks.flags[row] as number) | CARRIED;
  client.givenBytes += ENTRY_BYTES + (tasks.sizeBytes[row] as number);
}

/** The row's size changes, because it was computed again: what its client is thought to have of it, too. */
export function resizeCarried(state: SchedulerState, row: number, sizeBytes: number): void {
  const { tasks } = state;
  if (((tasks.flags[row] as number) & CARRIED) === 0) return;
  const client = ownerOf(state, row);
  if (client !== undefined) client.givenBytes += sizeBytes - (tasks.sizeBytes[row] as number);
}

/** The row is a result no more. The caller takes the mark off it, not before. */
export function forgetCarried(state: SchedulerState, row: number): void {
  const { tasks } = state;
  if (state.held.byRow.size > 0) dropHeld(state, row);
  if (((tasks.flags[row] as number) & CARRIED) === 0) return;
  tasks.flags[row] = (tasks.flags[row] as number) & ~CARRIED;
  const client = ownerOf(state, row);
  if (client !== undefined) client.givenBytes -= ENTRY_BYTES + (tasks.sizeBytes[row] as number);
}

export function ownerOf(state: SchedulerState, row: number): ClientRecord | undefined {
  const plan = state.plans.get(state.tasks.serial[row] as number);
  return plan === undefined ? undefined : state.clients.get(plan.clientId);
}
