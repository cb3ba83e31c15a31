import type { SchedulerCounters } from "../core/scheduler/state.ts";

/** What a simulation that ended well took. */
export type SimulationReport = {
  readonly seed: number;
  /** Virtual time until the last client had what it wanted. */
  readonly makespanMs: number;
  /** Digest of all frames that arrived, where and when. */
  readonly history: string;
  /** Actions of the world that were played. */
  readonly events: number;
  /** Frames between server, workers and clients. */
  readonly messages: number;
  readonly messageBytes: number;
  readonly executions: number;
  /** Objects and their bytes that moved between workers. */
  readonly transfers: number;
  readonly bytesMoved: number;
  /** What would have moved if no task had run where any of its inputs was. */
  readonly edgeBytes: number;
  /** Of the worker that had most: data in memory; and data at all, also on disk. */
  readonly memoryPeakBytes: number;
  readonly heldPeakBytes: number;
  /** The most that came into a memory at once. */
  readonly largestBytes: number;
  /** Written to disk by all workers, since it did not fit. */
  readonly spilledBytes: number;
  readonly scheduler: Readonly<SchedulerCounters>;
};
