import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeSmallRequest } from "../../../src/protocol/client/client-request.ts";
import { encodeFrameHeader } from "../../../src/protocol/client/frame.ts";
import {
  PAYLOAD_FRAME,
  REGISTER_FRAME,
  REQUEST_FRAME,
} from "../../../src/protocol/client/frame-limit.ts";
import { FrameSplitter } from "../../../src/protocol/client/frame-splitter.ts";
import {
  MAX_PLAN_FRAME_BYTES,
  MAX_REGISTER_FRAME_BYTES,
  MAX_REQUEST_FRAME_BYTES,
} from "../../../src/protocol/limits.ts";
import { ProtocolError } from "../../../src/protocol/protocol-error.ts";
import { ByteWriter } from "../../../src/protocol/wire/byte-writer.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function framesOf(bodies: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(
    Buffer.concat(bodies.flatMap((body) => [encodeFrameHeader(body.length), body])),
  );
}

/** The bytes in chunks of the given sizes, taken in turn. */
function* chunksOf(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const end = at + (sizes[i % sizes.length] ?? 1);
    // A copy of its own, as a socket gives it.
    yield Uint8Array.from(bytes.subarray(at, end));
    at = end;
  }
}

const bodies = fc.array(fc.uint8Array({ maxLength: 300, size: "max" }), { maxLength: 20 });
const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 });

describe("frames are the same however their bytes are chunked", () => {
  test("read whole", () => {
    fc.assert(
      fc.property(bodies, sizes, (expected, chunkSizes) => {
        const splitter = new FrameSplitter(PAYLOAD_FRAME);
        const frames: string[] = [];
        for (const chunk of chunksOf(framesOf(expected), chunkSizes)) {
          splitter.push(chunk);
          for (let f = splitter.next(); f !== undefined; f = splitter.next()) frames.push(hex(f));
          // The memory of a chunk is free again once `next` has nothing more to give.
          chunk.fill(0xee);
        }
        expect(frames).toEqual(expected.map(hex));
      }),
    );
  });

  test("read in pieces", () => {
    fc.assert(
      fc.property(bodies, sizes, (expected, chunkSizes) => {
        const splitter = new FrameSplitter(PAYLOAD_FRAME);
        const frames: string[] = [];
        let started = false;
        for (const chunk of chunksOf(framesOf(expected), chunkSizes)) {
          splitter.push(chunk);
          for (;;) {
            if (!started) {
              const sizeBytes = splitter.startFrame();
              if (sizeBytes === undefined) break;
              frames.push("");
              started = sizeBytes > 0;
              continue;
            }
            const piece = splitter.readPiece();
            if (piece === undefined) break;
            frames.push((frames.pop() ?? "") + hex(piece));
            started = splitter.frameMissingBytes > 0;
          }
        }
        expect(frames).toEqual(expected.map(hex));
        expect(started).toBe(false);
      }),
    );
  });

  test("pushed all before the first is read", () => {
    fc.assert(
      fc.property(bodies, sizes, (expected, chunkSizes) => {
        const splitter = new FrameSplitter(PAYLOAD_FRAME);
        for (const chunk of chunksOf(framesOf(expected), chunkSizes)) splitter.push(chunk);
        expect(expected.map(() => hex(splitter.next() ?? Uint8Array.of(0)))).toEqual(
          expected.map(hex),
        );
        expect(splitter.next()).toBeUndefined();
      }),
    );
  });

  test("what follows the last frame that was read can be taken", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array({ maxLength: 100 }), sizes, (body, rest, cuts) => {
        const splitter = new FrameSplitter(PAYLOAD_FRAME);
        const bytes = Buffer.concat([framesOf([body]), rest]);
        for (const chunk of chunksOf(bytes, cuts)) splitter.push(chunk);
        expect(hex(splitter.next() ?? Uint8Array.of())).toBe(hex(body));
        expect(hex(splitter.takeRest())).toBe(hex(rest));
        expect(splitter.next()).toBeUndefined();
      }),
    );
  });
});

