import { assert } from "./assert.ts";
import { grownCapacity, resizeColumn, Uint32List } from "./columns.ts";
import { copyBytes } from "./copy-bytes.ts";

/** Bytes of a full segment; a segment is the unit in which memory is given back. */
export const SEGMENT_BYTES: number = 1024 * 1024;

/** What is larger gets a segment of its own, so that little is wasted at a segment's end. */
const SHARED_ENTRY_BYTES = SEGMENT_BYTES / 4;
const FIRST_SEGMENT_BYTES = 16 * 1024;
const KEPT_ENTRIES = 4096;
const NONE = -1;
/** The length that marks a free entry. */
const FREE = 0xffff_ffff;

type Segment = {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes given out, each entry rounded up to 8. */
  usedBytes: number;
  liveBytes: number;
  /** Entries that were put here; some have left since, or have been used again elsewhere. */
  readonly entries: Uint32List;
};

const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;
const EMPTY: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/**
 * Many byte strings of any size in few buffers, by small whole numbers that are used again.
 *
 *     entry 7 -> segment 2 | offset 4096 | 31 bytes          segment 2 | ..... [entry 7] .. |
 *
 * A segment whose entries are all released is freed; one that is mostly dead is emptied into the
 * newest, so the memory held is at most about four times what lives, plus two segments. All
 * operations are amortized O(1) an entry and a byte. Entries begin at multiples of 8, so that a
 * view can be read as numbers. A view stays as it is after its entry was released or moved: buffers
 * are never written twice.
 */
export class ByteSegments {
  readonly #segments: (Segment | undefined)[] = [];
  readonly #freeSegments: number[] = [];
  #current = NONE;
  /** Segment of each entry; -1 for an empty or free one. */
  #segmentOf = new Int32Array(16).fill(NONE);
  #offsets = new Uint32Array(16);
  #lengths = new Uint32Array(16).fill(FREE);
  readonly #freeEntries = new Uint32List();
  #entryCount = 0;
  #liveBytes = 0;
  #capacityBytes = 0;

  /** Bytes of the living entries. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  /** Bytes of all buffers held. */
  get capacityBytes(): number {
    return this.#capacityBytes;
  }

  /** Living entries, empty ones included. */
  get count(): number {
    return this.#entryCount - this.#freeEntries.length;
  }

  /** Copies the bytes in and returns their entry. */
  append(bytes: Uint8Array): number {
    const entry = this.allocate(bytes.length);
    if (bytes.length > 0) this.#bytesOf(entry).set(bytes);
    return entry;
  }

  /** An entry of so many zero bytes, to be filled through `view`; ask for the view anew after any other call. */
  allocate(sizeBytes: number): number {
    assert(sizeBytes < FREE, "an entry is shorter than 4 GiB");
    const entry = this.#createEntry();
    this.#lengths[entry] = sizeBytes;
    this.#liveBytes += sizeBytes;
    if (sizeBytes > 0) this.#place(entry, sizeBytes);
    return entry;
  }

  length(entry: number): number {
    return this.#lengths[entry] as number;
  }

  /** The entry's bytes, not copied. */
  view(entry: number): Uint8Array<ArrayBuffer> {
    return this.#segmentOf[entry] === NONE ? EMPTY : this.#bytesOf(entry);
  }

