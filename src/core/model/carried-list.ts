import type { CarriedResults } from "./batches.ts";

const FIRST_CAPACITY_BYTES = 1024;
/** A u64, little-endian. */
const FRAME_LENGTH_BYTES = 8;
/** Up to here a loop copies faster than `set` with a view that is made for it. */
const LOOP_BYTES_MAX = 48;

const NO_BYTES = new Uint8Array(0);

/** Gathers `CarriedResults`, entry by entry. */
export class CarriedList {
  #positions: number[] = [];
  #dataTypes: number[] = [];
  #frameCounts: number[] = [];
  #starts: number[] = [0];
  #bytes: Uint8Array<ArrayBuffer> = NO_BYTES;
  #length = 0;

  get count(): number {
    return this.#positions.length;
  }

  get sizeBytes(): number {
    return this.#length;
  }

  /** Opens an entry, whose frames are then appended; positions must rise. */
  add(position: number, dataType: number, frameCount: number): void {
    this.#positions.push(position);
    this.#dataTypes.push(dataType);
    this.#frameCounts.push(frameCount);
    this.#starts.push(this.#length);
  }

  /** Adds `source[start .. end]` to the entry that was opened last. */
  append(source: Uint8Array, start = 0, end: number = source.length): void {
    const begin = this.#length;
    this.#length += end - start;
    if (this.#length > this.#bytes.length) this.#grow();
    if (end - start > LOOP_BYTES_MAX) this.#bytes.set(source.subarray(start, end), begin);
    else {
      const bytes = this.#bytes;
      for (let i = start; i < end; i += 1) bytes[begin + i - start] = source[i] as number;
    }
    this.#starts[this.#starts.length - 1] = this.#length;
  }

  /** Adds the length of a frame, whose bytes are appended next. */
  appendLength(sizeBytes: number): void {
    const begin = this.#length;
    this.#length += FRAME_LENGTH_BYTES;
    if (this.#length > this.#bytes.length) this.#grow();
    // A small result: the upper four bytes are 0, as they are in a fresh array.
    for (let i = 0; i < 4; i += 1) this.#bytes[begin + i] = (sizeBytes >>> (8 * i)) & 0xff;
    this.#starts[this.#starts.length - 1] = this.#length;
  }

  /** Empties the list and returns what was in it; undefined for nothing. */
  take(): CarriedResults | undefined {
    if (this.#positions.length === 0) return undefined;
    const taken = {
      positions: Uint32Array.from(this.#positions),
      dataTypes: Uint16Array.from(this.#dataTypes),
      frameCounts: Uint32Array.from(this.#frameCounts),
      starts: Uint32Array.from(this.#starts),
      bytes: this.#bytes.subarray(0, this.#length),
    };
    this.#positions = [];
    this.#dataTypes = [];
    this.#frameCounts = [];
    this.#starts = [0];
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
    return taken;
  }

  #grow(): void {
    const larger = new Uint8Array(Math.max(FIRST_CAPACITY_BYTES, 2 * this.#length));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** The entries of these tasks, whose positions become those in `indexes`, which rise. */
export function selectCarried(
  carried: CarriedResults | undefined,
  indexes: Uint32Array,
): CarriedResults | undefined {
  if (carried === undefined) return undefined;
  const { positions, dataTypes, frameCounts, starts, bytes } = carried;
  const list = new CarriedList();
  let entry = 0;
  for (let i = 0; i < indexes.length; i += 1) {
    while (entry < positions.length && (positions[entry] as number) < (indexes[i] as number)) {
      entry += 1;
    }
    if (positions[entry] !== indexes[i]) continue;
    list.add(i, dataTypes[entry] as number, frameCounts[entry] as number);
    list.append(bytes, starts[entry] as number, starts[entry + 1] as number);
  }
  return list.take();
}
