import { encodeUtf8 } from "../../core/base/utf8.ts";
import { ProtocolError } from "../protocol-error.ts";
import { ByteReader } from "../wire/byte-reader.ts";
import { ByteWriter } from "../wire/byte-writer.ts";

/**
 * A journal is a row of segments, each a file that is only ever appended to:
 *
 *     segment  | header | record | record | ...
 *     header   | "hljournl" | u32 version | u32 body bytes | u32 checksum | fields, see below |
 *     record   | u32 body bytes | u32 checksum of the body | body |
 *     body     | u8 type | ...
 *
 * All little-endian. Each write begins with a record that says how much of the segment was safe
 * before it. So what an end of power has torn can be told from damage: a bad record that lies
 * before a point that some later record calls safe was good once.
 */
export const JOURNAL_VERSION = 1;

/** CRC-32 of `bytes`, after those whose CRC is `start`. Shells pass the machine's own. */
export type Checksum = (bytes: Uint8Array, start?: number) => number;

const MAGIC: Uint8Array = encodeUtf8("hljournl");
const HEADER_FIXED_BYTES = 20;
export const RECORD_HEADER_BYTES = 8;
/** Bytes of a header: more than any has. */
export const MAX_HEADER_BYTES = 4096;

/** The type of the record that begins each write. */
const SAFE_UP_TO = 255;
const SAFE_BODY_BYTES = 9;
export const SAFE_RECORD_BYTES: number = RECORD_HEADER_BYTES + SAFE_BODY_BYTES;

export type SegmentHeader = {
  /** Rises by one from segment to segment. */
  readonly number: number;
  readonly clusterId: string;
  /** So much of the segment before it holds records; what follows there is what a write left that failed. */
  readonly previousBytes: number;
  /** Greater than all ids and serials that were given out before it. */
  readonly nextId: number;
  readonly nextSerial: number;
};

export function encodeSegmentHeader(
  checksum: Checksum,
  header: SegmentHeader,
): Uint8Array<ArrayBuffer> {
  const body = new ByteWriter();
  body.u64(header.number);
  body.u64(header.previousBytes);
  body.u64(header.nextId);
  body.u64(header.nextSerial);
  body.string(header.clusterId);
  const writer = new ByteWriter();
  writer.raw(MAGIC);
  writer.u32(JOURNAL_VERSION);
  writer.u32(body.length);
  writer.u32(checksum(body.written()));
  writer.raw(body.written());
  return writer.take();
}

/** What the first bytes of a segment are. */
export type HeaderFound =
  | { readonly kind: "header"; readonly header: SegmentHeader; readonly sizeBytes: number }
  /** The bytes end before the header does: nothing was safe of the segment. */
  | { readonly kind: "torn" }
  | { readonly kind: "other-version"; readonly version: number }
  | { readonly kind: "not-a-journal" };

/** `bytes` are the segment's first `MAX_HEADER_BYTES`, or all of it. */
export function readSegmentHeader(checksum: Checksum, bytes: Uint8Array): HeaderFound {
  for (let i = 0; i < Math.min(bytes.length, MAGIC.length); i += 1) {
    if (bytes[i] !== MAGIC[i]) {
      // Zeros are what some file systems leave of a write that was not safe.
      return bytes.every((byte) => byte === 0) ? { kind: "torn" } : { kind: "not-a-journal" };
    }
  }
  if (bytes.length < HEADER_FIXED_BYTES) return { kind: "torn" };
  const reader = new ByteReader(bytes, MAGIC.length);
  const version = reader.u32();
  if (version !== JOURNAL_VERSION) return { kind: "other-version", version };
  const bodyBytes = reader.u32();
  const expected = reader.u32();
  if (bodyBytes > MAX_HEADER_BYTES - HEADER_FIXED_BYTES) return { kind: "not-a-journal" };
  if (reader.remainingBytes < bodyBytes) return { kind: "torn" };
  const body = reader.raw(bodyBytes);
  if (checksum(body) !== expected) return { kind: "torn" };
  try {
    const fields = new ByteReader(body);
    const header = {
      number: fields.u64(),
      previousBytes: fields.u64(),
      nextId: fields.u64(),
      nextSerial: fields.u64(),
      clusterId: fields.string(),
    };
    return { kind: "header", header, sizeBytes: reader.position };
  } catch (error) {
    if (error instanceof ProtocolError) return { kind: "not-a-journal" };
    throw error;
  }
}

/** What stands before a body of these parts. */
export function encodeRecordHeader(
  checksum: Checksum,
  parts: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  let sizeBytes = 0;
  let crc = 0;
  for (const part of parts) {
    sizeBytes += part.length;
    crc = checksum(part, crc);
  }
  const writer = new ByteWriter(RECORD_HEADER_BYTES);
  writer.u32(sizeBytes);
  writer.u32(crc);
  return writer.take();
}

/** The record that begins a write: `safeBytes` of the segment are safe. */
export function encodeSafeRecord(checksum: Checksum, safeBytes: number): Uint8Array<ArrayBuffer> {
  const body = new ByteWriter(SAFE_BODY_BYTES);
  body.u8(SAFE_UP_TO);
  body.u64(safeBytes);
  const writer = new ByteWriter(SAFE_RECORD_BYTES);
  writer.raw(encodeRecordHeader(checksum, [body.written()]));
  writer.raw(body.written());
  return writer.take();
}

/** Of the body of a record that begins a write: how much was safe; else undefined. */
export function readSafeBytes(body: Uint8Array): number | undefined {
  if (body.length !== SAFE_BODY_BYTES || body[0] !== SAFE_UP_TO) return undefined;
  const reader = new ByteReader(body, 1);
  const low = reader.u32();
  return reader.u32() * 0x1_0000_0000 + low;
}
