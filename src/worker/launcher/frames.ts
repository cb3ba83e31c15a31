import type { ProgramStart, Protection } from "./program.ts";

/*
 * What a worker and its launcher say to each other over the launcher's stdin and stdout.
 * All numbers are little endian. launcher/launcher.c holds the other half.
 *
 *   +--------+---------+----------------+
 *   | u32 n  | u8 kind |  n - 1 bytes   |
 *   +--------+---------+----------------+
 *
 *   START         1 | u32 runId | u32 c | u32 a | u32 e | u32 p | u32 cpu x c | strings ...
 *   KILL          2 | u32 runId | u8 signal
 *   HELLO        65 | u8 version | u8 protection
 *   EXITED       66 | u32 runId | u8 exitCode | u8 signal | u8 flags | u64 wallUs
 *   SPAWN_FAILED 67 | u32 runId | u8 step | u32 errno
 *
 * Strings are bytes that end with a NUL, so that the launcher can use them where they are:
 *   cwd, stdin, stdout, stderr, a arguments, e times NAME=VALUE, p paths.
 * An empty stdin or stdout means none. There is no request for the end: the worker closes the pipe.
 */

export const LAUNCHER_PROTOCOL_VERSION = 1;

export const FRAME_START = 1;
export const FRAME_KILL = 2;
export const FRAME_HELLO = 65;
export const FRAME_EXITED = 66;
export const FRAME_SPAWN_FAILED = 67;

/** Flag of EXITED: none of the cpus asked for exists here, so the program ran unpinned. */
export const FLAG_UNPINNED = 1;
/** Flag of EXITED: a process of the run hangs in the kernel, and is not waited for any longer. */
export const FLAG_LEFTOVERS = 2;

/** What could not be done for a program that did not start. */
export const SPAWN_STEP = {
  program: 1,
  directory: 2,
  stdin: 3,
  stdout: 4,
  stderr: 5,
  process: 6,
  request: 7,
} as const;

/** By their numbers on the wire. */
export const PROTECTIONS: readonly Protection[] = ["none", "permissions", "namespace"];

/** Larger frames are a broken peer. A START may carry many arguments, all in one frame; replies are short. */
export const REQUEST_SIZE_BYTES_MAX: number = 2 ** 31 - 1;
export const REPLY_SIZE_BYTES_MAX = 64;
const CHUNK_SIZE_BYTES = 64 * 1024;
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** Frames that wait to be written: `bytes` from `start` to `end`. Create with {@link createFrameBatch}. */
export type FrameBatch = { bytes: Uint8Array; view: DataView; start: number; end: number };

export function createFrameBatch(): FrameBatch {
  const bytes = new Uint8Array(CHUNK_SIZE_BYTES);
  return { bytes, view: new DataView(bytes.buffer), start: 0, end: 0 };
}

/** Takes the frames that wait. The bytes are never written to again, so they need no copy. */
export function takeFrames(batch: FrameBatch): Uint8Array {
  const taken = batch.bytes.subarray(batch.start, batch.end);
  batch.start = batch.end;
  return taken;
}

function reserve(batch: FrameBatch, sizeBytes: number): void {
  if (batch.bytes.length - batch.end >= sizeBytes) return;
  const held = batch.bytes.subarray(batch.start, batch.end);
  // Doubling keeps a batch of many frames linear.
  const bytes = new Uint8Array(Math.max(CHUNK_SIZE_BYTES, (held.length + sizeBytes) * 2));
  bytes.set(held);
  batch.bytes = bytes;
  batch.view = new DataView(bytes.buffer);
  batch.start = 0;
  batch.end = held.length;
}

/** Leaves room for the size, which {@link endFrame} fills in. Returns where the frame begins, from `start`. */
function beginFrame(batch: FrameBatch, kind: number): number {
  reserve(batch, 32);
  const offset = batch.end - batch.start;
  batch.end += 4;
  batch.bytes[batch.end++] = kind;
  return offset;
}

