import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";

/** What /proc says about a process. */
export type ProcessStat = {
  readonly pid: number;
  readonly parentPid: number;
  readonly groupId: number;
  readonly sessionId: number;
  readonly hasTerminal: boolean;
  /** It has ended, and only waits for its parent to notice. */
  readonly isZombie: boolean;
  /** Since the machine was started, with a resolution of 10 ms. */
  readonly startedMs: number;
};

/** The unit of times in /proc is 1/100 s on every architecture that Node runs on. */
const MS_PER_TICK = 10;

/** The pids of all processes, in ascending order. */
export function listPids(): number[] {
  const pids: number[] = [];
  for (const name of readdirSync("/proc")) {
    const first = name.charCodeAt(0);
    if (first >= 0x30 && first <= 0x39) pids.push(Number(name));
  }
  return pids.sort((a, b) => a - b);
}

/** A process that has ended in the meantime is `undefined`. */
export function findProcessStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    // Nothing but the end of the process makes this file unreadable.
    return undefined;
  }
  // The command's name may hold anything, also brackets; the last one closes it.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    pid,
    isZombie: fields[0] === "Z" || fields[0] === "X",
    parentPid: Number(fields[1]),
    groupId: Number(fields[2]),
    sessionId: Number(fields[3]),
    hasTerminal: fields[4] !== "0",
    startedMs: Number(fields[19]) * MS_PER_TICK,
  };
}

/** Directories and files that a process uses: its cwd, stdin, stdout, stderr. Empty where we may not look. */
export function listUsedPaths(pid: number): string[] {
  const paths: string[] = [];
  for (const link of ["cwd", "fd/0", "fd/1", "fd/2"]) {
    try {
      paths.push(readlinkSync(`/proc/${pid}/${link}`));
    } catch {
      // Another user's process, a closed descriptor, or the process has ended: it uses nothing of ours.
    }
  }
  return paths;
}

/** The path without symbolic links, as /proc shows it; itself where it does not exist. */
export function resolveDirectory(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** All processes above this one, up to 1. */
export function listAncestors(pid: number): Set<number> {
  const ancestors = new Set<number>([1]);
  for (let at = findProcessStat(pid)?.parentPid; at !== undefined && at > 1; ) {
    if (ancestors.has(at)) break;
    ancestors.add(at);
    at = findProcessStat(at)?.parentPid;
  }
  return ancestors;
}
