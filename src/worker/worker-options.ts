import type { Confinement } from "../access/confinement.ts";
import { createPass, type Pass } from "../access/pass.ts";
import type { Log } from "../core/base/log.ts";
import type { NamedAmount } from "../protocol/client/register.ts";

export type WorkerOptions = {
  readonly serverHost: string;
  readonly serverPort: number;
  /** Cpus that it offers. */
  readonly cpus: number;
  /** What else it offers, by the short name, such as `gpus`. */
  readonly resources?: readonly NamedAmount[];
  /** Address that it serves data at, and that others are told. Default: the one that the server sees. */
  readonly host?: string;
  /** Directory in which it makes its work directory. Default: the system's for temporary files. */
  readonly parentDirectory?: string;
  /** What messages name it by. Default: its address. */
  readonly name?: string;
  /** Whether programs run only on the cpus that their task was given. Default true. */
  readonly isPinning?: boolean;
  /** Whether workers on the same file system take over each other's files. Default true. */
  readonly sharesFiles?: boolean;
  /** Paths of modules with task types of their own. */
  readonly modules?: readonly string[];
  /** What starts programs. Default: the launchers of this package. */
  readonly launchers?: { readonly compiledPath: string; readonly nodePath: string };
  /** The Python that runs functions, if it can. Default: the first of those that `python-interpreter.ts` names. */
  readonly python?: string;
  /** Bytes that each process may use which calls functions. Default: see `defaultRunnerMemory`. */
  readonly runnerMemoryBytes?: number;
  /** Bytes that data in memory, functions and programs may use together. Default: see `findMemoryLimit`. */
  readonly memoryBytes?: number;
  /** Workers that share this machine's memory, or its control group's, this one included. Default 1. */
  readonly memorySharers?: number;
  /** Directory in which it makes one for what does not fit into memory. Default: see `makeSpillPlace`. */
  readonly spillDirectory?: string;
  /** Bytes that spilled data may take on disk. Default: no limit but the disk's. */
  readonly spillQuotaBytes?: number;
  /** Bytes that spilling leaves free on the disk. Default: see `spiller.ts`. */
  readonly keepFreeBytes?: number;
  /** Which files plans may name; default: all. */
  readonly files?: Confinement | undefined;
  /** What it shows of itself to the server and others; default: nothing beyond this machine. */
  readonly pass?: Pass | undefined;
  /** Time that programs have to end, when they are canceled or late, before they are killed. Default 5 s. */
  readonly killGraceMs?: number;
  /**
   * How long it looks for a server whose connection broke, with what it holds and runs, before it ends.
   * Default 0: it ends at once.
   */
  readonly reattachForMs?: number;
  readonly log: Log;
  /** Ends the start. */
  readonly signal?: AbortSignal;
};

export const passOf = ({ pass }: WorkerOptions): Pass => pass ?? createPass(undefined, "worker");

/** How a worker ended without being disposed of. */
export type WorkerEnd =
  /** The server told it to. */
  { readonly kind: "stopped" } | { readonly kind: "server-lost"; readonly reason: string };
