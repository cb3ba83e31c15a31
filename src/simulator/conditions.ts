import type { WriteEnd } from "./virtual-journal.ts";

/** What is the matter with the world. Faults change it; all parts of a simulation look at it. */
export type Conditions = {
  /** By position of the workers of the beginning: when each joins. */
  readonly joinsAtUs: number[];
  /** By position: how much slower than usual a worker executes; 1 where absent. */
  readonly slowness: number[];
  /** Of a pull: that it breaks off before it has brought anything. */
  breakProbability: number;
  /** Of a checkpoint file: that it is not there for the worker that is to load it. */
  vanishProbability: number;
  /** Each message takes longer by up to this share of the usual latency, by chance. */
  jitterShare: number;
  /** Of what a worker and the server say to each other: that it arrives once more, later. */
  repeatProbability: number;
  /** Workers that cannot store anything. */
  readonly fullWorkers: Set<number>;
  /** The server keeps a journal, and all clients can come back. */
  keepsJournal: boolean;
  /** How each of the first servers ends, counting the writes of its own. */
  readonly deaths: {
    readonly atWrite: number;
    readonly end: WriteEnd;
    readonly restartedAfterUs: number;
  }[];
};

export function createConditions(): Conditions {
  return {
    joinsAtUs: [],
    slowness: [],
    breakProbability: 0,
    vanishProbability: 0,
    jitterShare: 0.5,
    repeatProbability: 0,
    fullWorkers: new Set(),
    keepsJournal: false,
    deaths: [],
  };
}
