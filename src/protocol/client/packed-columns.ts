import { ProtocolError } from "../protocol-error.ts";

/** A packed field of type fixed32 or sfixed32, which travels as it lies in memory. */
export function packFixed32(column: Uint32Array | Int32Array): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}

/** A copy, aligned. Throws a ProtocolError. */
export function unpackFixed32(bytes: Uint8Array): Uint32Array<ArrayBuffer> {
  return new Uint32Array(aligned(bytes));
}

/** As `unpackFixed32`, of sfixed32. */
export function unpackSigned32(bytes: Uint8Array): Int32Array<ArrayBuffer> {
  return new Int32Array(aligned(bytes));
}

function aligned(bytes: Uint8Array): ArrayBuffer {
  if (bytes.length % 4 !== 0) {
    throw new ProtocolError(`expected 4 bytes for each number, got ${bytes.length} in all`);
  }
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy.buffer;
}
