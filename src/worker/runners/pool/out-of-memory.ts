const MIB = 1024 * 1024;

/** How every such text begins. */
export const OUT_OF_MEMORY = "out of memory";

/** Why a runner was ended, or a call failed. The Python runner says the same of its own limit. */
export function outOfMemoryText(bytesMax: number): string {
  return `${OUT_OF_MEMORY}: it needed more than ${Math.floor(bytesMax / MIB)} MiB (--runner-memory)`;
}
