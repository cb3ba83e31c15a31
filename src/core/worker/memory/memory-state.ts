import { ColdQueue } from "./cold-queue.ts";
import type { MemoryLevel } from "./memory-events.ts";

/** Whoever asked for memory and waits. */
export type Admission = {
  readonly id: number;
  readonly sizeBytes: number;
  readonly sinceMs: number;
};

/** What a worker's decisions about memory depend on. Only `stepMemory` writes it, but for the queue. */
export type MemoryState = {
  /** For data in memory, runners and programs together. */
  readonly limitBytes: number;
  /** What could be spilled. The owner of the values adds to it, removes from it and notes uses. */
  readonly cold: ColdQueue;
  /** Of data in memory, as measured last. */
  storedBytes: number;
  /** Of runners, programs and what they started, as measured last. */
  processBytes: number;
  /** Of all data of this worker, in memory and on disk, as measured last. */
  heldBytes: number;
  /** Admitted and not settled, by id. */
  readonly reserved: Map<number, number>;
  reservedBytes: number;
  /** In the order in which they asked. */
  waiting: Admission[];
  /** Entries are being written. */
  isSpilling: boolean;
  /** Spilling has begun, and goes on down to the lower mark: not one spill for each object. */
  isDraining: boolean;
  /** Why the last spill failed; until `retryAtMs` none is tried again. */
  failure: string | undefined;
  retryAtMs: number;
  level: MemoryLevel;
};

export function createMemoryState(
  limitBytes: number,
  cold: ColdQueue = new ColdQueue(),
): MemoryState {
  return {
    limitBytes,
    cold,
    storedBytes: 0,
    processBytes: 0,
    heldBytes: 0,
    reserved: new Map(),
    reservedBytes: 0,
    waiting: [],
    isSpilling: false,
    isDraining: false,
    failure: undefined,
    retryAtMs: 0,
    level: "free",
  };
}

/** Data may always take this share of the limit, whatever processes use: or nothing could move. */
const DATA_SHARE_MIN = 1 / 8;
/** Shares of what data may take: spilling begins and ends, and nothing more is admitted. */
const SPILL_FROM = 0.6;
const SPILL_TO = 0.45;
const ADMIT_TO = 0.8;

/** What data may take in memory now, in bytes. */
export function dataBytesMax({ limitBytes, processBytes }: MemoryState): number {
  return Math.max(DATA_SHARE_MIN * limitBytes, limitBytes - processBytes);
}

/** Above `fromBytes` of data in memory spilling begins, and goes on down to `toBytes`; above `admitBytes` nothing is admitted. */
export function marksOf(state: MemoryState): {
  readonly fromBytes: number;
  readonly toBytes: number;
  readonly admitBytes: number;
} {
  const max = dataBytesMax(state);
  return { fromBytes: SPILL_FROM * max, toBytes: SPILL_TO * max, admitBytes: ADMIT_TO * max };
}
