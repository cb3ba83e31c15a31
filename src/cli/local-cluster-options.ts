import { availableParallelism } from "node:os";
import { parseWholeNumber } from "./numbers.ts";

export const WORKERS_OPTION_HELP = "how many workers to start (default 1)";
export const CPUS_OPTION_HELP = "cpus of each worker (default: all of this machine, shared out)";

/** Shares the cpus of this machine among the workers, unless told otherwise. */
export function parseClusterSize(
  workersText: string | undefined,
  cpusText: string | undefined,
): { workers: number; cpus: number } {
  const workers = parseWholeNumber("--workers", workersText ?? "1", 1, 1024);
  const share = Math.max(1, Math.floor(availableParallelism() / workers));
  const cpus = parseWholeNumber("--cpus", cpusText ?? String(share), 1, 65_535);
  return { workers, cpus };
}
