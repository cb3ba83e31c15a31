// Functions that tell when and where they run.
import { existsSync, writeFileSync } from "node:fs";

/** Milliseconds since 1970 at which a call had begun and was not over, and its process. */
export type Span = readonly [startMs: number, endMs: number, pid: number];

export async function work(durationMs: number): Promise<Span> {
  // The clock of milliseconds is rounded down: this one lies within the call.
  const startMs = Date.now() + 1;
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  return [startMs, Date.now(), process.pid];
}

/** Says that it runs, spins while the file `hold` is there, and returns as many bytes as it got. */
export function pass(input: Uint8Array, running: string, hold: string): Uint8Array {
  writeFileSync(running, `${process.pid} ${process.ppid}`);
  while (existsSync(hold));
  return Buffer.alloc(input.length, 1);
}

/** Says that it runs, and never ends. */
export function spin(running: string): never {
  writeFileSync(running, `${process.pid} ${process.ppid}`);
  for (;;);
}

/** Takes memory until it has so many bytes, which nobody is to give it. */
export function allocate(bytesMax: number): number {
  const kept: number[][] = [];
  for (let bytes = 0; bytes < bytesMax; bytes += 8e6) kept.push(new Array(1e6).fill(bytes));
  return kept.length;
}
