import { open } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import type { ValueId } from "./value-id.ts";
import type { ValueTable } from "./value-table.ts";

/** Bytes read from a file at a time. */
export const READ_CHUNK_BYTES: number = 1024 * 1024;

/** Raw data up to this size is read in the turn in which it is needed. */
export const QUICK_BYTES_MAX: number = 256 * 1024;

export type CopyOptions = {
  /** Default 0. */
  readonly fromBytes?: number;
  readonly chunkBytes?: number;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Passes a raw value's bytes on, in order, in chunks of at most `chunkBytes`. A chunk is only valid
 * until what `onChunk` returned has resolved; meanwhile the next is read. Rejects with the system's
 * error, which names the file, with what `onChunk` threw, or the signal's reason.
 */
export async function copyValue(
  values: ValueTable,
  value: ValueId,
  onChunk: (chunk: Uint8Array) => Promise<void> | undefined,
  { fromBytes = 0, chunkBytes = READ_CHUNK_BYTES, signal }: CopyOptions = {},
): Promise<void> {
  const bytes = values.bytes(value);
  if (bytes !== undefined) {
    for (let start = fromBytes; start < bytes.length; start += chunkBytes) {
      if (start > fromBytes) await setImmediate();
      signal?.throwIfAborted();
      await onChunk(bytes.subarray(start, start + chunkBytes));
    }
    return;
  }
  const stretch = values.fileStretch(value);
  if (stretch === undefined || stretch.sizeBytes <= fromBytes) return;
  const path = values.files.path(stretch.file);
  let position = stretch.offset + fromBytes;
  const end = stretch.offset + stretch.sizeBytes;
  const handle = await open(path, "r");
  const buffers = takeBuffers(chunkBytes);
  const readInto = async (buffer: Uint8Array): Promise<Uint8Array> => {
    const wanted = Math.min(chunkBytes, end - position);
    const { bytesRead } = await handle.read(buffer, 0, wanted, position);
    if (bytesRead === 0) throw shrunk(path);
    position += bytesRead;
    return buffer.subarray(0, bytesRead);
  };
  const read = (turn: number): Promise<Uint8Array> => {
    const reading = readInto(buffers[turn as 0 | 1]);
    // It may fail while the chunk before is passed on; it is awaited after that.
    reading.catch(() => {});
    return reading;
  };
  let next: Promise<Uint8Array> | undefined;
  try {
    next = read(0);
    for (let turn = 1; next !== undefined; turn = 1 - turn) {
      const chunk: Uint8Array = await next;
      signal?.throwIfAborted();
      next = position < end ? read(turn) : undefined;
      await onChunk(chunk);
    }
    giveBack(chunkBytes, buffers);
  } finally {
    // Not before the system has done with a buffer of ours.
    await next?.catch(() => {});
    await handle.close();
  }
}

type BufferPair = readonly [Uint8Array, Uint8Array];

/** Pairs of the usual size that wait for the next reader: fresh memory costs as much as a copy. */
const freePairs: BufferPair[] = [];
const FREE_PAIRS_MAX = 4;

function takeBuffers(chunkBytes: number): BufferPair {
  const free = chunkBytes === READ_CHUNK_BYTES ? freePairs.pop() : undefined;
  return free ?? [Buffer.allocUnsafeSlow(chunkBytes), Buffer.allocUnsafeSlow(chunkBytes)];
}

/** Only after a reader's regular end: after another one, somebody may still hold a chunk. */
function giveBack(chunkBytes: number, pair: BufferPair): void {
  if (chunkBytes === READ_CHUNK_BYTES && freePairs.length < FREE_PAIRS_MAX) freePairs.push(pair);
}

/** The bytes of a raw value of any size that a Buffer can hold; not to be written to. */
export async function readValue(values: ValueTable, value: ValueId): Promise<Uint8Array> {
  const bytes = values.bytes(value);
  if (bytes !== undefined) return bytes;
  const all = new Uint8Array(values.sizeBytes(value));
  let filled = 0;
  await copyValue(values, value, (chunk) => {
    all.set(chunk, filled);
    filled += chunk.length;
    return undefined;
  });
  return all;
}

/** Whether `readQuick` may be asked: the value is small, and no file system of the user has to be waited for. */
export function isQuick(values: ValueTable, value: ValueId): boolean {
  if (values.sizeBytes(value) > QUICK_BYTES_MAX) return false;
  const stretch = values.fileStretch(value);
  return stretch === undefined || values.files.isOwned(stretch.file);
}

/** The bytes of a raw value, now; not to be written to. Throws the system's error. */
export function readQuick(values: ValueTable, value: ValueId): Uint8Array {
  return values.bytes(value) ?? readPart(values, value, 0, values.sizeBytes(value));
}

/** `sizeBytes` of a raw value from `fromBytes` on, now. Throws the system's error. */
export function readPart(
  values: ValueTable,
  value: ValueId,
  fromBytes: number,
  sizeBytes: number,
): Uint8Array {
  const bytes = values.bytes(value);
  if (bytes !== undefined) return bytes.subarray(fromBytes, fromBytes + sizeBytes);
  const part = new Uint8Array(sizeBytes);
  const stretch = values.fileStretch(value);
  if (stretch !== undefined) {
    values.files.readSync(stretch.file, stretch.offset + fromBytes, part);
  }
  return part;
}

function shrunk(path: string): Error {
  return new Error(`file '${path}' is shorter than it was when it was opened`);
}
