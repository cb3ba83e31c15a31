import { decodeUtf8Lossy } from "../../core/base/utf8.ts";
import { ProtocolError } from "../protocol-error.ts";

/**
 * The codec of the worker and peer protocols: a message is a list of columns, and a column travels
 * as it lies in memory.
 *
 *     frame   | u32 body length | u16 kind | u16 0 | column | column | ...
 *     column  | u32 element count | u32 element bytes | elements, padded to 8 bytes |
 *
 * All little-endian. Lengths of frames and columns are multiples of 8. A message of one task costs
 * a few hundred bytes and one of a thousand tasks no more work than a few `memcpy`, which is what
 * the batches are for.
 */
export type Column =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

export const FRAME_HEADER_BYTES = 8;
const COLUMN_HEADER_BYTES = 8;
/** Up to so many elements are written one by one. */
const SMALL_COLUMN = 16;

const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;

/** Bytes of the whole frame, header included. Throws a ProtocolError if its body exceeds `maxBodyBytes`. */
export function encodeFrame(
  kind: number,
  columns: readonly Column[],
  maxBodyBytes: number,
): Uint8Array<ArrayBuffer> {
  let bodyBytes = 0;
  for (const column of columns) bodyBytes += COLUMN_HEADER_BYTES + padded(column.byteLength);
  if (bodyBytes > maxBodyBytes) {
    throw new ProtocolError(`a message of ${bodyBytes} bytes exceeds the limit of ${maxBodyBytes}`);
  }
  const frame = new Uint8Array(FRAME_HEADER_BYTES + bodyBytes);
  const view = new DataView(frame.buffer);
  view.setUint32(0, bodyBytes, true);
  view.setUint16(4, kind, true);
  let offset = FRAME_HEADER_BYTES;
  for (const column of columns) {
    view.setUint32(offset, column.length, true);
    view.setUint32(offset + 4, column.BYTES_PER_ELEMENT, true);
    offset += COLUMN_HEADER_BYTES;
    if (column.length === 0) continue;
    if (column.length <= SMALL_COLUMN) putSmall(view, offset, column);
    else frame.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), offset);
    offset += padded(column.byteLength);
  }
  return frame;
}

/** Element by element: a column's memory is a view away, which costs more than a few elements. */
function putSmall(view: DataView, start: number, column: Column): void {
  const { length, BYTES_PER_ELEMENT: step } = column;
  if (column instanceof Float64Array) {
    for (let i = 0; i < length; i++) view.setFloat64(start + 8 * i, column[i] as number, true);
  } else if (column instanceof Float32Array) {
    for (let i = 0; i < length; i++) view.setFloat32(start + 4 * i, column[i] as number, true);
  } else if (step === 4) {
    for (let i = 0; i < length; i++) view.setInt32(start + 4 * i, column[i] as number, true);
  } else if (step === 2) {
    for (let i = 0; i < length; i++) view.setInt16(start + 2 * i, column[i] as number, true);
  } else for (let i = 0; i < length; i++) view.setUint8(start + i, column[i] as number);
}

/**
 * Reads the columns of one frame's body, in order, as views of one copy: they are aligned in it, pin
 * no received chunk, and outlive the body.
 */
export class ColumnReader {
  readonly #body: Uint8Array<ArrayBuffer>;
  readonly #buffer: ArrayBuffer;
  readonly #view: DataView;
  #offset = 0;
  /** First byte of the column that `#next` stepped over last. */
  #start = 0;

  constructor(received: Uint8Array) {
    this.#body = new Uint8Array(received);
    this.#buffer = this.#body.buffer;
    this.#view = new DataView(this.#buffer);
  }

  u8(): Uint8Array {
    const count = this.#next(1);
    return new Uint8Array(this.#buffer, this.#start, count);
  }

  u16(): Uint16Array {
    const count = this.#next(2);
    return new Uint16Array(this.#buffer, this.#start, count);
  }

  u32(): Uint32Array {
    const count = this.#next(4);
    return new Uint32Array(this.#buffer, this.#start, count);
  }

  i32(): Int32Array {
    const count = this.#next(4);
    return new Int32Array(this.#buffer, this.#start, count);
  }

  f32(): Float32Array {
    const count = this.#next(4);
    return new Float32Array(this.#buffer, this.#start, count);
  }

  f64(): Float64Array {
    const count = this.#next(8);
    return new Float64Array(this.#buffer, this.#start, count);
  }

  /** Text for a person to read: what is not UTF-8 becomes U+FFFD. */
  text(): string {
    return decodeUtf8Lossy(this.u8());
  }

  /** The only element of a u32 column. */
  scalar(): number {
    const column = this.u32();
    const value = column[0];
    if (value === undefined || column.length > 1) {
      throw new ProtocolError("expected a column of exactly one element");
    }
    return value;
  }

  /** Whether all columns were read. */
  get isAtEnd(): boolean {
    return this.#offset === this.#body.length;
  }

  /** Fails unless all columns were read. */
  end(): void {
    const { length } = this.#body;
    if (this.#offset !== length) {
      throw new ProtocolError(
        `${length - this.#offset} bytes follow the last column of the message`,
      );
    }
  }

  /** Steps over the next column; its length in elements. */
  #next(elementBytes: number): number {
    const { length } = this.#body;
    if (this.#offset + COLUMN_HEADER_BYTES > length) {
      throw new ProtocolError(
        `expected a column at byte ${this.#offset}, but the frame ends at ${length}`,
      );
    }
    const count = this.#view.getUint32(this.#offset, true);
    const bytes = this.#view.getUint32(this.#offset + 4, true);
    if (bytes !== elementBytes) {
      throw new ProtocolError(`expected a column of ${elementBytes}-byte elements, got ${bytes}`);
    }
    this.#start = this.#offset + COLUMN_HEADER_BYTES;
    if (this.#start + count * elementBytes > length) {
      throw new ProtocolError(`a column of ${count} elements ends beyond its frame`);
    }
    this.#offset = this.#start + padded(count * elementBytes);
    return count;
  }
}

/** Fails unless all columns have the same number of elements. */
export function requireEqualLengths(...columns: readonly Column[]): void {
  const count = columns[0]?.length ?? 0;
  for (const column of columns) {
    if (column.length !== count) {
      throw new ProtocolError(`columns of one batch differ in length: ${count}, ${column.length}`);
    }
  }
}

/**
 * Fails unless `starts` rises from 0 to `total`: the shape of every "range of row i is
 * starts[i] .. starts[i + 1]" column of `rowCount` rows.
 */
export function requireRanges(starts: Uint32Array, rowCount: number, total: number): void {
  if (starts.length !== rowCount + 1) {
    throw new ProtocolError(`expected ${rowCount + 1} range starts, got ${starts.length}`);
  }
  let previous = 0;
  for (const start of starts) {
    if (start < previous || start > total) throw new ProtocolError("range starts do not rise");
    previous = start;
  }
  if (starts[0] !== 0 || starts[rowCount] !== total) {
    throw new ProtocolError("ranges do not cover their column");
  }
}
