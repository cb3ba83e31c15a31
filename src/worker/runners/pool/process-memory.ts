import { readFileSync } from "node:fs";

/**
 * Memory in use of which no other process has a part, in bytes: not what is mapped from files, such
 * as inputs, which the system can take back at any time. Undefined for a process that has ended,
 * and where there is no /proc.
 */
export function measureOwnMemory(pid: number): number | undefined {
  try {
    const [, kib] =
      /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
    return kib === undefined ? undefined : 1024 * Number(kib);
  } catch {
    return undefined;
  }
}
