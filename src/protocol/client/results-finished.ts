import type { CarriedResults } from "../../core/model/batches.ts";
import { ProtocolError } from "../protocol-error.ts";
import type { ByteReader } from "../wire/byte-reader.ts";
import type { ByteWriter } from "../wire/byte-writer.ts";
import { beginMessage, endMessage, putBytesField, putInt32Field } from "../wire/protobuf-fields.ts";
import { beginFrame, endFrame } from "./frame.ts";
import { RESPONSE_TYPE } from "./message-types.ts";
import { packFixed32, unpackFixed32, unpackSigned32 } from "./packed-columns.ts";

/** Tasks of one message, and bytes of results: so that it stays far below the limit of a response. */
const TASKS_PER_MESSAGE = 32_768;
const RESULT_BYTES_PER_MESSAGE = 4 * 1024 * 1024;

/** Results that are finished, and the bytes of some: positions are those of `ids`. */
export type ResultsFinished = {
  /** The client's numbers. */
  readonly ids: Int32Array;
  readonly carried: CarriedResults | undefined;
};

/** Appends as many frames as it takes. Only for clients with the capability "carried-results". */
export function encodeResultsFinished(
  writer: ByteWriter,
  { ids, carried }: ResultsFinished,
  limits: { readonly tasks: number; readonly resultBytes: number } = {
    tasks: TASKS_PER_MESSAGE,
    resultBytes: RESULT_BYTES_PER_MESSAGE,
  },
): void {
  let entry = 0;
  for (let first = 0; first < ids.length; ) {
    let end = Math.min(first + limits.tasks, ids.length);
    let entryEnd = entry;
    if (carried !== undefined) {
      const { positions, starts } = carried;
      const byteEnd = (starts[entry] as number) + limits.resultBytes;
      while (entryEnd < positions.length && (positions[entryEnd] as number) < end) {
        if (entryEnd > entry && (starts[entryEnd + 1] as number) > byteEnd) {
          end = positions[entryEnd] as number;
          break;
        }
        entryEnd += 1;
      }
    }
    encodeSome(writer, ids.subarray(first, end), carried, { entry, entryEnd, first });
    first = end;
    entry = entryEnd;
  }
}

function encodeSome(
  writer: ByteWriter,
  ids: Int32Array,
  carried: CarriedResults | undefined,
  { entry, entryEnd, first }: { entry: number; entryEnd: number; first: number },
): void {
  const frame = beginFrame(writer);
  putInt32Field(writer, 0x08, RESPONSE_TYPE.resultsFinished);
  const message = beginMessage(writer, 0x232);
  putBytesField(writer, 0x0a, packFixed32(ids));
  if (carried !== undefined && entryEnd > entry) {
    const { positions, dataTypes, frameCounts, starts, bytes } = carried;
    const count = entryEnd - entry;
    const ownPositions = positions.slice(entry, entryEnd);
    for (let i = 0; i < count; i += 1) ownPositions[i] = (ownPositions[i] as number) - first;
    const sizes = new Uint32Array(count);
    for (let i = 0; i < count; i += 1) {
      sizes[i] = (starts[entry + i + 1] as number) - (starts[entry + i] as number);
    }
    putBytesField(writer, 0x12, packFixed32(ownPositions));
    putBytesField(writer, 0x1a, packFixed32(Uint32Array.from(dataTypes.subarray(entry, entryEnd))));
    putBytesField(writer, 0x22, packFixed32(frameCounts.subarray(entry, entryEnd)));
    putBytesField(writer, 0x2a, packFixed32(sizes));
    putBytesField(writer, 0x32, bytes.subarray(starts[entry], starts[entryEnd]));
  }
  endMessage(writer, message);
  endFrame(writer, frame);
}

/** Decodes the nested message that `reader` stands before. Throws a ProtocolError. Copies what it keeps. */
export function decodeResultsFinished(reader: ByteReader): ResultsFinished {
  let ids = new Int32Array(0);
  let positions = new Uint32Array(0);
  let dataTypes = new Uint32Array(0);
  let frameCounts = new Uint32Array(0);
  let sizes = new Uint32Array(0);
  let bytes = new Uint8Array(0);
  const outerEnd = reader.enter();
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x0a) ids = unpackSigned32(reader.lengthPrefixed());
    else if (tag === 0x12) positions = unpackFixed32(reader.lengthPrefixed());
    else if (tag === 0x1a) dataTypes = unpackFixed32(reader.lengthPrefixed());
    else if (tag === 0x22) frameCounts = unpackFixed32(reader.lengthPrefixed());
    else if (tag === 0x2a) sizes = unpackFixed32(reader.lengthPrefixed());
    else if (tag === 0x32) bytes = reader.lengthPrefixed().slice();
    else reader.skip(tag);
  }
  reader.leave(outerEnd);
  const count = positions.length;
  if (dataTypes.length !== count || frameCounts.length !== count || sizes.length !== count) {
    throw new ProtocolError("columns of finished results differ in length");
  }
  if (count === 0) return { ids, carried: undefined };
  const starts = startsOf(sizes, bytes.length);
  requireRising(positions, ids.length);
  const types = Uint16Array.from(dataTypes);
  return { ids, carried: { positions, dataTypes: types, frameCounts, starts, bytes } };
}

function startsOf(sizes: Uint32Array, totalBytes: number): Uint32Array {
  const starts = new Uint32Array(sizes.length + 1);
  let sum = 0;
  for (let i = 0; i < sizes.length; i += 1) {
    sum += sizes[i] as number;
    if (sum > totalBytes) break;
    starts[i + 1] = sum;
  }
  if (sum !== totalBytes) throw new ProtocolError("finished results do not fill their bytes");
  return starts;
}

function requireRising(positions: Uint32Array, count: number): void {
  let previous = -1;
  for (const position of positions) {
    if (position <= previous || position >= count) {
      throw new ProtocolError("positions of finished results do not rise");
    }
    previous = position;
  }
}
