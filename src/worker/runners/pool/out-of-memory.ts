const MIB = 1024 * 1024;

/** How every such text begins. */
export const OUT_OF_MEMORY = "out of memory";

/** The kernel did it. */
export const SYSTEM_OUT_OF_MEMORY: string = `${OUT_OF_MEMORY}: the system killed it by SIGKILL, since the memory of the machine ran out`;

/** Why a runner was ended, or a call failed. The Python runner says the same of its own limit. */
export function outOfMemoryText(bytesMax: number): string {
  return `${OUT_OF_MEMORY}: it needed more than ${Math.floor(bytesMax / MIB)} MiB (resources.memory of the task, else --runner-memory of the worker)`;
}
