import type { Watched } from "../../memory/process-watch.ts";
import type { Entry, Runner } from "../runner.ts";

/** Calls that one runner makes one after another. */
export type Lane = {
  readonly id: number;
  slot: Slot | undefined;
  /** Calls that its runner has not been sent. */
  waiting: Entry[];
  /** Calls that have not ended and were not killed. */
  unfinished: number;
  /** What its runner may use. */
  readonly memoryBytesMax: number;
};

/** A runner and what it is used for. */
export type Slot = {
  readonly runner: Runner;
  /** What it may use. */
  readonly memoryBytesMax: number;
  lane: Lane | undefined;
  watched: Watched | undefined;
  /** The call that it is with, as far as is known. */
  head: Entry | undefined;
  isHeadWatched: boolean;
  limitTimer: NodeJS.Timeout | undefined;
  /** The call for which it was ended. */
  timedOut: Entry | undefined;
  /** What ran at the last look at those that take long. */
  seenRunning: Entry | undefined;
  /** Whether what it gives back is to leave its lane. */
  isPostponing: boolean;
};

export function createLane(id: number, memoryBytesMax: number): Lane {
  return { id, slot: undefined, waiting: [], unfinished: 0, memoryBytesMax };
}

export function createSlot(runner: Runner, lane: Lane): Slot {
  return {
    runner,
    memoryBytesMax: lane.memoryBytesMax,
    lane,
    watched: undefined,
    head: undefined,
    isHeadWatched: false,
    limitTimer: undefined,
    timedOut: undefined,
    seenRunning: undefined,
    isPostponing: false,
  };
}
