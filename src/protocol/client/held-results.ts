import { ProtocolError } from "../protocol-error.ts";
import type { ByteReader } from "../wire/byte-reader.ts";
import type { ByteWriter } from "../wire/byte-writer.ts";
import { beginMessage, endMessage, putBytesField, putInt32Field } from "../wire/protobuf-fields.ts";
import { packFixed32, unpackSigned32 } from "./packed-columns.ts";

/** The client waits for it. */
export const RESULT_PENDING = 0;
/** The client was told that it is finished. */
export const RESULT_FINISHED = 1;
/** The same, and its value is at the client. */
export const RESULT_HERE = 2;

/**
 * What a client has when it comes back: whatever the server has of its results and is not named here
 * was released. Large ones go in several parts.
 */
export type HeldResults = {
  /** First ids of the plans with results that are pending, or of which no PLAN_ACCEPTED has come. */
  readonly planBases: Int32Array;
  /** Run i: results `runStarts[i]` and up, so many of `runCounts[i]`, in the state of `runStates[i]`. Rising. */
  readonly runStarts: Int32Array;
  readonly runCounts: Int32Array;
  readonly runStates: Uint8Array;
  /** Another part follows. */
  readonly hasMore: boolean;
};

/** Appends the nested message. */
export function encodeHeldResults(writer: ByteWriter, tag: number, held: HeldResults): void {
  const message = beginMessage(writer, tag);
  putBytesField(writer, 0x0a, packFixed32(held.planBases));
  putBytesField(writer, 0x12, packFixed32(held.runStarts));
  putBytesField(writer, 0x1a, packFixed32(held.runCounts));
  putBytesField(writer, 0x22, held.runStates);
  if (held.hasMore) putInt32Field(writer, 0x28, 1);
  endMessage(writer, message);
}

/** Decodes the nested message that comes next. Throws a ProtocolError. */
export function decodeHeldResults(reader: ByteReader): HeldResults {
  let planBases = new Int32Array(0);
  let runStarts = new Int32Array(0);
  let runCounts = new Int32Array(0);
  let runStates = new Uint8Array(0);
  let hasMore = false;
  const outerEnd = reader.enter();
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x0a) planBases = unpackSigned32(reader.lengthPrefixed());
    else if (tag === 0x12) runStarts = unpackSigned32(reader.lengthPrefixed());
    else if (tag === 0x1a) runCounts = unpackSigned32(reader.lengthPrefixed());
    else if (tag === 0x22) runStates = reader.lengthPrefixed().slice();
    else if (tag === 0x28) hasMore = reader.bool();
    else reader.skip(tag);
  }
  reader.leave(outerEnd);
  checkRuns(runStarts, runCounts, runStates);
  return { planBases, runStarts, runCounts, runStates, hasMore };
}

function checkRuns(starts: Int32Array, counts: Int32Array, states: Uint8Array): void {
  if (starts.length !== counts.length || starts.length !== states.length) {
    throw new ProtocolError("columns of the results that a client has differ in length");
  }
  let end = -Infinity;
  for (let i = 0; i < starts.length; i += 1) {
    const start = starts[i] as number;
    const count = counts[i] as number;
    const isSound = start >= end && count > 0 && (states[i] as number) <= RESULT_HERE;
    if (!isSound) throw new ProtocolError(`run ${i} of the results that a client has is not one`);
    end = start + count;
  }
}
