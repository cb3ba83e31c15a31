/** The function whose calls cost nothing but the call. */
export function increment(value: number): number {
  return value + 1;
}

/** Keeps a cpu busy for so long. */
export function spin(durationUs: number, _unique: number): number {
  const endMs = performance.now() + durationUs / 1000;
  let turns = 0;
  while (performance.now() < endMs) turns++;
  return turns;
}

/** Takes so long without a cpu, and returns so many bytes. */
export async function nap(
  durationMs: number,
  sizeBytes: number,
  _inputs: readonly Buffer[],
): Promise<Buffer> {
  const { setTimeout: delay } = await import("node:timers/promises");
  await delay(durationMs);
  return Buffer.alloc(sizeBytes);
}
