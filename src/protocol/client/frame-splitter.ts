import { assert } from "../../core/base/assert.ts";
import { unexpected } from "../protocol-error.ts";
import { allocateFor } from "../wire/allocate.ts";
import { FRAME_HEADER_BYTES } from "./frame.ts";
import { type FrameLimit, LONG_FRAME_PREFIX_BYTES } from "./frame-limit.ts";

const EMPTY = new Uint8Array(0);
const FIRST_CAPACITY_BYTES = 64 * 1024;
/** Chunks that were read are dropped from the queue together, so that dropping costs O(1) each. */
const COMPACT_CHUNKS = 1024;

/**
 * Splits a stream of bytes into frames: an 8-byte little-endian length, then so many bytes.
 *
 * A frame that lies in one pushed chunk is returned as a view of it; one that spans chunks is
 * gathered in a buffer that grows with what has come, never with what the length claims. Once
 * `next` has returned undefined, nothing refers to the pushed chunks but the frames returned, so
 * whoever reads into the same memory again must be done with those by then.
 *
 * After a ProtocolError the stream has no known frame border: close the connection.
 */
export class FrameSplitter {
  /** Applies to the frames whose header has not been read yet, so it can change between two frames. */
  limit: FrameLimit;
  private chunks: Uint8Array[] = [];
  private chunkIndex = 0;
  private position = 0;
  private readonly header = new Uint8Array(FRAME_HEADER_BYTES);
  private headerBytes = 0;
  /** Bytes of the current frame that were not read yet; -1 between frames. */
  private missingBytes = -1;
  private gathered = EMPTY;
  private gatheredBytes = 0;
  private mustCheckLong = false;

