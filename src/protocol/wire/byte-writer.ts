import { assert } from "../../core/base/assert.ts";
import { encodeUtf8Into, utf8LengthBytes } from "../../core/base/utf8.ts";
import { varintSizeBytes } from "./varint-size.ts";

/**
 * A growable run of bytes, little-endian. Appending is amortized O(1) a byte. Hot encoders may call
 * `ensure` and write into `bytes` from `length` on themselves.
 */
export class ByteWriter {
  /** The buffer; only its first `length` bytes are written. It is replaced when it grows. */
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;
  private view: DataView<ArrayBuffer>;

  constructor(capacityBytes = 256) {
    this.bytes = new Uint8Array(capacityBytes);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room for so many more bytes. */
  ensure(moreBytes: number): void {
    const needed = this.length + moreBytes;
    if (needed > this.bytes.length) this.grow(needed);
  }

  private grow(neededBytes: number): void {
    const bytes = new Uint8Array(Math.max(neededBytes, this.bytes.length * 2));
    bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }

  /** Leaves room for so many bytes, to be patched, and returns where it begins. */
  reserve(sizeBytes: number): number {
    this.ensure(sizeBytes);
    const position = this.length;
    this.bytes.fill(0, position, position + sizeBytes);
    this.length += sizeBytes;
    return position;
  }

  u8(value: number): void {
    this.ensure(1);
    this.bytes[this.length++] = value;
  }

  u16(value: number): void {
    this.ensure(2);
    this.view.setUint16(this.length, value, true);
    this.length += 2;
  }

  u32(value: number): void {
    this.ensure(4);
    this.view.setUint32(this.length, value, true);
    this.length += 4;
  }

  i32(value: number): void {
    this.u32(value);
  }

  /** A whole number from 0 to 2^53 - 1, in 8 bytes. */
  u64(value: number): void {
    this.ensure(8);
    this.patchU64(this.length, value);
    this.length += 8;
  }

  f32(value: number): void {
    this.ensure(4);
    this.view.setFloat32(this.length, value, true);
    this.length += 4;
  }

  f64(value: number): void {
    this.ensure(8);
    this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** A whole number from 0 to 2^53 - 1, in 1 to 8 bytes. */
  varint(value: number): void {
    assert(value >= 0 && Number.isSafeInteger(value), "a varint is a whole number below 2^53");
    this.ensure(8);
    const { bytes } = this;
    let rest = value;
    while (rest >= 0x80) {
      bytes[this.length++] = (rest % 0x80) | 0x80;
      // Shifts would cut the number to 32 bits.
      rest = rest < 0x8000_0000 ? rest >>> 7 : Math.floor(rest / 0x80);
    }
    bytes[this.length++] = rest;
  }

  /** Protobuf's int32 and enum: a negative one is extended to 64 bits and takes 10 bytes. */
  int32(value: number): void {
    this.ensure(10);
    this.length = putInt32(this.bytes, this.length, value);
  }

  /** Protobuf's int64 of a safe integer; a negative one takes 10 bytes. */
  int64(value: number): void {
    if (value >= 0) {
      this.varint(value);
      return;
    }
    assert(Number.isSafeInteger(value), "an int64 is a whole number above -2^53");
    this.ensure(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    for (let i = 0; i < 9; i++) {
      this.bytes[this.length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.bytes[this.length++] = Number(rest);
  }

  raw(bytes: Uint8Array): void {
    this.ensure(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** A varint with the length, then the bytes. */
  lengthPrefixed(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** A varint with the length in bytes, then UTF-8. */
  string(text: string): void {
    const sizeBytes = utf8LengthBytes(text);
    this.ensure(varintSizeBytes(sizeBytes) + sizeBytes);
    this.varint(sizeBytes);
    this.putUtf8(text, sizeBytes);
  }

  /** UTF-8 without a length; `sizeBytes` is what `utf8LengthBytes` says. */
  putUtf8(text: string, sizeBytes: number): void {
    this.ensure(sizeBytes);
    const { bytes, length } = this;
    if (sizeBytes === text.length && sizeBytes < 64) {
      // The call into the encoder costs more than a short loop.
      for (let i = 0; i < sizeBytes; i++) bytes[length + i] = text.charCodeAt(i);
    } else {
      encodeUtf8Into(text, bytes.subarray(length, length + sizeBytes));
    }
    this.length += sizeBytes;
  }

  patchU8(position: number, value: number): void {
    this.bytes[position] = value;
  }

  patchU32(position: number, value: number): void {
    this.view.setUint32(position, value, true);
  }

  /** A whole number from 0 to 2^53 - 1. */
  patchU64(position: number, value: number): void {
    this.view.setUint32(position, value % 0x1_0000_0000, true);
    this.view.setUint32(position + 4, Math.floor(value / 0x1_0000_0000), true);
  }

  /** What was written, as a view: valid until the next write. */
  written(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }

  /** What was written, for the caller to keep; the writer begins again with a buffer of its own. */
  take(capacityBytes = 256): Uint8Array<ArrayBuffer> {
    const written = this.written();
    this.bytes = new Uint8Array(capacityBytes);
    this.view = new DataView(this.bytes.buffer);
    this.length = 0;
    return written;
  }

  /** Begins again in the same buffer. */
  clear(): void {
    this.length = 0;
  }
}

/** Writes protobuf's int32 at `position`, where 10 bytes must be free; returns the position after it. */
export function putInt32(bytes: Uint8Array, position: number, value: number): number {
  let at = position;
  let rest = value >>> 0;
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  if (value >= 0) {
    bytes[at++] = rest;
    return at;
  }
  // Four bits are left in the fifth byte; the sign fills the rest of the 64.
  bytes[at++] = rest | 0xf0;
  for (let i = 0; i < 4; i++) bytes[at++] = 0xff;
  bytes[at++] = 1;
  return at;
}
