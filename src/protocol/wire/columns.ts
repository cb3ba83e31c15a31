import { allocateFor } from "./allocate.ts";

/** A column: one number for each row. */
export type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array;

/**
 * A copy with room for `capacity` rows, which is at least the column's own; new rows are 0. Throws a
 * ProtocolError where the host has no memory for it.
 */
export function growColumn<C extends Column>(column: C, capacity: number): C {
  const grown = allocateFor(
    `${capacity} rows`,
    () => new (column.constructor as new (length: number) => C)(capacity),
  );
  grown.set(column);
  return grown;
}

/** The first `length` rows, as a view: it keeps the whole column alive. */
export function viewColumn<C extends Column>(column: C, length: number): C {
  return column.subarray(0, length) as C;
}

/** The first `length` rows in memory of exactly their size: a copy, unless the column is just that. */
export function trimColumn<C extends Column>(column: C, length: number): C {
  if (column.length === length && column.byteLength === column.buffer.byteLength) return column;
  const trimmed = new (column.constructor as new (length: number) => C)(length);
  trimmed.set(column.subarray(0, length));
  return trimmed;
}