  constructor(limit: FrameLimit) {
    this.limit = limit;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.chunkIndex === this.chunks.length) {
      this.chunks.length = 0;
      this.chunkIndex = 0;
    }
    if (this.chunkIndex >= COMPACT_CHUNKS) {
      this.chunks.splice(0, this.chunkIndex);
      this.chunkIndex = 0;
    }
    this.chunks.push(chunk);
  }

  /** The next whole frame, without its header; undefined until more bytes are pushed. */
  next(): Uint8Array | undefined {
    if (this.missingBytes < 0 && this.startFrame() === undefined) return undefined;
    if (this.missingBytes < 0) return EMPTY;
    if (this.gatheredBytes === 0 && this.chunkBytes() >= this.missingBytes) {
      const whole = this.readPiece() ?? EMPTY;
      this.checkLong(whole);
      return whole;
    }
    return this.gather();
  }

  /**
   * Reads the header of the next frame and returns the length of its body, for callers who take
   * that in pieces; undefined until more bytes are pushed. A frame of length 0 ends at once.
   */
  startFrame(): number | undefined {
    assert(this.missingBytes < 0, "the frame before is read to its end");
    while (this.headerBytes < FRAME_HEADER_BYTES) {
      const chunk = this.chunks[this.chunkIndex];
      if (chunk === undefined) return undefined;
      this.header[this.headerBytes++] = chunk[this.position] as number;
      this.advance(1);
    }
    this.headerBytes = 0;
    const sizeBytes = decodeLength(this.header);
    if (sizeBytes > this.limit.maxBytes) {
      throw unexpected(`a frame of at most ${this.limit.maxBytes} bytes`, `one of ${sizeBytes}`);
    }
    this.mustCheckLong = sizeBytes > this.limit.plainBytes;
    this.missingBytes = sizeBytes === 0 ? -1 : sizeBytes;
    return sizeBytes;
  }

  /** Bytes of the started frame that were not read yet. */
  get frameMissingBytes(): number {
    return Math.max(0, this.missingBytes);
  }

  /** What has come of the started frame, as a view of a pushed chunk; undefined if nothing has. */
  readPiece(): Uint8Array | undefined {
    const chunk = this.chunks[this.chunkIndex];
    if (chunk === undefined || this.missingBytes < 0) return undefined;
    const end = Math.min(chunk.length, this.position + this.missingBytes);
    const piece = chunk.subarray(this.position, end);
    this.missingBytes -= piece.length;
    if (this.missingBytes === 0) this.missingBytes = -1;
    this.advance(piece.length);
    return piece;
  }

  /**
   * Lets `scan` take frames, headers included, straight from the current chunk, where making a view
   * of each would cost more than reading it. It returns the position of the first byte that it left.
   */
  scan(scan: (bytes: Uint8Array, start: number, end: number) => number): void {
    const chunk = this.chunks[this.chunkIndex];
    if (chunk === undefined || !this.isBetweenFrames()) return;
    this.advance(scan(chunk, this.position, chunk.length) - this.position);
  }

  /** All bytes after the frame returned last, for a connection that goes on in another framing. */
  takeRest(): Uint8Array {
    assert(this.isBetweenFrames(), "the framing changes between two frames");
    const [first = EMPTY, ...others] = this.chunks.slice(this.chunkIndex);
    this.chunks = [];
    this.chunkIndex = 0;
    const start = this.position;
    this.position = 0;
    if (others.length === 0) return first.subarray(start);
    const parts = [first.subarray(start), ...others];
    const rest = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      rest.set(part, at);
      at += part.length;
    }
    return rest;
  }

  private isBetweenFrames(): boolean {
    return this.missingBytes < 0 && this.headerBytes === 0;
  }

  private gather(): Uint8Array | undefined {
    while (this.missingBytes > 0) {
      const frameBytes = this.gatheredBytes + this.missingBytes;
      const piece = this.readPiece();
      if (piece === undefined) return undefined;
      this.makeRoom(this.gatheredBytes + piece.length, frameBytes);
      this.gathered.set(piece, this.gatheredBytes);
      this.gatheredBytes += piece.length;
      this.checkLong(this.gathered.subarray(0, this.gatheredBytes));
    }
    const frame = this.gathered.subarray(0, this.gatheredBytes);
    this.gathered = EMPTY;
    this.gatheredBytes = 0;
    return frame;
  }

  /** Takes the whole claimed length once an eighth of it has come, which bounds waste and copying. */
  private makeRoom(neededBytes: number, frameBytes: number): void {
    if (neededBytes <= this.gathered.length) return;
    const capacityBytes =
      neededBytes >= frameBytes / 8
        ? frameBytes
        : Math.min(frameBytes, Math.max(FIRST_CAPACITY_BYTES, 4 * neededBytes));
    const larger = allocateFor(
      `a frame of ${frameBytes} bytes`,
      () => new Uint8Array(capacityBytes),
    );
    larger.set(this.gathered.subarray(0, this.gatheredBytes));
    this.gathered = larger;
  }

  private checkLong(soFar: Uint8Array): void {
    if (!this.mustCheckLong || soFar.length < LONG_FRAME_PREFIX_BYTES) return;
    this.mustCheckLong = false;
    this.limit.checkLong(soFar.subarray(0, LONG_FRAME_PREFIX_BYTES));
  }

  private chunkBytes(): number {
    return (this.chunks[this.chunkIndex]?.length ?? 0) - this.position;
  }

  private advance(sizeBytes: number): void {
    this.position += sizeBytes;
    const chunk = this.chunks[this.chunkIndex];
    if (chunk === undefined || this.position < chunk.length) return;
    // Unheld at once: a queue of chunks would pin what was read of it.
    this.chunks[this.chunkIndex++] = EMPTY;
    this.position = 0;
  }
}

/** Exact up to 2^53; above that, near enough to be refused. */
function decodeLength(header: Uint8Array): number {
  let length = 0;
  for (let i = FRAME_HEADER_BYTES - 1; i >= 0; i--) length = length * 256 + (header[i] as number);
  return length;
}