function endFrame(batch: FrameBatch, offset: number): void {
  const at = batch.start + offset;
  batch.view.setUint32(at, batch.end - at - 4, true);
}

function putU8(batch: FrameBatch, value: number): void {
  batch.bytes[batch.end++] = value;
}

function putU32(batch: FrameBatch, value: number): void {
  batch.view.setUint32(batch.end, value, true);
  batch.end += 4;
}

function putText(batch: FrameBatch, text: string): void {
  reserve(batch, text.length * 3 + 1);
  batch.end += ENCODER.encodeInto(text, batch.bytes.subarray(batch.end)).written;
  batch.bytes[batch.end++] = 0;
}

function putBytes(batch: FrameBatch, bytes: Uint8Array, after: number): void {
  reserve(batch, bytes.length + 1);
  batch.bytes.set(bytes, batch.end);
  batch.end += bytes.length;
  batch.bytes[batch.end++] = after;
}

/** Appends a START. The program must have passed `findUnusable`: a NUL would shift all that follows. */
export function appendStart(batch: FrameBatch, program: ProgramStart): void {
  const offset = beginFrame(batch, FRAME_START);
  putU32(batch, program.runId);
  putU32(batch, program.cpus.length);
  putU32(batch, program.args.length);
  putU32(batch, program.env.length);
  putU32(batch, program.paths.length);
  reserve(batch, 4 * program.cpus.length);
  for (const cpu of program.cpus) putU32(batch, cpu);
  putText(batch, program.cwd);
  putText(batch, program.stdinPath ?? "");
  putText(batch, program.stdoutPath ?? "");
  putText(batch, program.stderrPath);
  for (const argument of program.args) putBytes(batch, argument, 0);
  for (const { name, value } of program.env) {
    putBytes(batch, name, 0x3d);
    putBytes(batch, value, 0);
  }
  for (const path of program.paths) putText(batch, path);
  endFrame(batch, offset);
}

export function appendKill(batch: FrameBatch, runId: number, signalNumber: number): void {
  const offset = beginFrame(batch, FRAME_KILL);
  putU32(batch, runId);
  putU8(batch, signalNumber);
  endFrame(batch, offset);
}

export function appendHello(batch: FrameBatch, protection: Protection): void {
  const offset = beginFrame(batch, FRAME_HELLO);
  putU8(batch, LAUNCHER_PROTOCOL_VERSION);
  putU8(batch, PROTECTIONS.indexOf(protection));
  endFrame(batch, offset);
}

/** The end of a program; `signalNumber` 0 where it exited. */
export type ExitFrame = {
  readonly runId: number;
  readonly exitCode: number;
  readonly signalNumber: number;
  readonly isUnpinned: boolean;
  readonly hasLeftovers: boolean;
  readonly wallUs: number;
};

export function appendExited(batch: FrameBatch, exit: ExitFrame): void {
  const offset = beginFrame(batch, FRAME_EXITED);
  putU32(batch, exit.runId);
  putU8(batch, exit.exitCode);
  putU8(batch, exit.signalNumber);
  putU8(batch, (exit.isUnpinned ? FLAG_UNPINNED : 0) | (exit.hasLeftovers ? FLAG_LEFTOVERS : 0));
  putU32(batch, exit.wallUs % 2 ** 32);
  putU32(batch, Math.floor(exit.wallUs / 2 ** 32));
  endFrame(batch, offset);
}

/** A program that did not start: which step failed, and the number of the system's error. */
export type SpawnFailureFrame = {
  readonly runId: number;
  readonly step: number;
  readonly errno: number;
};

export function appendSpawnFailed(batch: FrameBatch, failure: SpawnFailureFrame): void {
  const offset = beginFrame(batch, FRAME_SPAWN_FAILED);
  putU32(batch, failure.runId);
  putU8(batch, failure.step);
  putU32(batch, failure.errno);
  endFrame(batch, offset);
}

/** One frame: its kind, and a view of the bytes after it, which lie in the chunk that they came in. */
export type Frame = { readonly kind: number; readonly body: DataView };

