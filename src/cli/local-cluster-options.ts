import { availableParallelism } from "node:os";
import type { LocalClusterOptions } from "../client/index.ts";
import { parseWholeNumber } from "./numbers.ts";

/** The options, and their help, of the commands that start a cluster of this machine. */
export const CLUSTER_OPTIONS = {
  workers: ["-w, --workers <n>", "how many workers to start (default 1)"],
  cpus: ["-c, --cpus <n>", "cpus of each worker (default: all of this machine, shared out)"],
  memory: [
    "--memory <size>",
    "memory of each worker, such as 2G (default: most of it, shared out)",
  ],
  wdir: ["--wdir <directory>", "where workers make their work directories"],
  load: ["--load <file>", "module of task types that workers load; may be repeated"],
} as const;

export type ClusterOptionTexts = {
  readonly workers?: string | undefined;
  readonly cpus?: string | undefined;
  readonly memory?: string | undefined;
  readonly wdir?: string | undefined;
  readonly load: readonly string[];
};

/** For commander: gathers the values of an option that may be repeated. */
export const gather = (value: string, earlier: readonly string[]): readonly string[] => [
  ...earlier,
  value,
];

/** Shares the cpus of this machine among the workers, unless told otherwise. */
export function parseClusterOptions(
  texts: ClusterOptionTexts,
): LocalClusterOptions & { readonly workers: number; readonly cpus: number } {
  const workers = parseWholeNumber("--workers", texts.workers ?? "1", 1, 1024);
  const share = Math.max(1, Math.floor(availableParallelism() / workers));
  const cpus = parseWholeNumber("--cpus", texts.cpus ?? String(share), 1, 65_535);
  const { memory, wdir, load } = texts;
  return {
    workers,
    cpus,
    load,
    ...(memory !== undefined && { memory }),
    ...(wdir !== undefined && { workDirectory: wdir }),
  };
}
