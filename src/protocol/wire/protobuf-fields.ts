import type { ByteWriter } from "./byte-writer.ts";
import { varintSizeBytes } from "./varint-size.ts";

/** Appends an optional int32, enum or bool field, unless it is undefined. */
export function putInt32Field(writer: ByteWriter, tag: number, value: number | undefined): void {
  if (value === undefined) return;
  writer.varint(tag);
  writer.int32(value);
}

/** Appends an optional int64 field, unless it is undefined. */
export function putInt64Field(writer: ByteWriter, tag: number, value: number | undefined): void {
  if (value === undefined) return;
  writer.varint(tag);
  writer.int64(value);
}

/** Appends an optional string field, unless it is undefined. */
export function putStringField(writer: ByteWriter, tag: number, text: string | undefined): void {
  if (text === undefined) return;
  writer.varint(tag);
  writer.string(text);
}

/** Appends an optional bytes field, unless it is undefined. */
export function putBytesField(
  writer: ByteWriter,
  tag: number,
  bytes: Uint8Array | undefined,
): void {
  if (bytes === undefined) return;
  writer.varint(tag);
  writer.lengthPrefixed(bytes);
}

/** Begins a nested message; `endMessage` takes the position that it returns. */
export function beginMessage(writer: ByteWriter, tag: number): number {
  writer.varint(tag);
  return writer.reserve(1);
}

/** Sets the length of a nested message, moving it where one byte is too few for that. */
export function endMessage(writer: ByteWriter, position: number): void {
  const start = position + 1;
  const { length: end } = writer;
  const extra = varintSizeBytes(end - start) - 1;
  if (extra > 0) {
    writer.reserve(extra);
    writer.bytes.copyWithin(start + extra, start, end);
  }
  writer.length = position;
  writer.varint(end - start);
  writer.length = end + extra;
}
