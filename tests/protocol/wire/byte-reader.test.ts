import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeUtf8, utf8LengthBytes } from "../../../src/core/base/utf8.ts";
import { ProtocolError } from "../../../src/protocol/protocol-error.ts";
import { ByteReader } from "../../../src/protocol/wire/byte-reader.ts";
import { ByteWriter } from "../../../src/protocol/wire/byte-writer.ts";
import { int32SizeBytes, varintSizeBytes } from "../../../src/protocol/wire/varint-size.ts";

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const natural = fc.maxSafeNat();
const anyText = fc.string({ unit: "binary", maxLength: 200 });

function readerOf(...bytes: number[]): ByteReader {
  return new ByteReader(Uint8Array.from(bytes));
}

describe("what the writer wrote, the reader reads", () => {
  test("numbers of every width", () => {
    fc.assert(
      fc.property(int32, natural, fc.maxSafeInteger(), fc.double(), (a, b, c, d) => {
        const writer = new ByteWriter(1);
        writer.u8(a & 0xff);
        writer.u16(a & 0xffff);
        writer.u32(a >>> 0);
        writer.i32(a);
        writer.u64(b);
        writer.f32(Math.fround(d));
        writer.f64(d);
        writer.varint(b);
        writer.int32(a);
        writer.int64(c);
        const reader = new ByteReader(writer.take());
        expect(reader.u8()).toBe(a & 0xff);
        expect(reader.u16()).toBe(a & 0xffff);
        expect(reader.u32()).toBe(a >>> 0);
        expect(reader.i32()).toBe(a);
        expect(reader.u64()).toBe(b);
        expect(reader.f32()).toBe(Math.fround(d));
        expect(reader.f64()).toBe(d);
        expect(reader.varint()).toBe(b);
        expect(reader.int32()).toBe(a);
        expect(reader.int64()).toBe(c === 0 ? 0 : c);
        expect(reader.remainingBytes).toBe(0);
      }),
    );
  });

  test("texts and their lengths", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const writer = new ByteWriter(0);
        writer.string(text);
        expect(utf8LengthBytes(text)).toBe(encodeUtf8(text).length);
        expect(new ByteReader(writer.written()).string()).toBe(text);
      }),
    );
  });

  test("a lone surrogate is written as the replacement character", () => {
    const writer = new ByteWriter();
    writer.string(`a\ud800`);
    writer.string(`\udc00b`);
    const reader = new ByteReader(writer.take());
    expect(reader.string()).toBe("a\ufffd");
    expect(reader.string()).toBe("\ufffdb");
  });

  test("a patched reservation", () => {
    const writer = new ByteWriter(2);
    const at = writer.reserve(12);
    writer.u8(7);
    writer.patchU64(at, 2 ** 40 + 5);
    writer.patchU32(at + 8, 0xffff_fffe);
    const reader = new ByteReader(writer.written());
    expect([reader.u64(), reader.u32(), reader.u8()]).toEqual([2 ** 40 + 5, 0xffff_fffe, 7]);
  });

  test("sizes of varints are foretold", () => {
    fc.assert(
      fc.property(natural, int32, (value, signed) => {
        const writer = new ByteWriter();
        writer.varint(value);
        expect(writer.length).toBe(varintSizeBytes(value));
        writer.clear();
        writer.int32(signed);
        expect(writer.length).toBe(int32SizeBytes(signed));
      }),
    );
  });
});

describe("varints as protobuf reads them", () => {
  const ones = (n: number, last: number): number[] => [...Array(n).fill(0xff), last];
  test.each([
    ["-1 in ten bytes", ones(9, 1), -1],
    ["-1 in five bytes", ones(4, 0x0f), -1],
    ["upper bits are dropped", [0x81, 0x80, 0x80, 0x80, 0x80, 0x01], 1],
    ["padding is legal", [0x85, 0x80, 0x80, 0x00], 5],
    ["the least", [0x80, 0x80, 0x80, 0x80, 0xf8, 0xff, 0xff, 0xff, 0xff, 0x01], -(2 ** 31)],
    ["the greatest", [0xff, 0xff, 0xff, 0xff, 0x07], 2 ** 31 - 1],
  ])("%s", (_, bytes, expected) => {
    expect(readerOf(...bytes).int32()).toBe(expected);
  });

  test("a bool looks at all 64 bits", () => {
    expect(readerOf(0x80, 0x80, 0x80, 0x80, 0x80, 0x01).bool()).toBe(true);
    expect(readerOf(0x80, 0x80, 0x00).bool()).toBe(false);
  });

  test("int64 of -2", () => {
    expect(readerOf(0xfe, ...ones(8, 1)).int64()).toBe(-2);
  });
});

describe("hostile bytes are refused", () => {
  test.each<[string, number[], (reader: ByteReader) => unknown, RegExp]>([
    ["a varint without end", Array(11).fill(0x80), (r) => r.int32(), /at most 10 bytes/],
    ["a cut varint", [0x80, 0x80], (r) => r.varint(), /rest of a varint/],
    ["an empty varint", [], (r) => r.varint(), /rest of a varint/],
    ["2^53", [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10], (r) => r.varint(), /below 2\^53/],
    ["a length beyond the end", [5, 1, 2], (r) => r.lengthPrefixed(), /5 more bytes/],
    ["a huge length", Array(9).fill(0xff).concat(1), (r) => r.lengthPrefixed(), /below 2\^53/],
    ["a cut number", [1, 2, 3], (r) => r.u32(), /4 more bytes/],
    ["a cut double", [1, 2, 3], (r) => r.f64(), /8 more bytes/],
    ["text that is not UTF-8", [1, 0xff], (r) => r.string(), /UTF-8/],
    ["field number 0", [0x02, 0], (r) => r.tag(), /field number/],
    ["wire type 7", [0x0f], (r) => r.skip(r.tag()), /wire type/],
    ["an end without a start", [0x0c], (r) => r.skip(r.tag()), /no start/],
    ["groups that cross", [0x0b, 0x13, 0x0c, 0x14], (r) => r.skip(r.tag()), /end of group 2/],
    ["a group without end", [0x0b, 0x10, 1], (r) => r.skip(r.tag()), /rest of a varint/],
    ["a million groups", Array(1_000_000).fill(0x0b), (r) => r.skip(r.tag()), /nested groups/],
    ["an inner message beyond its outer", [3, 9, 0, 0], (r) => [r.enter(), r.enter()], /9 more/],
  ])("%s", (_, bytes, read, message) => {
    const reader = new ByteReader(Uint8Array.from(bytes));
    expect(() => read(reader)).toThrow(ProtocolError);
    reader.position = 0;
    reader.end = bytes.length;
    expect(() => read(reader)).toThrow(message);
  });

  test("a group is skipped whole", () => {
    const reader = readerOf(0x0b, 0x10, 0x85, 0x01, 0x1b, 0x22, 1, 0xff, 0x1c, 0x0c, 0x08);
    reader.skip(reader.tag());
    expect(reader.tag()).toBe(0x08);
  });

  test("reading stops at the end that was given, though the bytes go on", () => {
    const reader = new ByteReader(Uint8Array.of(1, 2, 3), 1, 2);
    expect(reader.varint()).toBe(2);
    expect(() => reader.varint()).toThrow(ProtocolError);
  });
});
