const MIB = 1024 * 1024;
/** Less than this is not enough for usual libraries, so several runners may have to share more than there is. */
const BYTES_MIN = 512 * MIB;

/**
 * How much memory each process that calls functions may use: an equal share of the worker's for each
 * cpu, so that functions on all cpus at once do not exceed it.
 */
export function defaultRunnerMemory(cpus: number, limitBytes: number): number {
  const share = limitBytes / Math.max(1, cpus);
  return Math.max(BYTES_MIN, MIB * Math.floor(share / MIB));
}
