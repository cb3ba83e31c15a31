import { unreachable } from "../../base/assert.ts";
import type { MemoryCommand, MemoryEvent, MemoryLevel } from "./memory-events.ts";
import { dataBytesMax, type MemoryState, marksOf } from "./memory-state.ts";

/** Bytes that are written in one go, to one file. */
export const SPILL_FILE_BYTES: number = 8 * 1024 * 1024;
/** A disk that refused is asked again after this. */
const RETRY_MS = 1_000;
/** Whoever waits for room while the disk refuses is told so after this; until then, others may make room. */
const REFUSE_AFTER_MS = 5_000;

/**
 * Takes one event in and says what is to be done about the worker's memory. Admissions are granted in
 * the order of asking. None waits for ever: what lies in memory can be spilled, whoever uses it, so
 * room comes with the disk; where nothing can be spilled the first is admitted nevertheless; and
 * where the disk refuses, the wait ends in a refusal.
 */
export function stepMemory(state: MemoryState, event: MemoryEvent): MemoryCommand[] {
  handle(state, event);
  const commands: MemoryCommand[] = [];
  spill(state, event.atMs, commands);
  admit(state, event.atMs, commands);
  tellLevel(state, commands);
  return commands;
}

function handle(state: MemoryState, event: MemoryEvent): void {
  switch (event.kind) {
    case "measured":
      state.storedBytes = event.storedBytes;
      state.processBytes = event.processBytes;
      state.heldBytes = event.heldBytes;
      break;
    case "asked":
      state.waiting.push({ id: event.id, sizeBytes: event.sizeBytes, sinceMs: event.atMs });
      break;
    case "settled":
      settle(state, event.id);
      break;
    case "spilled":
      state.isSpilling = false;
      state.failure = undefined;
      break;
    case "spill-failed":
      state.isSpilling = false;
      state.failure = event.reason;
      state.retryAtMs = event.atMs + RETRY_MS;
      event.entries.forEach((entry, i) => {
        state.cold.add(entry, event.sizesBytes[i] as number);
      });
      break;
    case "time-passed":
      break;
    default:
      unreachable(event);
  }
}

function settle(state: MemoryState, id: number): void {
  const sizeBytes = state.reserved.get(id);
  if (sizeBytes === undefined) {
    state.waiting = state.waiting.filter((admission) => admission.id !== id);
    return;
  }
  state.reserved.delete(id);
  // Sums of whole numbers: they come out even.
  state.reservedBytes -= sizeBytes;
}

function spill(state: MemoryState, atMs: number, commands: MemoryCommand[]): void {
  const { fromBytes, toBytes, admitBytes } = marksOf(state);
  const takenBytes = state.storedBytes + state.reservedBytes;
  const wantedBytes = state.waiting[0]?.sizeBytes ?? 0;
  if (takenBytes > fromBytes) state.isDraining = true;
  else if (takenBytes <= toBytes) state.isDraining = false;
  const isWanted = state.waiting.length > 0 && takenBytes + wantedBytes > admitBytes;
  if (!(state.isDraining || isWanted) || state.isSpilling || state.cold.count === 0) return;
  if (state.failure !== undefined && atMs < state.retryAtMs) return;
  const excessBytes = Math.max(1, takenBytes + wantedBytes - toBytes);
  const entries = state.cold.takeColdest(Math.min(excessBytes, SPILL_FILE_BYTES));
  state.isSpilling = true;
  commands.push({ kind: "spill", entries });
}

function fits(state: MemoryState, sizeBytes: number): boolean {
  return state.storedBytes + state.reservedBytes + sizeBytes <= marksOf(state).admitBytes;
}

function admit(state: MemoryState, atMs: number, commands: MemoryCommand[]): void {
  const admitted: number[] = [];
  const refused: number[] = [];
  for (const { id, sizeBytes, sinceMs } of state.waiting) {
    if (mayComeIn(state, sizeBytes)) {
      admitted.push(id);
      state.reserved.set(id, sizeBytes);
      state.reservedBytes += sizeBytes;
    } else if (isInVain(state, atMs - sinceMs)) refused.push(id);
    else break;
  }
  const count = admitted.length + refused.length;
  if (count > 0) state.waiting = state.waiting.slice(count);
  if (admitted.length > 0) commands.push({ kind: "admit", ids: admitted });
  if (refused.length > 0) {
    commands.push({ kind: "refuse", ids: refused, reason: state.failure ?? "" });
  }
}

const mayComeIn = (state: MemoryState, sizeBytes: number): boolean =>
  fits(state, sizeBytes) || isStuck(state) || mayFitNevertheless(state, sizeBytes);

/** Nothing that is here can be spilled, and nobody else is about to bring or settle something. */
function isStuck({ cold, isSpilling, reserved }: MemoryState): boolean {
  return cold.count === 0 && !isSpilling && reserved.size === 0;
}

/** While the disk refuses, all of the limit is used. */
function mayFitNevertheless(state: MemoryState, sizeBytes: number): boolean {
  if (state.failure === undefined) return false;
  return state.storedBytes + state.reservedBytes + sizeBytes <= dataBytesMax(state);
}

const isInVain = ({ failure }: MemoryState, waitedMs: number): boolean =>
  failure !== undefined && waitedMs >= REFUSE_AFTER_MS;

function tellLevel(state: MemoryState, commands: MemoryCommand[]): void {
  const level = levelOf(state);
  if (level === state.level) return;
  state.level = level;
  commands.push({ kind: "tell-level", level });
}

function levelOf(state: MemoryState): MemoryLevel {
  const { fromBytes, toBytes, admitBytes } = marksOf(state);
  const takenBytes = state.storedBytes + state.reservedBytes;
  if (state.waiting.length > 0 || takenBytes > admitBytes) return "full";
  // What was spilled is to be used up before more is made. Two marks, so that it does not flicker.
  const mark = state.level === "free" ? fromBytes : toBytes;
  return Math.max(takenBytes, state.heldBytes) > mark ? "tight" : "free";
}
