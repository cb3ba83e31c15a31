import { TaskError } from "../task-error.ts";

/**
 * What a client wants of a call besides its arguments. It stands behind the pickle in the config,
 * where a reader of pickles does not look:
 *
 *     pickle | JSON in UTF-8 | u32 LE bytes of the JSON | "LOOMOPTS"
 */
export type CallOptions = {
  /** `time_limit_ms`: a call that takes longer is ended and fails. */
  readonly timeLimitMs: number | undefined;
};

const MAGIC = Buffer.from("LOOMOPTS");
const NONE: CallOptions = { timeLimitMs: undefined };
const TAIL_BYTES = 4 + MAGIC.length;

/** Throws a TaskError for options that make no sense. */
export function readCallOptions(config: Uint8Array): CallOptions {
  if (config[config.length - 1] !== MAGIC[MAGIC.length - 1]) return NONE;
  const bytes = Buffer.from(config.buffer, config.byteOffset, config.byteLength);
  const tail = bytes.length - TAIL_BYTES;
  if (tail < 0 || !bytes.subarray(tail + 4).equals(MAGIC)) return NONE;
  const jsonBytes = bytes.readUInt32LE(tail);
  try {
    if (jsonBytes > tail) throw new RangeError("they are cut off");
    const options: unknown = JSON.parse(bytes.toString("utf8", tail - jsonBytes, tail));
    const { time_limit_ms: timeLimitMs } = options as { readonly time_limit_ms?: unknown };
    if (timeLimitMs === undefined || timeLimitMs === null) return { timeLimitMs: undefined };
    if (typeof timeLimitMs !== "number" || !(timeLimitMs > 0)) {
      throw new RangeError(`time_limit_ms is ${String(timeLimitMs)}`);
    }
    return { timeLimitMs };
  } catch (error) {
    throw new TaskError({ message: `The call's options cannot be read: ${String(error)}` });
  }
}
