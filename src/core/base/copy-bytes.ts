/** Up to here a loop is quicker than a view and a call of the runtime. */
const LOOP_BYTES_MAX = 48;

/** Copies `source[start .. start + sizeBytes]` to `target` from `at` on, without a view where it is short. */
export function copyBytes(
  source: Uint8Array,
  start: number,
  sizeBytes: number,
  target: Uint8Array,
  at: number,
): void {
  if (sizeBytes > LOOP_BYTES_MAX) {
    target.set(source.subarray(start, start + sizeBytes), at);
    return;
  }
  for (let i = 0; i < sizeBytes; i += 1) target[at + i] = source[start + i] as number;
}
