import type { MemoryReport } from "../core/model/worker-memory.ts";
import type { MemoryCommand, MemoryEvent } from "../core/worker/memory/memory-events.ts";
import { createMemoryState, type MemoryState } from "../core/worker/memory/memory-state.ts";
import { stepMemory } from "../core/worker/memory/step-memory.ts";
import type { World } from "./world.ts";

/** How fast a simulated disk is written. */
const DISK_BYTES_PER_US = 100;

/** A worker's memory, by the brain of the real one: data in it, a disk that takes its time. */
export type SimulatedMemory = {
  /** Has the action run, which puts so many bytes into memory, when there is room. */
  admit(sizeBytes: number, action: () => void): void;
  /** The object is in memory now. */
  put(key: string, sizeBytes: number): void;
  use(key: string): void;
  drop(key: string): void;
  /** The worker is gone. */
  stop(): void;
};

/** What all memories of a simulation had. */
export type MemoryTotals = {
  peakBytes: number;
  spilledBytes: number;
  heldPeakBytes: number;
  /** What came in at once: nothing is split. */
  largestBytes: number;
};

type Entry = { readonly key: string; readonly sizeBytes: number; isSpilled: boolean };

export function createSimulatedMemory(
  world: World,
  limitBytes: number,
  tell: (report: MemoryReport) => void,
): SimulatedMemory {
  const { clock, memoryTotals } = world;
  const state: MemoryState = createMemoryState(limitBytes);
  const entries: (Entry | undefined)[] = [];
  const numbers = new Map<string, number>();
  const waiting = new Map<number, () => void>();
  let storedBytes = 0;
  let heldBytes = 0;
  let lastId = 0;
  let isStopped = false;

  const step = (event: MemoryEvent): void => {
    if (isStopped) return;
    for (const command of stepMemory(state, event)) carryOut(command);
  };

  const measure = (): void => {
    memoryTotals.peakBytes = Math.max(memoryTotals.peakBytes, storedBytes);
    memoryTotals.heldPeakBytes = Math.max(memoryTotals.heldPeakBytes, heldBytes);
    const atMs = clock.nowMs();
    step({ kind: "measured", atMs, storedBytes, processBytes: 0, heldBytes });
  };

  const carryOut = (command: MemoryCommand): void => {
    switch (command.kind) {
      case "spill":
        spill(command.entries);
        break;
      case "admit":
        for (const id of command.ids) clock.schedule(0, () => enter(id));
        break;
      case "refuse":
        throw new Error("a simulated disk refuses nothing");
      case "tell-level":
        tell({
          limitBytes,
          usedBytes: storedBytes,
          spilledBytes: heldBytes - storedBytes,
          isTight: command.level !== "free",
        });
    }
  };

  const enter = (id: number): void => {
    const action = waiting.get(id);
    waiting.delete(id);
    if (isStopped) return;
    action?.();
    step({ kind: "settled", atMs: clock.nowMs(), id });
    measure();
  };

  const spill = (numbersToSpill: Uint32Array): void => {
    const written = Array.from(numbersToSpill, (number) => entries[number]);
    const sizeBytes = written.reduce((sum, entry) => sum + (entry?.sizeBytes ?? 0), 0);
    memoryTotals.spilledBytes += sizeBytes;
    clock.schedule(sizeBytes / DISK_BYTES_PER_US, () => {
      for (const entry of written) {
        // It may have been dropped meanwhile.
        if (entry === undefined || entries[numbers.get(entry.key) ?? -1] !== entry) continue;
        entry.isSpilled = true;
        storedBytes -= entry.sizeBytes;
      }
      step({ kind: "spilled", atMs: clock.nowMs() });
      measure();
    });
  };

  return {
    admit(sizeBytes, action) {
      lastId += 1;
      memoryTotals.largestBytes = Math.max(memoryTotals.largestBytes, sizeBytes);
      waiting.set(lastId, action);
      measure();
      step({ kind: "asked", atMs: clock.nowMs(), id: lastId, sizeBytes });
    },
    put(key, sizeBytes) {
      if (numbers.has(key)) return;
      const number = entries.length;
      const entry = { key, sizeBytes, isSpilled: false };
      entries.push(entry);
      numbers.set(key, number);
      storedBytes += sizeBytes;
      heldBytes += sizeBytes;
      state.cold.add(number, sizeBytes);
    },
    use(key) {
      const number = numbers.get(key);
      if (number !== undefined) state.cold.use(number);
    },
    drop(key) {
      const number = numbers.get(key);
      const entry = entries[number ?? -1];
      if (number === undefined || entry === undefined) return;
      numbers.delete(key);
      entries[number] = undefined;
      state.cold.remove(number);
      heldBytes -= entry.sizeBytes;
      if (!entry.isSpilled) storedBytes -= entry.sizeBytes;
      measure();
    },
    stop() {
      isStopped = true;
    },
  };
}
