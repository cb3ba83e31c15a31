import { readSync } from "node:fs";
import type { ToRunner } from "../messages.ts";
import { FRAMES_FD, retried } from "./descriptors.ts";

const PREFIX_BYTES = 8;
/** Small frames are read together. */
const CHUNK_BYTES = 64 * 1024;
/** Less room than this at the end of a chunk is not worth a read. */
const ROOM_BYTES_MIN = 4096;

/** A message, and the bytes that it is about: memory that is not used again. */
export type Frame = { readonly message: ToRunner; readonly payload: Buffer };

/**
 * Reads frames one after another and waits for each: without a call, a runner has nothing to do.
 * `next` gives undefined at the end.
 */
export type FrameSource = { next(): Frame | undefined };

export function createFrameSource(): FrameSource {
  let chunk = Buffer.alloc(0);
  let start = 0;
  let end = 0;

  /** Has at least `bytes` of the stream lie from `start` on; false where it ends before. */
  const fill = (bytes: number): boolean => {
    if (chunk.length - start < Math.max(bytes, ROOM_BYTES_MIN)) {
      const larger = Buffer.allocUnsafeSlow(Math.max(bytes, CHUNK_BYTES));
      chunk.copy(larger, 0, start, end);
      chunk = larger;
      end -= start;
      start = 0;
    }
    while (end - start < bytes) {
      const count = retried(() => readSync(FRAMES_FD, chunk, end, chunk.length - end, null));
      if (count === 0) return false;
      end += count;
    }
    return true;
  };

  return {
    next() {
      if (!fill(PREFIX_BYTES)) return undefined;
      const headerBytes = chunk.readUInt32LE(start);
      const payloadBytes = chunk.readUInt32LE(start + 4);
      if (!fill(PREFIX_BYTES + headerBytes + payloadBytes)) return undefined;
      const headerStart = start + PREFIX_BYTES;
      const payloadStart = headerStart + headerBytes;
      start = payloadStart + payloadBytes;
      return {
        message: JSON.parse(chunk.toString("utf8", headerStart, payloadStart)) as ToRunner,
        payload: chunk.subarray(payloadStart, start),
      };
    },
  };
}
