import { grownCapacity, resizeColumn, Uint32List } from "./columns.ts";

/** Freed blocks up to this size are kept by exact size, since plans repeat their shapes. */
const EXACT_SIZE_MAX = 64;

/**
 * Blocks of int32 in one array that grows by doubling. A freed block is used again for one of its
 * size (small) or of its power of two (large); when nothing lives any more, the memory is given back.
 */
export class IntArena {
  items: Int32Array<ArrayBuffer> = new Int32Array(256);
  #used = 0;
  #liveItems = 0;
  readonly #freeBySize = new Map<number, Uint32List>();

  get liveItems(): number {
    return this.#liveItems;
  }

  /** Offset of a block of `size` items with any content; 0 for an empty block. */
  allocate(size: number): number {
    if (size === 0) return 0;
    const rounded = roundedSize(size);
    this.#liveItems += rounded;
    const free = this.#freeBySize.get(rounded);
    if (free !== undefined && free.length > 0) return free.pop();
    const offset = this.#used;
    this.#used += rounded;
    if (this.#used > this.items.length) {
      this.items = resizeColumn(this.items, grownCapacity(this.items.length, this.#used));
    }
    return offset;
  }

  /** Makes room for blocks of so many items in all, if freed blocks are used again. */
  reserve(size: number): void {
    const needed = this.#liveItems + size;
    if (needed <= this.items.length) return;
    this.items = resizeColumn(this.items, grownCapacity(this.items.length, needed));
  }

  /** Gives back a block with the size that it was allocated with. */
  free(offset: number, size: number): void {
    if (size === 0) return;
    const rounded = roundedSize(size);
    this.#liveItems -= rounded;
    if (this.#liveItems === 0) {
      this.items = new Int32Array(256);
      this.#used = 0;
      this.#freeBySize.clear();
      return;
    }
    let free = this.#freeBySize.get(rounded);
    if (free === undefined) {
      free = new Uint32List();
      this.#freeBySize.set(rounded, free);
    }
    free.push(offset);
  }
}

const roundedSize = (size: number): number =>
  size <= EXACT_SIZE_MAX ? size : 2 ** Math.ceil(Math.log2(size));
