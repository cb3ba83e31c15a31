import type { ByteWriter } from "../wire/byte-writer.ts";

/** Bytes of the little-endian length before each frame of the client protocol. */
export const FRAME_HEADER_BYTES = 8;

/** Leaves room for a frame's length; `endFrame` takes the position that it returns. */
export function beginFrame(writer: ByteWriter): number {
  return writer.reserve(FRAME_HEADER_BYTES);
}

/** Sets the length of the frame that began at `position` to all that was written since. */
export function endFrame(writer: ByteWriter, position: number): void {
  writer.patchU64(position, writer.length - position - FRAME_HEADER_BYTES);
}

/** The header of a frame whose body is written elsewhere, such as a payload frame. */
export function encodeFrameHeader(bodyBytes: number): Uint8Array {
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, bodyBytes % 0x1_0000_0000, true);
  view.setUint32(4, Math.floor(bodyBytes / 0x1_0000_0000), true);
  return header;
}
