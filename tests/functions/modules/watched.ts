// Functions that tell when and where they run.
import { existsSync, renameSync, writeFileSync } from "node:fs";

/** Milliseconds since 1970 at which a call had begun and was not over, and its process. */
export type Span = readonly [startMs: number, endMs: number, pid: number];

export async function work(durationMs: number): Promise<Span> {
  // The clock of milliseconds is rounded down: this one lies within the call.
  const startMs = Date.now() + 1;
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  return [startMs, Date.now(), process.pid];
}

/** Says that it runs, spins while the file `hold` is there, and returns as many bytes as it got. */
export function pass(running: string, hold: string, input: Uint8Array): Uint8Array {
  writeFileSync(`${running}.new`, `${process.pid} ${process.ppid}`);
  renameSync(`${running}.new`, running);
  while (existsSync(hold));
  return Buffer.alloc(input.length, 1);
}

/** Writes the time into the file `last` until it is ended. */
export async function linger(last: string): Promise<void> {
  for (;;) {
    writeFileSync(`${last}.new`, String(Date.now()));
    renameSync(`${last}.new`, last);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
