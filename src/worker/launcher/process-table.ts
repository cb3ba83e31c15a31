import { uptime } from "node:os";
import {
  findProcessStat,
  listAncestors,
  listPids,
  listUsedPaths,
  type ProcessStat,
  resolveDirectory,
} from "./process-stat.ts";

/** A run whose processes are looked for. */
export type TrackedRun = {
  /** Pid, group and session of its program; 0 where unknown. */
  readonly pid: number;
  /** Without symbolic links. */
  readonly directory: string;
  /** Since the machine was started. */
  readonly startedMs: number;
};

/** Start times have a resolution of 10 ms, and the uptime too. */
const START_TIME_SLACK_MS = 30;

/**
 * Knows which processes of the machine belong to which run, without help from the kernel: from the
 * tree of parents, from sessions, and for what has left both from the run's directory.
 *
 * Each process is looked at once, when it is first seen, so a refresh costs one listing of /proc.
 */
export class ProcessTable<Run extends TrackedRun> {
  readonly #runs = new Set<Run>();
  readonly #runsByPid = new Map<number, Run>();
  /** Of every process seen at the last refresh; `undefined` means that it is none of ours. */
  #owners = new Map<number, Run | undefined>();
  /** Who may be the parent of an orphan: init, or a subreaper above us. Never the worker itself. */
  readonly #reapers: ReadonlySet<number>;

  /** `workerPid` is the worker, which may be above us but adopts nobody. */
  constructor(workerPid: number) {
    const reapers = listAncestors(process.pid);
    if (workerPid !== 1) reapers.delete(workerPid);
    this.#reapers = reapers;
  }

  add(run: Run): void {
    this.#runs.add(run);
    if (run.pid > 0) this.#runsByPid.set(run.pid, run);
  }

  /** Forgets the run; what may be left of it is no longer found. */
  remove(run: Run): void {
    this.#runs.delete(run);
    if (run.pid > 0) this.#runsByPid.delete(run.pid);
    for (const [pid, owner] of this.#owners) if (owner === run) this.#owners.set(pid, undefined);
  }

  /** Looks for new and ended processes. Call it also before the first run after a pause: pids come again. */
  refresh(): void {
    const before = this.#owners;
    const now = new Map<number, Run | undefined>();
    this.#owners = now;
    for (const pid of listPids()) {
      // Parents mostly have lower pids; where pids have wrapped around, the session tells.
      if (before.has(pid)) now.set(pid, before.get(pid));
      else if (this.#runs.size === 0) now.set(pid, undefined);
      else {
        const stat = findProcessStat(pid);
        if (stat !== undefined) now.set(pid, this.#findOwner(stat));
      }
    }
  }

  /** Pids of the run's living processes as of the last refresh, its program excluded. */
  listOthers(run: Run): number[] {
    const pids: number[] = [];
    for (const [pid, owner] of this.#owners) {
      if (owner !== run || pid === run.pid) continue;
      // In a container without a real init, zombies may stay for ever.
      if (findProcessStat(pid)?.isZombie === false) pids.push(pid);
    }
    return pids;
  }

  #findOwner(stat: ProcessStat): Run | undefined {
    const known =
      this.#runsByPid.get(stat.pid) ??
      this.#runsByPid.get(stat.sessionId) ??
      this.#runsByPid.get(stat.parentPid) ??
      this.#owners.get(stat.parentPid);
    if (known !== undefined) return known;
    // From here on a stranger could be meant, such as a shell in which somebody looks at the files.
    if (stat.hasTerminal || !this.#reapers.has(stat.parentPid)) return undefined;
    const paths = listUsedPaths(stat.pid);
    for (const run of this.#runs) {
      if (stat.startedMs < run.startedMs - START_TIME_SLACK_MS) continue;
      if (paths.some((path) => isInside(run.directory, path))) return run;
    }
    return undefined;
  }
}

function isInside(directory: string, path: string): boolean {
  return directory.length > 1 && (path === directory || path.startsWith(`${directory}/`));
}

/** What {@link ProcessTable} needs to know of a run that was started `ageMs` ago. */
export function createTrackedRun(pid: number, directory: string, ageMs: number): TrackedRun {
  return { pid, directory: resolveDirectory(directory), startedMs: uptime() * 1000 - ageMs };
}

/** Signals a process, or a whole group by its negative number. Returns whether there was one to signal. */
export function signalProcess(pid: number, signal: number | NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    // EPERM: a program that changed its user; it is there, and is looked for again.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
