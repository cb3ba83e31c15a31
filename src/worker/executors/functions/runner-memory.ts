import { totalmem } from "node:os";

const MIB = 1024 * 1024;
/** The rest is for the worker, for files that are cached, and for the system. */
const SHARE_OF_MACHINE = 0.75;
/** Less than this is not enough for usual libraries, so several runners may have to share more than there is. */
const BYTES_MIN = 512 * MIB;

/**
 * How much memory each process that calls functions may use: an equal share for each cpu, so that
 * functions on all cpus at once do not exhaust the machine, or what its control group may use of it.
 */
export function defaultRunnerMemory(cpus: number): number {
  // As large as a number can be where nothing is constrained; 0 where nobody knows.
  const constrained = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  const share = (SHARE_OF_MACHINE * Math.min(totalmem(), constrained)) / Math.max(1, cpus);
  return Math.max(BYTES_MIN, MIB * Math.floor(share / MIB));
}