/**
 * Returns a function that takes chunks as they come and hands over each complete frame. Linear also
 * for a frame of many chunks. Throws a RangeError on a size above the limit, and whatever `onFrame` throws.
 */
export function createFrameReader(
  sizeBytesMax: number,
  onFrame: (frame: Frame) => void,
): (chunk: Uint8Array) => void {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let neededBytes = 4;
  return (chunk) => {
    held.push(chunk);
    heldBytes += chunk.length;
    if (heldBytes < neededBytes) return;
    const bytes = held.length === 1 ? chunk : concatenate(held, heldBytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    for (;;) {
      neededBytes = 4;
      if (bytes.length - at < 4) break;
      const size = view.getUint32(at, true);
      if (size < 1 || size > sizeBytesMax) throw new RangeError(`a frame of ${size} bytes`);
      neededBytes = 4 + size;
      if (bytes.length - at < neededBytes) break;
      const body = new DataView(bytes.buffer, bytes.byteOffset + at + 5, size - 1);
      onFrame({ kind: view.getUint8(at + 4), body });
      at += neededBytes;
    }
    held = at < bytes.length ? [bytes.subarray(at)] : [];
    heldBytes = bytes.length - at;
  };
}

function concatenate(chunks: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  const joined = new Uint8Array(sizeBytes);
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
}

export function decodeHello(body: DataView): { version: number; protection: Protection } {
  return { version: body.getUint8(0), protection: PROTECTIONS[body.getUint8(1)] ?? "none" };
}

export function decodeExited(body: DataView): ExitFrame {
  return {
    runId: body.getUint32(0, true),
    exitCode: body.getUint8(4),
    signalNumber: body.getUint8(5),
    isUnpinned: (body.getUint8(6) & FLAG_UNPINNED) !== 0,
    hasLeftovers: (body.getUint8(6) & FLAG_LEFTOVERS) !== 0,
    wallUs: body.getUint32(7, true) + body.getUint32(11, true) * 2 ** 32,
  };
}

export function decodeSpawnFailed(body: DataView): SpawnFailureFrame {
  return {
    runId: body.getUint32(0, true),
    step: body.getUint8(4),
    errno: body.getUint32(5, true),
  };
}

export function decodeKill(body: DataView): { runId: number; signalNumber: number } {
  return { runId: body.getUint32(0, true), signalNumber: body.getUint8(4) };
}

/** Decodes a START; its bytes are copies. Throws a RangeError where the frame is cut short or has too much. */
export function decodeStart(body: DataView): ProgramStart {
  const bytes = new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  let at = 20;
  const cpus: number[] = [];
  for (let i = body.getUint32(4, true); i > 0; i--, at += 4) cpus.push(body.getUint32(at, true));
  const nextBytes = (): Uint8Array => {
    const end = bytes.indexOf(0, at);
    if (end < 0) throw new RangeError("a START frame is cut short");
    const found = bytes.slice(at, end);
    at = end + 1;
    return found;
  };
  const nextText = () => DECODER.decode(nextBytes());
  const nextList = <Item>(count: number, next: () => Item): Item[] => {
    const items: Item[] = [];
    for (let i = 0; i < count; i++) items.push(next());
    return items;
  };
  const program = {
    runId: body.getUint32(0, true),
    cwd: nextText(),
    stdinPath: nextText() || undefined,
    stdoutPath: nextText() || undefined,
    stderrPath: nextText(),
    args: nextList(body.getUint32(8, true), nextBytes),
    env: nextList(body.getUint32(12, true), () => splitVariable(nextBytes())),
    paths: nextList(body.getUint32(16, true), nextText),
    cpus,
  };
  if (at !== bytes.length) throw new RangeError("a START frame has bytes to spare");
  return program;
}

function splitVariable(bytes: Uint8Array): { name: Uint8Array; value: Uint8Array } {
  const end = bytes.indexOf(0x3d);
  if (end < 0) throw new RangeError("a START frame has a variable without a value");
  return { name: bytes.subarray(0, end), value: bytes.subarray(end + 1) };
}
