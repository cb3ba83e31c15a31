import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/**
 * The cpus of this machine that a worker with `count` cpus pins its programs to: a share that starts
 * at another place for each worker, so that those of one machine do not crowd on the first cpus.
 * Empty, which means unpinned, if this process has fewer.
 */
export function choosePinnedCpus(count: number, workerId: number): number[] {
  const allowed = listAllowedCpus();
  if (count > allowed.length) return [];
  const start = (workerId * count) % allowed.length;
  return Array.from({ length: count }, (_, i) => allowed[(start + i) % allowed.length] ?? 0);
}

function listAllowedCpus(): number[] {
  let text = "";
  try {
    text = readFileSync("/proc/self/status", "utf8");
  } catch {
    // Not Linux: the cpus are numbered from 0.
  }
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(text)?.[1];
  return list === undefined
    ? Array.from({ length: availableParallelism() }, (_, i) => i)
    : parseCpuList(list);
}

/** `0-2,5` is 0, 1, 2, 5. */
export function parseCpuList(list: string): number[] {
  return list.split(",").flatMap((part) => {
    const [first = 0, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
