import { readFileSync } from "node:fs";
import { totalmem } from "node:os";

const MIB = 1024 * 1024;
/** The rest of a machine is for its system, for files that are cached, and for others. */
const SHARE_OF_MACHINE = 0.75;
/** A control group's memory is for its processes alone; the rest is for the worker itself. */
const SHARE_OF_GROUP = 0.9;
/** Less than this is no limit that anything could run in. */
const LIMIT_BYTES_MIN = 16 * MIB;

export type MemoryLimit = {
  readonly limitBytes: number;
  /** Where it comes from, for the log. */
  readonly source: "option" | "control group" | "machine";
};

/** Reads a small file of the kernel; undefined if it is not there. */
export type ReadFile = (path: string) => string | undefined;

/**
 * How much memory a worker may use for data, functions and programs: what it was told, else what its
 * control group allows, else most of the machine; of the latter two its share of what `sharers`
 * workers use together.
 */
export function findMemoryLimit(
  { optionBytes, sharers }: { readonly optionBytes: number | undefined; readonly sharers: number },
  read: ReadFile = readKernelFile,
  machineBytes: number = totalmem(),
): MemoryLimit {
  if (optionBytes !== undefined) return { limitBytes: optionBytes, source: "option" };
  const groupBytes = SHARE_OF_GROUP * (findGroupLimit(read) ?? Number.POSITIVE_INFINITY);
  const ofMachine = SHARE_OF_MACHINE * machineBytes;
  const share = Math.min(groupBytes, ofMachine) / Math.max(1, sharers);
  return {
    limitBytes: Math.max(LIMIT_BYTES_MIN, MIB * Math.floor(share / MIB)),
    source: groupBytes < ofMachine ? "control group" : "machine",
  };
}

/** The least of the limits of our control group and those above it, of version 1 and 2; undefined for none. */
export function findGroupLimit(read: ReadFile): number | undefined {
  let least: number | undefined;
  for (const { directory, files } of findGroupDirectories(read)) {
    for (const file of files) {
      const text = read(`${directory}/${file}`)?.trim();
      if (text === undefined || !/^\d+$/.test(text)) continue;
      // Version 1 writes "no limit" as the largest number there is.
      const bytes = Number(text);
      if (bytes < 2 ** 60) least = Math.min(least ?? bytes, bytes);
    }
  }
  return least;
}

/** Where the files of our memory control group may be, and of those above it. */
export function findGroupDirectories(
  read: ReadFile,
): { readonly directory: string; readonly files: readonly string[] }[] {
  const found: { directory: string; files: readonly string[] }[] = [];
  for (const line of (read("/proc/self/cgroup") ?? "").split("\n")) {
    const [, id, controllers = "", path = ""] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    const isV2 = id === "0" && controllers === "";
    if (!isV2 && !controllers.split(",").includes("memory")) continue;
    const mounts = isV2 ? ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] : ["/sys/fs/cgroup/memory"];
    const files = isV2 ? ["memory.max", "memory.high"] : ["memory.limit_in_bytes"];
    for (const mount of mounts) {
      // In a container the path may be one that only the host sees; the mount's root is ours then.
      for (let at = path; ; at = at.slice(0, at.lastIndexOf("/"))) {
        found.push({ directory: `${mount}${at === "/" ? "" : at}`, files });
        if (at === "" || at === "/") break;
      }
    }
  }
  return found;
}

export function readKernelFile(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}