  /** Copies `source[start .. start + sizeBytes]` into the entry, from its byte `at` on. */
  write(entry: number, at: number, source: Uint8Array, start: number, sizeBytes: number): void {
    if (sizeBytes === 0) return;
    const { bytes } = this.#segment(this.#segmentOf[entry] as number);
    copyBytes(source, start, sizeBytes, bytes, (this.#offsets[entry] as number) + at);
  }

  /** Copies the first `count` bytes of the entry to `target`, from `start` on. */
  copyTo(target: Uint8Array, start: number, entry: number, count: number): void {
    if (count === 0) return;
    const { bytes } = this.#segment(this.#segmentOf[entry] as number);
    copyBytes(bytes, this.#offsets[entry] as number, count, target, start);
  }

  /** Gives back the memory of the entries' numbers once there are none. */
  giveBackIfEmpty(): void {
    if (this.count > 0 || this.#lengths.length <= KEPT_ENTRIES) return;
    this.#segmentOf = new Int32Array(16).fill(NONE);
    this.#offsets = new Uint32Array(16);
    this.#lengths = new Uint32Array(16).fill(FREE);
    this.#freeEntries.clear();
    this.#entryCount = 0;
    if (this.#current === NONE) return;
    this.#freeSegment(this.#current);
    this.#current = NONE;
  }

  release(entry: number): void {
    const sizeBytes = this.#lengths[entry] as number;
    assert(entry < this.#entryCount && sizeBytes !== FREE, "an entry is released once");
    const index = this.#segmentOf[entry] as number;
    this.#segmentOf[entry] = NONE;
    this.#lengths[entry] = FREE;
    this.#freeEntries.push(entry);
    this.#liveBytes -= sizeBytes;
    if (index === NONE) return;
    const segment = this.#segment(index);
    segment.liveBytes -= padded(sizeBytes);
    // The newest stays while it has room, or giving back one small entry would cost a segment.
    if (index !== this.#current) this.#emptyIfSparse(index);
    else if (segment.liveBytes === 0) segment.entries.clear();
  }

  #segment(index: number): Segment {
    const segment = this.#segments[index];
    assert(segment !== undefined, "an entry lies in a living segment");
    return segment;
  }

  #bytesOf(entry: number): Uint8Array<ArrayBuffer> {
    const segment = this.#segment(this.#segmentOf[entry] as number);
    const offset = this.#offsets[entry] as number;
    return segment.bytes.subarray(offset, offset + (this.#lengths[entry] as number));
  }

  #createEntry(): number {
    if (this.#freeEntries.length > 0) return this.#freeEntries.pop();
    const entry = this.#entryCount++;
    const capacity = this.#lengths.length;
    if (entry === capacity) {
      const grown = grownCapacity(capacity, entry + 1);
      this.#segmentOf = resizeColumn(this.#segmentOf, grown).fill(NONE, capacity);
      this.#offsets = resizeColumn(this.#offsets, grown);
      this.#lengths = resizeColumn(this.#lengths, grown).fill(FREE, capacity);
    }
    return entry;
  }

  #place(entry: number, sizeBytes: number): void {
    const size = padded(sizeBytes);
    let index = this.#current;
    let outgrown = NONE;
    if (size > SHARED_ENTRY_BYTES) index = this.#createSegment(size);
    else if (index === NONE || this.#roomBytes(index) < size) {
      // Small in a small arena, whole segments in a large one.
      const wanted = Math.max(FIRST_SEGMENT_BYTES, size, this.#liveBytes);
      outgrown = index;
      index = this.#createSegment(padded(Math.min(SEGMENT_BYTES, wanted)));
      this.#current = index;
    }
    const segment = this.#segment(index);
    this.#segmentOf[entry] = index;
    this.#offsets[entry] = segment.usedBytes;
    segment.usedBytes += size;
    segment.liveBytes += size;
    segment.entries.push(entry);
    if (outgrown !== NONE) this.#emptyIfSparse(outgrown);
  }

  #roomBytes(index: number): number {
    const segment = this.#segment(index);
    return segment.bytes.length - segment.usedBytes;
  }

  #createSegment(sizeBytes: number): number {
    const index = this.#freeSegments.pop() ?? this.#segments.length;
    const bytes = new Uint8Array(sizeBytes);
    this.#segments[index] = { bytes, usedBytes: 0, liveBytes: 0, entries: new Uint32List() };
    this.#capacityBytes += sizeBytes;
    return index;
  }

  #freeSegment(index: number): void {
    this.#capacityBytes -= this.#segment(index).bytes.length;
    this.#segments[index] = undefined;
    this.#freeSegments.push(index);
  }

  #emptyIfSparse(index: number): void {
    const segment = this.#segment(index);
    if (segment.liveBytes * 4 < segment.bytes.length) this.#emptySegment(index);
  }

  /** Moves what lives in the segment to the current one. */
  #emptySegment(index: number): void {
    const { bytes, entries } = this.#segment(index);
    for (let i = 0; i < entries.length; i++) {
      const entry = entries.at(i);
      if (this.#segmentOf[entry] !== index) continue;
      const offset = this.#offsets[entry] as number;
      const sizeBytes = this.#lengths[entry] as number;
      this.#place(entry, sizeBytes);
      this.#bytesOf(entry).set(bytes.subarray(offset, offset + sizeBytes));
    }
    this.#freeSegment(index);
  }
}
