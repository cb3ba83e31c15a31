import { grownCapacity, resizeColumn, Uint32List } from "../../base/columns.ts";

const NONE = -1;
/** Not in the queue. */
const OUT = -2;

/** Less than this stays in memory: its row in the tables takes as much. */
export const SPILL_BYTES_MIN = 64;

/**
 * What lies in memory and could lie on disk, by numbers that are used again, the coldest first: in
 * the order of coming, but what was used since it was looked at last gets a second chance and goes to
 * the end (the clock algorithm, Corbató 1968). A use costs one byte written, and each look at an
 * entry either takes it or uses up its chance.
 *
 *     first --> 7 <--> 3 <--> 9 <-- last        taken from the front, added at the end
 */
export class ColdQueue {
  #next: Int32Array<ArrayBuffer> = new Int32Array(16).fill(OUT);
  #previous: Int32Array<ArrayBuffer> = new Int32Array(16);
  #sizesBytes: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  #wasUsed: Uint8Array<ArrayBuffer> = new Uint8Array(16);
  #first: number = NONE;
  #last: number = NONE;
  #count = 0;
  #totalBytes = 0;

  get count(): number {
    return this.#count;
  }

  /** Bytes of all entries. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  has(entry: number): boolean {
    const next = this.#next[entry];
    return next !== undefined && next !== OUT;
  }

  /** Adds what is as warm as can be. The entry must not be in the queue. */
  add(entry: number, sizeBytes: number): void {
    if (entry >= this.#next.length) this.#grow(entry + 1);
    this.#sizesBytes[entry] = sizeBytes;
    this.#wasUsed[entry] = 0;
    this.#append(entry);
    this.#count += 1;
    this.#totalBytes += sizeBytes;
  }

  /** Notes that it was used; of no effect on what is not in the queue. */
  use(entry: number): void {
    if (entry < this.#wasUsed.length) this.#wasUsed[entry] = 1;
  }

  /** Takes the entry out, if it is in the queue. */
  remove(entry: number): void {
    if (!this.has(entry)) return;
    this.#unlink(entry);
    this.#count -= 1;
    this.#totalBytes -= this.#sizesBytes[entry] as number;
  }

  /** Takes out the coldest, until they have so many bytes together, or all there are. */
  takeColdest(sizeBytes: number): Uint32Array {
    const taken = new Uint32List();
    let takenBytes = 0;
    while (takenBytes < sizeBytes && this.#first !== NONE) {
      const entry = this.#first;
      if (this.#wasUsed[entry] === 1) {
        this.#wasUsed[entry] = 0;
        this.#unlink(entry);
        this.#append(entry);
        continue;
      }
      this.remove(entry);
      takenBytes += this.#sizesBytes[entry] as number;
      taken.push(entry);
    }
    return taken.toArray();
  }

  #append(entry: number): void {
    const last = this.#last;
    this.#previous[entry] = last;
    this.#next[entry] = NONE;
    if (last === NONE) this.#first = entry;
    else this.#next[last] = entry;
    this.#last = entry;
  }

  #unlink(entry: number): void {
    const next = this.#next[entry] as number;
    const previous = this.#previous[entry] as number;
    if (previous === NONE) this.#first = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#last = previous;
    else this.#previous[next] = previous;
    this.#next[entry] = OUT;
  }

  #grow(entries: number): void {
    const before = this.#next.length;
    const capacity = grownCapacity(before, entries);
    this.#next = resizeColumn(this.#next, capacity).fill(OUT, before);
    this.#previous = resizeColumn(this.#previous, capacity);
    this.#sizesBytes = resizeColumn(this.#sizesBytes, capacity);
    this.#wasUsed = resizeColumn(this.#wasUsed, capacity);
  }
}
