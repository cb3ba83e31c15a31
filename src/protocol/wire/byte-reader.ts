import { decodeUtf8Lossy } from "../../core/base/utf8.ts";
import { MAX_GROUP_DEPTH } from "../limits.ts";
import { unexpected } from "../protocol-error.ts";
import { decodeUtf8 } from "./utf8.ts";

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const START_GROUP = 3;
const END_GROUP = 4;
const FIXED32 = 5;

/** Upper 32 bits, unsigned, of the varint read last: a second result without an object for it. */
let high = 0;

/**
 * Reads bytes from `position` to `end`, little-endian. Every read is checked against `end` and
 * throws a ProtocolError when it would pass it. What it returns of bytes are views, not copies.
 */
export class ByteReader {
  readonly bytes: Uint8Array;
  position: number;
  end: number;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  get remainingBytes(): number {
    return this.end - this.position;
  }

  /** Throws unless so many bytes are left. */
  need(sizeBytes: number): void {
    if (sizeBytes > this.end - this.position) {
      throw unexpected(
        `${sizeBytes} more bytes at offset ${this.position}`,
        `only ${this.end - this.position}`,
      );
    }
  }

  u8(): number {
    this.need(1);
    return this.bytes[this.position++] as number;
  }

  u16(): number {
    this.need(2);
    const { bytes, position } = this;
    this.position += 2;
    return (bytes[position] as number) | ((bytes[position + 1] as number) << 8);
  }

  u32(): number {
    return this.i32() >>> 0;
  }

  i32(): number {
    this.need(4);
    const { bytes, position } = this;
    this.position += 4;
    return (
      (bytes[position] as number) |
      ((bytes[position + 1] as number) << 8) |
      ((bytes[position + 2] as number) << 16) |
      ((bytes[position + 3] as number) << 24)
    );
  }

  /** A number above 2^53 - 1 is refused. */
  u64(): number {
    const low = this.u32();
    return this.safe(this.u32() * 0x1_0000_0000 + low);
  }

  f32(): number {
    this.need(4);
    const { buffer, byteOffset } = this.bytes;
    const value = new DataView(buffer, byteOffset + this.position).getFloat32(0, true);
    this.position += 4;
    return value;
  }

  f64(): number {
    this.need(8);
    const { buffer, byteOffset } = this.bytes;
    const value = new DataView(buffer, byteOffset + this.position).getFloat64(0, true);
    this.position += 8;
    return value;
  }

  /** An unsigned number of up to 10 bytes; one above 2^53 - 1 is refused. */
  varint(): number {
    const first = this.bytes[this.position] as number;
    if (first < 0x80 && this.position < this.end) {
      this.position++;
      return first;
    }
    const low = this.int32() >>> 0;
    return this.safe(high * 0x1_0000_0000 + low);
  }

  /** Protobuf's int32, enum and bool: the low 32 bits of a varint of up to 10 bytes, signed. */
  int32(): number {
    const { bytes, end } = this;
    let at = this.position;
    let low = 0;
    high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) throw unexpected("the rest of a varint", "the end of the message");
      const byte = bytes[at++] as number;
      if (shift < 32) low |= (byte & 0x7f) << shift;
      if (shift === 28) high = (byte & 0x7f) >>> 4;
      else if (shift > 28) high |= shift < 63 ? (byte & 0x7f) << (shift - 32) : (byte & 1) << 31;
      if (byte < 0x80) {
        high >>>= 0;
        this.position = at;
        return low;
      }
    }
    throw unexpected("a varint of at most 10 bytes", `a longer one at ${this.position}`);
  }

  /** Protobuf's int64; what a safe integer cannot hold is refused. */
  int64(): number {
    const low = this.int32() >>> 0;
    return this.safe((high | 0) * 0x1_0000_0000 + low);
  }

  /** Protobuf's bool: true for any varint but 0. */
  bool(): boolean {
    return this.int32() !== 0 || high !== 0;
  }

  private safe(value: number): number {
    if (Number.isSafeInteger(value)) return value;
    throw unexpected("a whole number below 2^53", `${value} before ${this.position}`);
  }

  raw(sizeBytes: number): Uint8Array {
    this.need(sizeBytes);
    const start = this.position;
    this.position += sizeBytes;
    return this.bytes.subarray(start, this.position);
  }

  /** A varint with a length that the remaining bytes bear out. */
  lengthPrefix(): number {
    const sizeBytes = this.varint();
    this.need(sizeBytes);
    return sizeBytes;
  }

  lengthPrefixed(): Uint8Array {
    return this.raw(this.lengthPrefix());
  }

  /** Text that must be UTF-8, after its length. */
  string(): string {
    return decodeUtf8(this.lengthPrefixed());
  }

  /** Text for a person to read, after its length: what is not UTF-8 becomes U+FFFD. */
  text(): string {
    return decodeUtf8Lossy(this.lengthPrefixed());
  }

  /**
   * Enters a nested message: reads its length and makes its end this reader's end. Returns the
   * outer end, which `leave` takes back.
   */
  enter(): number {
    const sizeBytes = this.lengthPrefix();
    const outerEnd = this.end;
    this.end = this.position + sizeBytes;
    return outerEnd;
  }

  leave(outerEnd: number): void {
    this.position = this.end;
    this.end = outerEnd;
  }

  /** The tag of the next protobuf field: its number * 8 + its wire type. */
  tag(): number {
    const tag = this.varint();
    if (tag < 8 || tag > 0xffff_ffff) {
      throw unexpected("a field number from 1 to 2^29 - 1", String(Math.floor(tag / 8)));
    }
    return tag;
  }

  /** Passes over the value of a field that nobody knows; groups too, without recursion. */
  skip(tag: number): void {
    this.skipOne(tag);
    if ((tag & 7) !== START_GROUP) return;
    const open = [tag];
    while (open.length > 0) {
      const next = this.tag();
      if ((next & 7) === START_GROUP) {
        if (open.length >= MAX_GROUP_DEPTH) {
          throw unexpected(`at most ${MAX_GROUP_DEPTH} nested groups`, "more");
        }
        open.push(next);
      } else if ((next & 7) === END_GROUP) {
        const start = open.pop() ?? 0;
        if (start >>> 3 !== next >>> 3) {
          throw unexpected(`the end of group ${start >>> 3}`, `that of ${next >>> 3}`);
        }
      } else this.skipOne(next);
    }
  }

  private skipOne(tag: number): void {
    switch (tag & 7) {
      case VARINT:
        this.int32();
        return;
      case FIXED64:
        this.raw(8);
        return;
      case LENGTH_DELIMITED:
        this.lengthPrefixed();
        return;
      case FIXED32:
        this.raw(4);
        return;
      case START_GROUP:
        return;
      case END_GROUP:
        throw unexpected("a field", `the end of group ${tag >>> 3}, which has no start`);
      default:
        throw unexpected("a wire type from 0 to 5", String(tag & 7));
    }
  }
}
