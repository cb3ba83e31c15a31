import type { FaultName } from "./faults/catalog.ts";
import type { WorkloadName } from "./workloads/catalog.ts";

/** What decides a simulation: the same options, the same history. */
export type SimulationOptions = {
  readonly seed: number;
  readonly workload: WorkloadName;
  /** About how many tasks each client's workload has. */
  readonly taskCount: number;
  readonly clientCount: number;
  readonly workerCount: number;
  readonly cpusPerWorker: number;
  readonly faults: readonly FaultName[];
  /** Numbers of what faults bring about that is left out; see `Occurrence`. */
  readonly without: readonly number[];
  /** One way between the server and a worker, a client, or between workers. */
  readonly latencyUs: number;
  /** Bytes a microsecond, of each worker in each direction; 1000 is 1 GB/s. */
  readonly bytesPerUs: number;
  /** Of each worker, for data; undefined for as much as it wants. */
  readonly memoryBytes: number | undefined;
  /** Share of the results that clients fetch. */
  readonly fetchShare: number;
  /** Whether workers are given tasks whose inputs they are still to make. */
  readonly givesAhead: boolean;
  /** Rows and edges that one step of the scheduler works on; few, so that plans take many steps. */
  readonly workPerStep: number;
  /** Whether both brains check their whole state after each step. */
  readonly checksInvariants: boolean;
};

export const DEFAULT_OPTIONS: SimulationOptions = {
  seed: 1,
  workload: "layered",
  taskCount: 60,
  clientCount: 1,
  workerCount: 3,
  cpusPerWorker: 2,
  faults: [],
  without: [],
  latencyUs: 100,
  bytesPerUs: 1000,
  memoryBytes: undefined,
  fetchShare: 0.5,
  givesAhead: true,
  workPerStep: 16_384,
  checksInvariants: true,
};

/** The command that runs the simulation with these options again. */
export function reproducingCommand(options: SimulationOptions): string {
  const flags = [
    `--seed ${options.seed}`,
    `--workload ${options.workload}`,
    `--tasks ${options.taskCount}`,
    `--clients ${options.clientCount}`,
    `--workers ${options.workerCount}`,
    `--cpus ${options.cpusPerWorker}`,
    `--latency-us ${options.latencyUs}`,
    `--bytes-per-us ${options.bytesPerUs}`,
    `--fetch-share ${options.fetchShare}`,
  ];
  if (options.memoryBytes !== undefined) flags.push(`--memory-bytes ${options.memoryBytes}`);
  if (options.faults.length > 0) flags.push(`--faults ${options.faults.join(",")}`);
  if (options.without.length > 0) flags.push(`--without ${options.without.join(",")}`);
  if (options.workPerStep !== DEFAULT_OPTIONS.workPerStep) {
    flags.push(`--work-per-step ${options.workPerStep}`);
  }
  if (!options.givesAhead) flags.push("--not-ahead");
  if (!options.checksInvariants) flags.push("--no-invariants");
  return `npm run simulate -- ${flags.join(" ")}`;
}