test("a large frame in small chunks is gathered without copying it again and again", () => {
  const body = new Uint8Array(8_000_000).map((_, i) => i);
  const bytes = framesOf([body]);
  const splitter = new FrameSplitter(REQUEST_FRAME);
  body.set([0x08, 1]);
  bytes.set([0x08, 1], 8);
  const buffers = new Set<ArrayBufferLike>();
  let frame: Uint8Array | undefined;
  for (let at = 0; at < bytes.length; at += 1000) {
    splitter.push(bytes.subarray(at, at + 1000));
    frame = splitter.next();
    buffers.add(gatheredBuffer(splitter));
  }
  expect(Buffer.compare(frame ?? Uint8Array.of(), body)).toBe(0);
  expect(buffers.size).toBeLessThan(8);
});

function gatheredBuffer(splitter: FrameSplitter): ArrayBufferLike {
  return (splitter as unknown as { gathered: Uint8Array }).gathered.buffer;
}

test("a claimed length takes no memory", () => {
  const splitter = new FrameSplitter(REQUEST_FRAME);
  splitter.push(encodeFrameHeader(MAX_PLAN_FRAME_BYTES));
  splitter.push(Uint8Array.of(0x08, 1, 0x12));
  expect(splitter.next()).toBeUndefined();
  expect(gatheredBuffer(splitter).byteLength).toBeLessThanOrEqual(64 * 1024);
});

describe("limits", () => {
  const header = encodeFrameHeader;

  test.each([
    ["a registration", REGISTER_FRAME, MAX_REGISTER_FRAME_BYTES],
    ["a plan", REQUEST_FRAME, MAX_PLAN_FRAME_BYTES],
  ])("%s over the limit is refused by its header alone", (_, limit, maxBytes) => {
    const splitter = new FrameSplitter(limit);
    splitter.push(header(maxBytes));
    expect(splitter.next()).toBeUndefined();
    const refusing = new FrameSplitter(limit);
    refusing.push(header(maxBytes + 1));
    expect(() => refusing.next()).toThrow(ProtocolError);
  });

  test("2^64 - 1 is refused even where length is free", () => {
    const splitter = new FrameSplitter(PAYLOAD_FRAME);
    splitter.push(new Uint8Array(8).fill(0xff));
    expect(() => splitter.next()).toThrow(ProtocolError);
  });

  test("a long request that is no plan is refused by its first bytes", () => {
    const splitter = new FrameSplitter(REQUEST_FRAME);
    const writer = new ByteWriter();
    encodeSmallRequest(writer, { kind: "trace", path: "/".repeat(MAX_REQUEST_FRAME_BYTES) });
    const bytes = writer.take();
    splitter.push(bytes.subarray(0, 23));
    expect(splitter.next()).toBeUndefined();
    splitter.push(bytes.subarray(23, 24));
    expect(() => splitter.next()).toThrow(/type 7 in at most 1048576 bytes/);
  });

  test("the same where it comes in one chunk", () => {
    const writer = new ByteWriter();
    encodeSmallRequest(writer, { kind: "trace", path: "/".repeat(MAX_REQUEST_FRAME_BYTES) });
    const splitter = new FrameSplitter(REQUEST_FRAME);
    splitter.push(writer.take());
    expect(() => splitter.next()).toThrow(ProtocolError);
  });

  test("a request of just the limit passes", () => {
    const writer = new ByteWriter();
    const overhead = 2 + 1 + 3;
    const path = "/".repeat(MAX_REQUEST_FRAME_BYTES - overhead);
    encodeSmallRequest(writer, { kind: "trace", path });
    const splitter = new FrameSplitter(REQUEST_FRAME);
    splitter.push(writer.take());
    expect(splitter.next()?.length).toBe(MAX_REQUEST_FRAME_BYTES);
  });

  test("the limit can change between two frames in one chunk", () => {
    const long = new Uint8Array(MAX_REGISTER_FRAME_BYTES + 1);
    const splitter = new FrameSplitter(REGISTER_FRAME);
    splitter.push(framesOf([Uint8Array.of(1), long]));
    expect(splitter.next()).toEqual(Uint8Array.of(1));
    splitter.limit = REQUEST_FRAME;
    expect(splitter.next()?.length).toBe(long.length);
  });
});
