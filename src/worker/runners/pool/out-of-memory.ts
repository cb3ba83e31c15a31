const MIB = 1024 * 1024;

/** Why a runner was ended, or a call failed. The Python runner says the same of its own limit. */
export function outOfMemoryText(bytesMax: number): string {
  return `out of memory: it needed more than ${Math.floor(bytesMax / MIB)} MiB (--runner-memory)`;
}
