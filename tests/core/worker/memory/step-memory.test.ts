import { expect, test } from "vitest";
import type {
  MemoryCommand,
  MemoryEvent,
} from "../../../../src/core/worker/memory/memory-events.ts";
import {
  createMemoryState,
  type MemoryState,
} from "../../../../src/core/worker/memory/memory-state.ts";
import { stepMemory } from "../../../../src/core/worker/memory/step-memory.ts";

/** Data may take 100 bytes: spilling from 60 to 45, nothing is admitted above 80. */
const LIMIT = 100;

type Untimed = MemoryEvent extends infer Event
  ? Event extends MemoryEvent
    ? Omit<Event, "atMs">
    : never
  : never;

function send(state: MemoryState, event: Untimed, atMs = 0): MemoryCommand[] {
  return stepMemory(state, { ...event, atMs } as MemoryEvent);
}

const measured = (storedBytes: number, more: { processBytes?: number; heldBytes?: number } = {}) =>
  ({ kind: "measured", storedBytes, processBytes: 0, heldBytes: storedBytes, ...more }) as const;

/** A state with so many entries of 10 bytes. */
function filled(entries: number): MemoryState {
  const state = createMemoryState(LIMIT);
  for (let entry = 0; entry < entries; entry++) state.cold.add(entry, 10);
  return state;
}

test("below the mark nothing happens", () => {
  expect(send(filled(6), measured(60))).toEqual([]);
});

test("above it the coldest are spilled, until the lower mark is reached", () => {
  const state = filled(7);
  state.cold.use(0);
  expect(send(state, measured(70))).toEqual([
    { kind: "spill", entries: Uint32Array.of(1, 2, 3) },
    { kind: "tell-level", level: "tight" },
  ]);
  expect(send(state, measured(65))).toEqual([]);
  expect(send(state, { kind: "spilled" })).toEqual([
    { kind: "spill", entries: Uint32Array.of(4, 5) },
  ]);
  send(state, measured(20, { heldBytes: 70 }));
  expect(send(state, { kind: "spilled" })).toEqual([]);
});

test("memory of processes leaves less for data, but never nothing", () => {
  const state = filled(2);
  expect(send(state, measured(20, { processBytes: 50 }))).toEqual([]);
  expect(send(state, measured(20, { processBytes: 90 }))).toMatchObject([
    { kind: "spill" },
    { kind: "tell-level", level: "full" },
  ]);
});

test("admissions are granted in order, as the memory that was admitted is settled", () => {
  const state = filled(0);
  send(state, measured(10));
  expect(send(state, { kind: "asked", id: 1, sizeBytes: 60 })).toEqual([
    { kind: "admit", ids: [1] },
    { kind: "tell-level", level: "tight" },
  ]);
  expect(send(state, { kind: "asked", id: 2, sizeBytes: 50 })).toEqual([
    { kind: "tell-level", level: "full" },
  ]);
  // It would fit, but it is not its turn.
  expect(send(state, { kind: "asked", id: 3, sizeBytes: 1 })).toEqual([]);
  expect(send(state, { kind: "settled", id: 1 })).toEqual([
    { kind: "admit", ids: [2, 3] },
    { kind: "tell-level", level: "tight" },
  ]);
});

test("who waits is admitted when a spill has made room", () => {
  const state = filled(8);
  send(state, measured(80));
  expect(send(state, { kind: "asked", id: 1, sizeBytes: 10 })).toEqual([
    { kind: "tell-level", level: "full" },
  ]);
  send(state, measured(40, { heldBytes: 80 }));
  expect(send(state, { kind: "spilled" })).toEqual([]);
  expect(state.waiting).toEqual([]);
});

test("what is larger than all of the memory comes in when nothing else can make room", () => {
  const state = filled(1);
  send(state, measured(10));
  expect(send(state, { kind: "asked", id: 1, sizeBytes: 500 })).toMatchObject([
    { kind: "spill", entries: Uint32Array.of(0) },
    { kind: "tell-level" },
  ]);
  send(state, measured(0));
  expect(send(state, { kind: "spilled" })).toMatchObject([{ kind: "admit", ids: [1] }]);
});

test("while the disk refuses, all of the limit is used; then who waits is refused, and the disk is tried again", () => {
  const state = filled(7);
  send(state, measured(70));
  const failed = {
    kind: "spill-failed",
    entries: Uint32Array.of(0, 1, 2),
    sizesBytes: Uint32Array.of(10, 10, 10),
    reason: "no space",
  } as const;
  expect(send(state, failed)).toEqual([]);
  expect(state.cold.count).toBe(7);
  expect(send(state, { kind: "asked", id: 1, sizeBytes: 30 })).toMatchObject([
    { kind: "admit", ids: [1] },
    { kind: "tell-level", level: "full" },
  ]);
  expect(send(state, { kind: "asked", id: 2, sizeBytes: 10 })).toEqual([]);
  expect(send(state, { kind: "time-passed" }, 1500)).toMatchObject([{ kind: "spill" }]);
  send(state, failed, 1600);
  expect(send(state, { kind: "time-passed" }, 5000)).toMatchObject([
    { kind: "spill" },
    { kind: "refuse", ids: [2], reason: "no space" },
  ]);
  send(state, { kind: "spilled" }, 5100);
  expect(state.failure).toBe(undefined);
});

test("a worker whose data is mostly on disk is tight, too", () => {
  const state = filled(0);
  expect(send(state, measured(10, { heldBytes: 70 }))).toEqual([
    { kind: "tell-level", level: "tight" },
  ]);
  expect(send(state, measured(10, { heldBytes: 50 }))).toEqual([]);
  expect(send(state, measured(10, { heldBytes: 40 }))).toEqual([
    { kind: "tell-level", level: "free" },
  ]);
});
