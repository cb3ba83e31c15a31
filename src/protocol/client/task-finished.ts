import type { ByteWriter } from "../wire/byte-writer.ts";
import { putInt32 } from "../wire/byte-writer.ts";
import { growColumn } from "../wire/columns.ts";
import { FRAME_HEADER_BYTES } from "./frame.ts";

// The whole frame: u64 length | 08 02 (type TASK_FINISHED) | 38 id (1 to 10 bytes)
const BODY_BYTES_BEFORE_ID = 3;
const FRAME_BYTES_MAX = FRAME_HEADER_BYTES + BODY_BYTES_BEFORE_ID + 10;

/** Client ids of tasks, appended one by one. */
export class FinishedIds {
  ids: Int32Array = new Int32Array(64);
  count = 0;

  add(id: number): void {
    if (this.count === this.ids.length) this.ids = growColumn(this.ids, 2 * this.count);
    this.ids[this.count++] = id;
  }

  /** Empties the list and returns a copy of what was in it. */
  take(): Int32Array {
    const taken = this.ids.slice(0, this.count);
    this.count = 0;
    return taken;
  }
}

/** Appends one TASK_FINISHED frame for each id. */
export function encodeTasksFinished(writer: ByteWriter, ids: Int32Array): void {
  writer.ensure(ids.length * FRAME_BYTES_MAX);
  const { bytes } = writer;
  let at = writer.length;
  for (const id of ids) {
    const body = at + FRAME_HEADER_BYTES;
    bytes[body] = 0x08;
    bytes[body + 1] = 2;
    bytes[body + 2] = 0x38;
    const end = putInt32(bytes, body + BODY_BYTES_BEFORE_ID, id);
    bytes[at] = end - body;
    bytes.fill(0, at + 1, body);
    at = end;
  }
  writer.length = at;
}

/**
 * Reads TASK_FINISHED frames from `start` on, as long as they are whole and in the shape that
 * servers write, and returns the position after them: for `FrameSplitter.scan`. What it leaves is
 * for `decodeClientResponse`.
 */
export function scanTasksFinished(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: FinishedIds,
): number {
  let at = start;
  while (end - at > FRAME_HEADER_BYTES + BODY_BYTES_BEFORE_ID) {
    const frameEnd = at + FRAME_HEADER_BYTES + (bytes[at] as number);
    if (frameEnd > end || !isTaskFinished(bytes, at)) return at;
    let id = 0;
    let byte = 0x80;
    let position = at + FRAME_HEADER_BYTES + BODY_BYTES_BEFORE_ID;
    for (let shift = 0; byte >= 0x80; shift += 7) {
      if (position >= frameEnd || shift >= 70) return at;
      byte = bytes[position++] as number;
      if (shift < 32) id |= (byte & 0x7f) << shift;
    }
    if (position !== frameEnd) return at;
    into.add(id);
    at = frameEnd;
  }
  return at;
}

/** Upper bytes of the length are 0, and the body begins with the type and the tag of the id. */
function isTaskFinished(bytes: Uint8Array, at: number): boolean {
  for (let i = 1; i < FRAME_HEADER_BYTES; i++) if (bytes[at + i] !== 0) return false;
  const body = at + FRAME_HEADER_BYTES;
  return bytes[body] === 0x08 && bytes[body + 1] === 2 && bytes[body + 2] === 0x38;
}
