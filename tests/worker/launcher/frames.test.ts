import fc from "fast-check";
import { expect, test } from "vitest";
import {
  appendExited,
  appendHello,
  appendKill,
  appendSpawnFailed,
  appendStart,
  createFrameBatch,
  createFrameReader,
  decodeExited,
  decodeHello,
  decodeKill,
  decodeSpawnFailed,
  decodeStart,
  FRAME_EXITED,
  FRAME_HELLO,
  FRAME_KILL,
  FRAME_SPAWN_FAILED,
  FRAME_START,
  type Frame,
  REPLY_SIZE_BYTES_MAX,
  REQUEST_SIZE_BYTES_MAX,
  takeFrames,
} from "../../../src/worker/launcher/frames.ts";
import type { ProgramStart } from "../../../src/worker/launcher/program.ts";

const u8 = fc.integer({ min: 0, max: 255 });
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const bytes = fc
  .array(fc.integer({ min: 1, max: 255 }), { maxLength: 40 })
  .map(Uint8Array.from.bind(Uint8Array));
const name = bytes.filter((found) => !found.includes(0x3d));
const text = fc
  .string({ unit: "binary", maxLength: 20 })
  .map((found) => found.replaceAll("\0", "/"));
const path = text.filter((found) => found !== "");

const program: fc.Arbitrary<ProgramStart> = fc.record({
  runId: u32,
  cwd: path,
  args: fc.array(bytes),
  env: fc.array(fc.record({ name, value: bytes })),
  paths: fc.array(text),
  cpus: fc.array(u32),
  stdinPath: fc.option(path, { nil: undefined }),
  stdoutPath: fc.option(path, { nil: undefined }),
  stderrPath: path,
});

function readAll(encoded: Uint8Array, chunkSize: number): Frame[] {
  const frames: Frame[] = [];
  const read = createFrameReader(REQUEST_SIZE_BYTES_MAX, (frame) => frames.push(frame));
  for (let at = 0; at < encoded.length; at += chunkSize) read(encoded.slice(at, at + chunkSize));
  return frames;
}

test("programs arrive as they were sent, however the bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(program), fc.integer({ min: 1, max: 200 }), (programs, chunkSize) => {
      const batch = createFrameBatch();
      for (const each of programs) appendStart(batch, each);
      const frames = readAll(takeFrames(batch), chunkSize);
      expect(frames.every(({ kind }) => kind === FRAME_START)).toBe(true);
      expect(frames.map(({ body }) => decodeStart(body))).toEqual(programs);
    }),
  );
});

test("a frame that is larger than a chunk arrives", () => {
  const batch = createFrameBatch();
  const argument = new Uint8Array(3_000_000).fill(97);
  const large: ProgramStart = {
    runId: 7,
    cwd: "/",
    args: [argument, argument],
    env: [],
    paths: [],
    cpus: [],
    stdinPath: undefined,
    stdoutPath: undefined,
    stderrPath: "+err",
  };
  appendKill(batch, 1, 9);
  appendStart(batch, large);
  appendKill(batch, 2, 15);
  const [first, second, third] = readAll(takeFrames(batch), 65_536);
  expect(first && decodeKill(first.body)).toEqual({ runId: 1, signalNumber: 9 });
  expect(second && decodeStart(second.body).args.map((found) => found.length)).toEqual([
    3_000_000, 3_000_000,
  ]);
  expect(third && decodeKill(third.body)).toEqual({ runId: 2, signalNumber: 15 });
});

test("the other frames arrive as they were sent", () => {
  const wallUs = fc.maxSafeNat();
  const exit = fc.record({
    runId: u32,
    exitCode: u8,
    signalNumber: u8,
    isUnpinned: fc.boolean(),
    hasLeftovers: fc.boolean(),
    wallUs,
  });
  const failure = fc.record({ runId: u32, step: u8, errno: u32 });
  fc.assert(
    fc.property(exit, failure, u32, u8, (exited, failed, runId, signalNumber) => {
      const batch = createFrameBatch();
      appendHello(batch, "namespace");
      appendExited(batch, exited);
      const begin = takeFrames(batch);
      appendSpawnFailed(batch, failed);
      appendKill(batch, runId, signalNumber);
      const frames = [...readAll(begin, 5), ...readAll(takeFrames(batch), 1_000)];
      expect(frames.map(({ kind }) => kind)).toEqual([
        FRAME_HELLO,
        FRAME_EXITED,
        FRAME_SPAWN_FAILED,
        FRAME_KILL,
      ]);
      const decoders = [decodeHello, decodeExited, decodeSpawnFailed, decodeKill];
      expect(frames.map(({ body }, i) => decoders[i]?.(body))).toEqual([
        { version: 1, protection: "namespace" },
        exited,
        failed,
        { runId, signalNumber },
      ]);
    }),
  );
});

test("an impossible size and a frame that is cut short are refused", () => {
  const read = createFrameReader(REQUEST_SIZE_BYTES_MAX, () => undefined);
  expect(() => read(Uint8Array.of(0, 0, 0, 0))).toThrow(RangeError);
  const readReply = createFrameReader(REPLY_SIZE_BYTES_MAX, () => undefined);
  expect(() => readReply(Uint8Array.of(65, 0, 0, 0))).toThrow(RangeError);
  expect(() => decodeExited(new DataView(new ArrayBuffer(3)))).toThrow(RangeError);
  const batch = createFrameBatch();
  appendStart(batch, fc.sample(program, { numRuns: 1, seed: 1 })[0] as ProgramStart);
  const frame = takeFrames(batch);
  const cut = new DataView(frame.buffer, frame.byteOffset + 5, frame.length - 6);
  expect(() => decodeStart(cut)).toThrow(RangeError);
});
