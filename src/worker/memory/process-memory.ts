import { readdirSync, readlinkSync } from "node:fs";
import { readKernelFile } from "./memory-limit.ts";

const KIB = 1024;

/** A process as the kernel tells of it. */
export type SeenProcess = { readonly parentPid: number; readonly sessionId: number };

/** The processes of this machine, as far as we may see them; a test gives others. */
export type ProcessView = {
  /** All pids. */
  list(): number[];
  find(pid: number): SeenProcess | undefined;
  /** Where it works, and what it reads and writes. */
  paths(pid: number): string[];
  /** Memory in use that is not mapped from files, in bytes; what it shares with a child counts with both. */
  residentBytes(pid: number): number;
  /** The same, where what is shared counts once; slow. */
  proportionalBytes(pid: number): number;
};

export const systemProcesses: ProcessView = {
  list: () => {
    const pids: number[] = [];
    for (const name of readdirSync("/proc")) {
      const first = name.charCodeAt(0);
      if (first >= 0x30 && first <= 0x39) pids.push(Number(name));
    }
    return pids;
  },
  find: (pid) => {
    const text = readKernelFile(`/proc/${pid}/stat`);
    if (text === undefined) return undefined;
    // The command's name may hold anything; the last bracket closes it.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { parentPid: Number(fields[1]), sessionId: Number(fields[3]) };
  },
  paths: (pid) => {
    const paths: string[] = [];
    for (const link of ["cwd", "fd/1", "fd/2"]) {
      try {
        paths.push(readlinkSync(`/proc/${pid}/${link}`));
      } catch {
        // Another user's process, a closed descriptor, or it has ended.
      }
    }
    return paths;
  },
  residentBytes: (pid) => {
    const text = readKernelFile(`/proc/${pid}/status`) ?? "";
    return fieldBytes(text, "RssAnon") + fieldBytes(text, "RssShmem");
  },
  proportionalBytes: (pid) => {
    const text = readKernelFile(`/proc/${pid}/smaps_rollup`);
    if (text === undefined || !text.includes("Pss_Anon")) return systemProcesses.residentBytes(pid);
    return fieldBytes(text, "Pss_Anon") + fieldBytes(text, "Pss_Shmem");
  },
};

function fieldBytes(text: string, name: string): number {
  const [, kib] = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text) ?? [];
  return KIB * Number(kib ?? 0);
}

/** How often the system has ended a process of this machine, or of our control group, because memory ran out. */
export function countOomKills(read: (path: string) => string | undefined = readKernelFile): number {
  const [, count] = /^oom_kill (\d+)$/m.exec(read("/proc/vmstat") ?? "") ?? [];
  return Number(count ?? 0);
}
