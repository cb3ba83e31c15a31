import { type HeldByClient, RESULT_HERE } from "../../core/model/held-by-client.ts";
import { ProtocolError } from "../protocol-error.ts";
import type { ByteReader } from "../wire/byte-reader.ts";
import type { ByteWriter } from "../wire/byte-writer.ts";
import { beginMessage, endMessage, putBytesField, putInt32Field } from "../wire/protobuf-fields.ts";
import { packFixed32, unpackSigned32 } from "./packed-columns.ts";

/** A part of what a client has when it comes back. */
export type HeldResults = HeldByClient & {
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
  putBytesField(writer, 0x32, packFixed32(held.planCounts));
  endMessage(writer, message);
}

/** Decodes the nested message that comes next. Throws a ProtocolError. */
export function decodeHeldResults(reader: ByteReader): HeldResults {
  let planBases = new Int32Array(0);
  let planCounts = new Int32Array(0);
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
    else if (tag === 0x32) planCounts = unpackSigned32(reader.lengthPrefixed());
    else reader.skip(tag);
  }
  reader.leave(outerEnd);
  checkRuns(planBases, planCounts, new Uint8Array(planBases.length));
  checkRuns(runStarts, runCounts, runStates);
  return { planBases, planCounts, runStarts, runCounts, runStates, hasMore };
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

/** All parts in one. Throws a ProtocolError if they do not rise. */
export function joinHeldResults(parts: readonly HeldResults[]): HeldByClient {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const planBases = joinColumns(parts.map((part) => part.planBases));
  const planCounts = joinColumns(parts.map((part) => part.planCounts));
  const runStarts = joinColumns(parts.map((part) => part.runStarts));
  const runCounts = joinColumns(parts.map((part) => part.runCounts));
  const runStates = Uint8Array.from(
    joinColumns(parts.map(({ runStates: states }) => Int32Array.from(states))),
  );
  checkRuns(planBases, planCounts, new Uint8Array(planBases.length));
  checkRuns(runStarts, runCounts, runStates);
  return { planBases, planCounts, runStarts, runCounts, runStates };
}

function joinColumns(columns: readonly Int32Array[]): Int32Array {
  const joined = new Int32Array(columns.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const column of columns) {
    joined.set(column, at);
    at += column.length;
  }
  return joined;
}
