import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** Clock ticks per second of /proc: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** The numbers of /proc/PID/stat after the command's name, which may hold spaces. */
function readStat(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
}

/**
 * CPU seconds of all threads of a process. From `schedstat`, in ns, where the kernel has it;
 * else utime + stime of `stat`, in steps of 10 ms.
 */
function ownCpuSeconds(pid: number): number {
  try {
    let ns = 0;
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    }
    return ns / 1e9;
  } catch {
    const stat = readStat(pid);
    return ((stat[11] ?? 0) + (stat[12] ?? 0)) / TICKS_PER_SECOND;
  }
}

/** Pids of all processes by that of their parent. */
function readChildren(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      const parent = readStat(pid)[1] ?? 0;
      const siblings = children.get(parent);
      if (siblings === undefined) children.set(parent, [pid]);
      else siblings.push(pid);
    } catch {
      // It ended meanwhile.
    }
  }
  return children;
}

/**
 * CPU seconds of processes and their descendants, those that ended and were waited for included.
 * @returns by the names of `pids`
 */
export function readCpuSeconds(pids: Readonly<Record<string, number>>): Record<string, number> {
  const children = readChildren();
  const secondsOf = (pid: number): number => {
    try {
      const stat = readStat(pid);
      let seconds = ownCpuSeconds(pid) + ((stat[13] ?? 0) + (stat[14] ?? 0)) / TICKS_PER_SECOND;
      for (const child of children.get(pid) ?? []) seconds += secondsOf(child);
      return seconds;
    } catch {
      return 0;
    }
  };
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, secondsOf(pid)]));
}

/** CPU seconds of everything on this machine since it was started, and the seconds of all its cpus. */
export function readMachineSeconds(): { readonly busy: number; readonly all: number } {
  const line = readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "";
  // user nice system idle iowait irq softirq steal; the rest is part of these.
  const ticks = line.split(/\s+/).slice(1, 9).map(Number);
  const all = ticks.reduce((sum, value) => sum + value, 0) / TICKS_PER_SECOND;
  return { busy: all - ((ticks[3] ?? 0) + (ticks[4] ?? 0)) / TICKS_PER_SECOND, all };
}

function statusBytes(pid: number, field: string): number {
  try {
    const match = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(
      readFileSync(`/proc/${pid}/status`, "utf8"),
    );
    return Number(match?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Resident memory now. */
export const residentBytes = (pid: number): number => statusBytes(pid, "VmRSS");

/** Greatest resident memory since the start, or since `resetPeak`. */
export const peakBytesOf = (pid: number): number => statusBytes(pid, "VmHWM");

/** Lets the peak begin anew at what is resident now, where the kernel allows that. */
export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, "5");
  } catch {
    // The peak then counts from the start of the process.
  }
}
