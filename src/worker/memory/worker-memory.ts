import type { Log } from "../../core/base/log.ts";
import { bytesText } from "../../core/base/units.ts";
import type {
  MemoryCommand,
  MemoryEvent,
  MemoryLevel,
} from "../../core/worker/memory/memory-events.ts";
import { createMemoryState, marksOf } from "../../core/worker/memory/memory-state.ts";
import { stepMemory } from "../../core/worker/memory/step-memory.ts";
import { TaskError } from "../executors/task-error.ts";
import type { MemoryGate } from "../store/store.ts";
import type { ValueTable } from "../store/value-table.ts";
import { collectGarbage, garbageBytes } from "./collect-garbage.ts";
import type { Spiller } from "./spiller.ts";

/** How often a worker looks that has more than it should. */
const LOOK_MS = 100;
/** So much garbage, as a share of the limit or in bytes, is left to the engine. */
const GARBAGE_SHARE_MAX = 0.2;
const GARBAGE_BYTES_MIN = 32 * 1024 * 1024;

/** How a worker's memory is used, for people. */
export type MemoryUsage = {
  readonly limitBytes: number;
  /** Data in memory, runners and programs. */
  readonly usedBytes: number;
  /** Data on disk that was in memory before. */
  readonly spilledBytes: number;
  readonly level: MemoryLevel;
};

export type WorkerMemoryOptions = {
  readonly values: ValueTable;
  readonly limitBytes: number;
  readonly spiller: Spiller;
  readonly log: Log;
};

/** The worker's memory: who may take some, and what is spilled to make room. */
export type WorkerMemory = MemoryGate & {
  /** Bytes that runners and programs use now. */
  setProcessBytes(sizeBytes: number): void;
  usage(): MemoryUsage;
  /** Called when the level has changed. */
  onLevel: () => void;
  /** Nothing is spilled any more, and whoever waits is told so. Resolves when the last write has ended. */
  dispose(): Promise<void>;
};

type Waiting = {
  readonly resolve: (settle: () => void) => void;
  readonly reject: (error: unknown) => void;
};

/** Carries out what `stepMemory` decides. What stays below the first mark costs a comparison. */
export function createWorkerMemory(options: WorkerMemoryOptions): WorkerMemory {
  const { values, limitBytes, spiller, log } = options;
  const state = createMemoryState(limitBytes, values.cold);
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let processBytes = 0;
  let isDisposed = false;
  let spilling: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let failureLogged: string | undefined;
  /** Marks as of the last step, less what is reserved. */
  let checkBytes = 0;
  let admitBytes = 0;

  const step = (event: MemoryEvent): void => {
    for (const command of stepMemory(state, event)) run(command);
    const marks = marksOf(state);
    checkBytes = marks.fromBytes - state.reservedBytes;
    admitBytes = marks.admitBytes - state.reservedBytes;
    if (state.level === "free" && state.waiting.length === 0) clearTimer();
    else timer ??= setInterval(look, LOOK_MS).unref();
  };

  const clearTimer = (): void => {
    clearInterval(timer);
    timer = undefined;
  };

  const measure = (): void => {
    const storedBytes = values.memoryBytes;
    const heldBytes = values.capacityBytes + values.files.ownedBytes;
    step({ kind: "measured", atMs: performance.now(), storedBytes, processBytes, heldBytes });
  };

  const look = (): void => {
    const garbageBytesMax = Math.max(GARBAGE_BYTES_MIN, GARBAGE_SHARE_MAX * limitBytes);
    if (garbageBytes(values.capacityBytes) > garbageBytesMax) collectGarbage();
    measure();
    if (state.waiting.length > 0) step({ kind: "time-passed", atMs: performance.now() });
  };

  const run = (command: MemoryCommand): void => {
    switch (command.kind) {
      case "spill":
        if (!isDisposed) spilling = spill(command.entries);
        break;
      case "admit":
        for (const id of command.ids) take(id)?.resolve(() => settle(id));
        break;
      case "refuse":
        for (const id of command.ids) take(id)?.reject(noRoom(command.reason));
        break;
      case "tell-level":
        memory.onLevel();
    }
  };

  const spill = async (entries: Uint32Array): Promise<void> => {
    const failure = await spiller.spill(entries);
    if (isDisposed) return;
    if (failure !== undefined && failure.reason !== failureLogged) {
      log("error", "cannot spill data to disk", { reason: failure.reason });
    }
    failureLogged = failure?.reason;
    const atMs = performance.now();
    if (failure === undefined) step({ kind: "spilled", atMs });
    else step({ kind: "spill-failed", atMs, ...failure });
    measure();
  };

  const take = (id: number): Waiting | undefined => {
    const found = waiting.get(id);
    waiting.delete(id);
    return found;
  };

  const settle = (id: number): void => {
    step({ kind: "settled", atMs: performance.now(), id });
    measure();
  };

  const noRoom = (reason: string): TaskError =>
    new TaskError({
      kind: "disk-full",
      message: `The worker's memory of ${bytesText(limitBytes)} is full, and data cannot be spilled to disk: ${reason}. Make room on the disk, or choose another place with --spill-dir, or more memory with --memory.`,
    });

  const hasRoomFor = (sizeBytes: number): boolean =>
    waiting.size === 0 && values.memoryBytes + sizeBytes <= admitBytes;

  const memory: WorkerMemory = {
    admit(sizeBytes) {
      if (hasRoomFor(sizeBytes)) return undefined;
      measure();
      if (hasRoomFor(sizeBytes)) return undefined;
      lastId += 1;
      const id = lastId;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        step({ kind: "asked", atMs: performance.now(), id, sizeBytes });
      });
    },
    hasRoom: () => hasRoomFor(0),
    check() {
      if (values.memoryBytes > checkBytes) measure();
    },
    setProcessBytes(sizeBytes) {
      if (sizeBytes === processBytes) return;
      processBytes = sizeBytes;
      measure();
    },
    usage: () => ({
      limitBytes,
      usedBytes: values.memoryBytes + processBytes,
      spilledBytes: values.files.spilledBytes,
      level: state.level,
    }),
    onLevel: () => {},
    async dispose() {
      isDisposed = true;
      clearTimer();
      for (const { reject } of waiting.values()) reject(new Error("the worker stops"));
      waiting.clear();
      await spilling;
    },
  };
  measure();
  return memory;
}
