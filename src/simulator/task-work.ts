/**
 * What a simulated task does: the config of all its tasks but `get` and `slice`, whose configs are
 * those of the real ones because the scheduler itself makes such tasks.
 */
export type TaskWork = {
  /** Time on an idle cpu of a worker of usual speed. */
  readonly durationUs: number;
  readonly sizeBytes: number;
  /** Makes the value differ from that of a task that is otherwise the same. */
  readonly salt: number;
  /** `hash`: a new value out of all inputs. `fold`: the inputs, and the items of arrays, joined in order. */
  readonly operation: "hash" | "fold";
  readonly fails: boolean;
  /** So many times it fails before it does not, whoever tries. */
  readonly failures: number;
  /** Into how many items `split` splits its input. */
  readonly pieces: number;
};

const WORK_BYTES = 32;

/**
 *     f64 duration | f64 size | u32 salt | u32 pieces | u8 operation | u8 fails | u8 failures | 5 unused
 */
export function encodeTaskWork(work: TaskWork): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(WORK_BYTES);
  const view = new DataView(bytes.buffer);
  view.setFloat64(0, work.durationUs, true);
  view.setFloat64(8, work.sizeBytes, true);
  view.setUint32(16, work.salt, true);
  view.setUint32(20, work.pieces, true);
  view.setUint8(24, work.operation === "fold" ? 1 : 0);
  view.setUint8(25, work.fails ? 1 : 0);
  view.setUint8(26, work.failures);
  return bytes;
}

/** Throws a RangeError where the bytes were not made by `encodeTaskWork`. */
export function decodeTaskWork(bytes: Uint8Array): TaskWork {
  if (bytes.length !== WORK_BYTES) {
    throw new RangeError(`a simulated task's config has ${WORK_BYTES} bytes, got ${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    durationUs: view.getFloat64(0, true),
    sizeBytes: view.getFloat64(8, true),
    salt: view.getUint32(16, true),
    pieces: view.getUint32(20, true),
    operation: view.getUint8(24) === 1 ? "fold" : "hash",
    fails: view.getUint8(25) === 1,
    failures: view.getUint8(26),
  };
}
