import { Uint32List } from "../../core/base/columns.ts";
import { DATA_TYPE } from "../../core/model/symbols.ts";
import { encodeFrameHeader, FRAME_HEADER_BYTES } from "../../protocol/client/frame.ts";
import { type ValueId, valueId } from "../store/value-id.ts";
import type { ValueTable } from "../store/value-table.ts";

const TYPE_ID_BYTES = 4;

/** A stretch of the stream: bytes, or all bytes of a raw value. */
export type FramePiece =
  | { readonly bytes: Uint8Array; readonly value?: undefined }
  | { readonly value: ValueId };

/**
 * Bytes of all frames that a client is sent for the value, their lengths included. Each frame has 8
 * bytes of length, and each but the first is announced by a type id of 4. Not a safe integer where
 * sharing multiplies it.
 */
export function clientFramesBytes(values: ValueTable, value: ValueId): number {
  const frames = values.messageCount(value);
  return FRAME_HEADER_BYTES * frames + TYPE_ID_BYTES * (frames - 1) + values.sizeBytes(value);
}

/**
 * The frames of the client protocol's DATA message for a value, without recursion:
 *
 *     raw     | length | bytes |
 *     array   | length | type id of each item | frames of item 0 | frames of item 1 | ...
 *     index   | length | type id of the base, offsets | frames of the base |
 */
export function* clientFrames(values: ValueTable, root: ValueId): Generator<FramePiece> {
  /** An array, then the number of its items that were sent. */
  const stack = new Uint32List();
  let value: ValueId | undefined = root;
  for (;;) {
    if (value !== undefined) {
      const sizeBytes = values.sizeBytes(value);
      switch (values.dataType(value)) {
        case DATA_TYPE.array:
          yield { bytes: arrayFrame(values, value) };
          stack.push(value);
          stack.push(0);
          break;
        case DATA_TYPE.index: {
          const base = values.indexBase(value);
          const offsets = values.indexOffsets(value);
          yield { bytes: indexFrameStart(values, base, values.sizeBytes(offsets)) };
          yield { value: offsets };
          yield { bytes: encodeFrameHeader(values.sizeBytes(base)) };
          yield { value: base };
          break;
        }
        default:
          yield { bytes: encodeFrameHeader(sizeBytes) };
          yield { value };
      }
    }
    if (stack.length === 0) return;
    const next = stack.pop();
    const array = valueId(stack.pop());
    value = undefined;
    if (next < values.length(array)) {
      value = valueId(values.items(array)[next] as number);
      stack.push(array);
      stack.push(next + 1);
    }
  }
}

function arrayFrame(values: ValueTable, array: ValueId): Uint8Array {
  const items = values.items(array);
  const frame = new Uint8Array(FRAME_HEADER_BYTES + TYPE_ID_BYTES * items.length);
  frame.set(encodeFrameHeader(TYPE_ID_BYTES * items.length));
  const view = new DataView(frame.buffer);
  items.forEach((item, i) => {
    const type = values.dataType(valueId(item));
    view.setUint32(FRAME_HEADER_BYTES + TYPE_ID_BYTES * i, type, true);
  });
  return frame;
}

function indexFrameStart(values: ValueTable, base: ValueId, offsetsBytes: number): Uint8Array {
  const start = new Uint8Array(FRAME_HEADER_BYTES + TYPE_ID_BYTES);
  start.set(encodeFrameHeader(TYPE_ID_BYTES + offsetsBytes));
  new DataView(start.buffer).setUint32(FRAME_HEADER_BYTES, values.dataType(base), true);
  return start;
}
