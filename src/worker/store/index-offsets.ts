import { readPart } from "./read-value.ts";
import type { ValueId } from "./value-id.ts";
import type { ValueTable } from "./value-table.ts";

const OFFSET_BYTES = 8;

/** Offsets as an index stores them and as clients are sent them: uint64 LE each. */
export function encodeOffsets(offsets: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(offsets.length * OFFSET_BYTES);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < offsets.length; i++) {
    const offset = offsets[i] as number;
    view.setUint32(i * OFFSET_BYTES, offset % 0x1_0000_0000, true);
    view.setUint32(i * OFFSET_BYTES + 4, Math.floor(offset / 0x1_0000_0000), true);
  }
  return bytes;
}

export function decodeOffsets(bytes: Uint8Array): Float64Array {
  const offsets = new Float64Array(bytes.length / OFFSET_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < offsets.length; i++) {
    const at = i * OFFSET_BYTES;
    offsets[i] = view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
  }
  return offsets;
}

/** The byte range of items `from` .. `to` of an index, which are within its length. */
export function itemRange(
  values: ValueTable,
  index: ValueId,
  from: number,
  to: number,
): { readonly offset: number; readonly sizeBytes: number } {
  const offsets = values.indexOffsets(index);
  const offset = offsetAt(values, offsets, from);
  return { offset, sizeBytes: offsetAt(values, offsets, to) - offset };
}

function offsetAt(values: ValueTable, offsets: ValueId, position: number): number {
  const bytes = readPart(values, offsets, position * OFFSET_BYTES, OFFSET_BYTES);
  return decodeOffsets(bytes)[0] ?? 0;
}
