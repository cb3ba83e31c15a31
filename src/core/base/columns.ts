/** The typed arrays that state columns are made of. */
export type NumberColumn =
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

/** A copy of `column` with room for `capacity` elements; what does not fit is cut off. */
export function resizeColumn<Column extends NumberColumn>(
  column: Column,
  capacity: number,
): Column {
  const Constructor = column.constructor as new (length: number) => Column;
  const resized = new Constructor(capacity);
  resized.set(column.length > capacity ? (column.subarray(0, capacity) as Column) : column);
  return resized;
}

/** The capacity to grow to so that `needed` elements fit and growing stays linear in all. */
export function grownCapacity(capacity: number, needed: number): number {
  let grown = Math.max(capacity, 16);
  while (grown < needed) grown *= 2;
  return grown;
}

/** Items whose memory a list keeps when it is cleared. */
const KEPT_ITEMS = 4096;

/** Of all lists that hold nothing: most of those that a step makes never do. */
const NO_ITEMS = new Uint32Array(0);

/** A list of uint32 that grows by doubling; for gathering a batch whose size is not known. */
export class Uint32List {
  #items: Uint32Array<ArrayBuffer> = NO_ITEMS;
  length = 0;

  push(value: number): void {
    if (this.length === this.#items.length) {
      this.#items = resizeColumn(this.#items, grownCapacity(this.length, this.length + 1));
    }
    this.#items[this.length] = value;
    this.length += 1;
  }

  at(index: number): number {
    return this.#items[index] as number;
  }

  pop(): number {
    this.length -= 1;
    return this.#items[this.length] as number;
  }

  clear(): void {
    this.length = 0;
    if (this.#items.length > KEPT_ITEMS) this.#items = NO_ITEMS;
  }

  /** A copy of what is in the list now. */
  toArray(): Uint32Array<ArrayBuffer> {
    return this.#items.slice(0, this.length);
  }
}
