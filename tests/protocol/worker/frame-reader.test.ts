import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../src/protocol/protocol-error.ts";
import { encodeFrame } from "../../../src/protocol/worker/columns-codec.ts";
import { FrameReader } from "../../../src/protocol/worker/frame-reader.ts";
import { cutAt, fractions, joined } from "./arbitraries.ts";

const frames = fc.array(
  fc.record({
    kind: fc.nat(0xffff),
    columns: fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 3 }),
  }),
  { maxLength: 6 },
);

describe("FrameReader", () => {
  test("gives the same frames however the stream is cut", () => {
    fc.assert(
      fc.property(frames, fractions, (sent, cuts) => {
        const encoded = sent.map(({ kind, columns }) => encodeFrame(kind, columns, 1000));
        const reader = new FrameReader(1000);
        const got = cutAt(joined(encoded), cuts)
          .flatMap((chunk) => reader.feed(chunk))
          .map(({ kind, body }) => ({ kind, body: [...body] }));
        expect(got).toEqual(
          sent.map(({ kind }, index) => ({ kind, body: [...(encoded[index] ?? []).slice(8)] })),
        );
        expect(reader.atBoundary).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("byte by byte", () => {
    const reader = new FrameReader(1000);
    const bytes = encodeFrame(3, [Uint8Array.of(1, 2, 3)], 1000);
    const got = [...bytes].flatMap((byte) => reader.feed(Uint8Array.of(byte)));
    expect(got).toEqual([{ kind: 3, body: bytes.subarray(8) }]);
  });

  test("a large frame in small chunks takes time in proportion", () => {
    const bytes = encodeFrame(3, [new Uint8Array(8_000_000).fill(7)], 2 ** 24);
    const reader = new FrameReader(2 ** 24);
    let got = 0;
    for (let start = 0; start < bytes.length; start += 100) {
      for (const { body } of reader.feed(bytes.subarray(start, start + 100))) {
        got += body.length;
        expect(body[8_000_000]).toBe(7);
      }
    }
    expect(got).toBe(bytes.length - 8);
  });

  test.each([
    ["a body above the limit", [0xf0, 0xff, 0xff, 0x7f, 1, 0, 0, 0], /at most 1000/],
    ["a body that is not padded", [4, 0, 0, 0, 1, 0, 0, 0], /header of a frame/],
    ["something else where zeros belong", [8, 0, 0, 0, 1, 0, 1, 0], /header of a frame/],
  ])("%s is refused as soon as the header is there", (_, header, message) => {
    expect(() => new FrameReader(1000).feed(Uint8Array.from(header))).toThrow(message);
    expect(() => new FrameReader(1000).feed(Uint8Array.from(header))).toThrow(ProtocolError);
    const cut = new FrameReader(1000);
    cut.feed(Uint8Array.from(header.slice(0, 5)));
    expect(() => cut.feed(Uint8Array.from(header.slice(5)))).toThrow(ProtocolError);
  });

  test("a cut frame is not at a boundary", () => {
    const reader = new FrameReader(1000);
    expect(reader.feed(encodeFrame(1, [new Uint8Array(9)], 1000).subarray(0, 20))).toEqual([]);
    expect(reader.atBoundary).toBe(false);
  });
});
