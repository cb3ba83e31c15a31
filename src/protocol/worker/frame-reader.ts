import { ProtocolError } from "../protocol-error.ts";
import { FRAME_HEADER_BYTES } from "./columns-codec.ts";

/** A frame's body may be a view of a received chunk: it is to be decoded before the chunk is used again. */
export type Frame = { readonly kind: number; readonly body: Uint8Array };

/**
 * Splits a stream of chunks into frames. A frame that lies within one chunk is a view of it; any
 * other is gathered in a buffer that doubles as bytes come, so that a claimed length allocates
 * nothing and each byte is copied a bounded number of times, however small the chunks.
 */
export class FrameReader {
  readonly #maxBodyBytes: number;
  #pending: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #pendingBytes = 0;
  /** Where `next` goes on in the chunk that it was given last. */
  position = 0;

  /** A frame with a longer body is a ProtocolError as soon as its header is there. */
  constructor(maxBodyBytes: number) {
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** All frames that the chunk completes. Throws a ProtocolError; the stream is unusable afterwards. */
  feed(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    this.position = 0;
    while (this.position < chunk.length) {
      const frame = this.next(chunk, this.position);
      if (frame !== undefined) frames.push(frame);
    }
    return frames;
  }

  /**
   * Takes bytes of the chunk from `start` to the end of one frame at most, sets `position` behind
   * them, and returns the frame if it is complete. For streams with other things between frames.
   */
  next(chunk: Uint8Array, start: number): Frame | undefined {
    this.position = start;
    if (this.#pendingBytes === 0) {
      const whole = this.#wholeFrame(chunk, start);
      if (whole !== undefined) return whole;
    }
    if (!this.#gather(chunk, FRAME_HEADER_BYTES)) return undefined;
    const frameBytes = this.#frameBytes(this.#pending, 0);
    if (!this.#gather(chunk, frameBytes)) return undefined;
    const frame = frameAt(this.#pending, 0, frameBytes);
    this.#pending = new Uint8Array(0);
    this.#pendingBytes = 0;
    return frame;
  }

  /** Whether the stream stands between two frames, where alone it may end. */
  get atBoundary(): boolean {
    return this.#pendingBytes === 0;
  }

  #wholeFrame(chunk: Uint8Array, start: number): Frame | undefined {
    if (chunk.length - start < FRAME_HEADER_BYTES) return undefined;
    const frameBytes = this.#frameBytes(chunk, start);
    if (chunk.length - start < frameBytes) return undefined;
    this.position = start + frameBytes;
    return frameAt(chunk, start, frameBytes);
  }

  /** Moves bytes from `position` on until `wanted` are pending; false if the chunk has too few. */
  #gather(chunk: Uint8Array, wanted: number): boolean {
    const taken = Math.min(wanted - this.#pendingBytes, chunk.length - this.position);
    if (taken <= 0) return this.#pendingBytes >= wanted;
    const needed = this.#pendingBytes + taken;
    if (needed > this.#pending.length) {
      const grown = new Uint8Array(
        Math.max(needed, Math.min(2 * this.#pending.length, wanted), 64),
      );
      grown.set(this.#pending.subarray(0, this.#pendingBytes));
      this.#pending = grown;
    }
    this.#pending.set(chunk.subarray(this.position, this.position + taken), this.#pendingBytes);
    this.#pendingBytes = needed;
    this.position += taken;
    return needed >= wanted;
  }

  /** Bytes of the whole frame whose header stands at `start`. */
  #frameBytes(bytes: Uint8Array, start: number): number {
    const view = viewOf(bytes, start);
    const bodyBytes = view.getUint32(0, true);
    if (bodyBytes > this.#maxBodyBytes) {
      throw new ProtocolError(
        `expected a message of at most ${this.#maxBodyBytes} bytes, got one of ${bodyBytes}`,
      );
    }
    if (bodyBytes % 8 !== 0 || view.getUint16(6, true) !== 0) {
      throw new ProtocolError("expected the header of a frame, got other bytes");
    }
    return FRAME_HEADER_BYTES + bodyBytes;
  }
}

function frameAt(bytes: Uint8Array, start: number, frameBytes: number): Frame {
  return {
    kind: viewOf(bytes, start).getUint16(4, true),
    body: bytes.subarray(start + FRAME_HEADER_BYTES, start + frameBytes),
  };
}

function viewOf(bytes: Uint8Array, start: number): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset + start, FRAME_HEADER_BYTES);
}
