import { assert } from "../../core/base/assert.ts";
import { ByteSegments } from "../../core/base/byte-segments.ts";
import { grownCapacity, resizeColumn, Uint32List } from "../../core/base/columns.ts";
import { DATA_TYPE } from "../../core/model/symbols.ts";
import { ColdQueue, SPILL_BYTES_MIN } from "../../core/worker/memory/cold-queue.ts";
import type { DataFileOptions, DataFiles } from "./data-files.ts";
import { type ValueId, valueId } from "./value-id.ts";

/** Where a value's bytes or items lie. */
const STORAGE = {
  free: 0,
  /** Raw: entry `place` of the segments. */
  bytes: 1,
  /** Raw: file `place`. */
  file: 2,
  /** Raw: `sizeBytes` from `offset` on of value `place`, which is in bytes, in a file, or spilled. */
  range: 3,
  /** Array: entry `place` of the segments holds the item values as uint32. */
  items: 4,
  /** Index: raw value `place` holds length + 1 uint64 LE offsets into raw value `offset`. */
  offsets: 5,
} as const;

/** A stretch of a file. */
export type FileStretch = {
  readonly file: number;
  readonly offset: number;
  readonly sizeBytes: number;
};

/**
 * The immutable values of this worker in columns, one row each, counted by reference. Whatever
 * creates a value owns one reference to it; an array, an index and a range own one to each value
 * that they are made of. Nothing here recurses: an array may be nested a million deep.
 */
export class ValueTable {
  readonly files: DataFiles;
  /** Complete raw data in memory, by the rows of the values. */
  readonly cold: ColdQueue;
  readonly #segments = new ByteSegments();
  #storage = new Uint8Array(16);
  #dataTypes = new Uint8Array(16);
  #references = new Uint32Array(16);
  #sizesBytes = new Float64Array(16);
  #lengths = new Float64Array(16);
  #messageCounts = new Float64Array(16);
  #places = new Uint32Array(16);
  #offsets = new Float64Array(16);
  readonly #free = new Uint32List();
  #rowCount = 0;
  /** Values whose last reference went and whose parts are still to be released. */
  readonly #dying = new Uint32List();

  constructor(files: DataFiles, cold: ColdQueue = new ColdQueue()) {
    this.files = files;
    this.cold = cold;
  }

  /** Living values. */
  get count(): number {
    return this.#rowCount - this.#free.length;
  }

  /** Bytes of memory held for raw data and lists. */
  get capacityBytes(): number {
    return this.#segments.capacityBytes;
  }

  /** Bytes of memory that all values take. */
  get memoryBytes(): number {
    return this.#segments.capacityBytes + this.files.memoryBytes;
  }

  /** Raw data in memory, copied from `bytes`. */
  createBytes(bytes: Uint8Array, dataType: number = DATA_TYPE.data): ValueId {
    const entry = this.#segments.append(bytes);
    const row = this.#createRaw(STORAGE.bytes, entry, 0, bytes.length, dataType);
    if (bytes.length >= SPILL_BYTES_MIN) this.cold.add(row, bytes.length);
    return row;
  }

  /** Raw data in memory, to be filled through `bytes` before anyone else sees it, then `complete`. */
  allocateBytes(sizeBytes: number, dataType: number = DATA_TYPE.data): ValueId {
    const entry = this.#segments.allocate(sizeBytes);
    return this.#createRaw(STORAGE.bytes, entry, 0, sizeBytes, dataType);
  }

  /** What was allocated is filled: it may be spilled from now on. */
  complete(value: ValueId): void {
    const sizeBytes = this.sizeBytes(value);
    if (sizeBytes >= SPILL_BYTES_MIN) this.cold.add(value, sizeBytes);
  }

  /** Raw data in a complete file; one that is owned is unlinked with its value. */
  createFile(
    path: string,
    sizeBytes: number,
    options: Omit<DataFileOptions, "sizeBytes"> & { readonly dataType?: number },
  ): ValueId {
    const { isOwned, isSpill = false } = options;
    const file = this.files.add(path, { isOwned, isSpill, sizeBytes });
    return this.#createRaw(STORAGE.file, file, 0, sizeBytes, options.dataType ?? DATA_TYPE.data);
  }

  /** `sizeBytes` of the raw value `base` from `offset` on, without copying them. */
  createRange(
    base: ValueId,
    offset: number,
    sizeBytes: number,
    dataType: number = DATA_TYPE.data,
  ): ValueId {
    assert(this.isRaw(base), "a range is of raw data");
    assert(offset >= 0 && offset + sizeBytes <= this.sizeBytes(base), "a range lies in its base");
    let leaf = base;
    let leafOffset = offset;
    // Twice where the base of a range was spilled.
    while (this.#storage[leaf] === STORAGE.range) {
      leafOffset += this.#offsets[leaf] as number;
      leaf = valueId(this.#places[leaf] as number);
    }
    this.retain(leaf);
    return this.#createRaw(STORAGE.range, leaf, leafOffset, sizeBytes, dataType);
  }

  /** An array of these items, by reference. */
  createArray(items: Uint32Array): ValueId {
    let sizeBytes = 0;
    let messageCount = 1;
    for (const item of items) {
      sizeBytes += this.#sizesBytes[item] as number;
      messageCount += this.#messageCounts[item] as number;
      this.retain(valueId(item));
    }
    const entry = this.#segments.append(
      new Uint8Array(items.buffer, items.byteOffset, items.byteLength),
    );
    const row = this.#createRow(STORAGE.items, DATA_TYPE.array);
    this.#places[row] = entry;
    this.#sizesBytes[row] = sizeBytes;
    this.#lengths[row] = items.length;
    this.#messageCounts[row] = messageCount;
    return row;
  }

  /**
   * An index over `base`. `offsets` is raw data of length + 1 rising uint64 LE; item *i* is what
   * lies between offsets *i* and *i* + 1.
   */
  createIndex(base: ValueId, offsets: ValueId): ValueId {
    assert(this.isRaw(base) && this.isRaw(offsets), "an index is of raw data");
    this.retain(base);
    this.retain(offsets);
    const row = this.#createRow(STORAGE.offsets, DATA_TYPE.index);
    this.#places[row] = offsets;
    this.#offsets[row] = base;
    this.#sizesBytes[row] = this.sizeBytes(base) + this.sizeBytes(offsets);
    this.#lengths[row] = this.sizeBytes(offsets) / 8 - 1;
    this.#messageCounts[row] = 1 + this.messageCount(base);
    return row;
  }

  retain(value: ValueId): void {
    assert(this.#storage[value] !== STORAGE.free, "only a living value is retained");
    this.#references[value] = (this.#references[value] as number) + 1;
  }

  /** Gives one reference back; with the last one the value goes, and what only it was made of. */
  release(value: ValueId): void {
    this.#releaseOne(value);
    while (this.#dying.length > 0) this.#destroy(valueId(this.#dying.pop()));
  }

  /** Who owns the value, counted. */
  references(value: ValueId): number {
    return this.#references[value] as number;
  }

  isLiving(value: ValueId): boolean {
    return this.#storage[value] !== STORAGE.free;
  }

  /** Symbol id. */
  dataType(value: ValueId): number {
    return this.#dataTypes[value] as number;
  }

  isRaw(value: ValueId): boolean {
    const storage = this.#storage[value] as number;
    return storage >= STORAGE.bytes && storage <= STORAGE.range;
  }

  /** Whether it is a stretch of another raw value. */
  isRange(value: ValueId): boolean {
    return this.#storage[value] === STORAGE.range;
  }

  sizeBytes(value: ValueId): number {
    return this.#sizesBytes[value] as number;
  }

  /** Items of an array or an index, else 0. */
  length(value: ValueId): number {
    return this.#lengths[value] as number;
  }

  /** Frames that the client protocol sends the value in. Infinite or inexact where sharing multiplies it. */
  messageCount(value: ValueId): number {
    return this.#messageCounts[value] as number;
  }

  /** The items of an array. Only until the next change of the table. */
  items(array: ValueId): Uint32Array {
    assert(this.#storage[array] === STORAGE.items, "only an array has items");
    const bytes = this.#segments.view(this.#places[array] as number);
    return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  }

  indexBase(index: ValueId): ValueId {
    assert(this.#storage[index] === STORAGE.offsets, "only an index has a base");
    return valueId(this.#offsets[index] as number);
  }

  indexOffsets(index: ValueId): ValueId {
    assert(this.#storage[index] === STORAGE.offsets, "only an index has offsets");
    return valueId(this.#places[index] as number);
  }

  /** The bytes of a raw value that lies in memory, not copied; undefined if it lies in a file. */
  bytes(value: ValueId): Uint8Array<ArrayBuffer> | undefined {
    assert(this.isRaw(value), "only raw data has bytes");
    const place = this.#places[value] as number;
    if (this.#storage[value] === STORAGE.bytes) {
      this.cold.use(value);
      return this.#segments.view(place);
    }
    if (this.#storage[value] === STORAGE.file || this.#storage[place] !== STORAGE.bytes) {
      return undefined;
    }
    this.cold.use(place);
    const offset = this.#offsets[value] as number;
    const view = this.#segments.view(this.#places[place] as number);
    return view.subarray(offset, offset + this.sizeBytes(value));
  }

  /** Where a raw value lies, if in a file. */
  fileStretch(value: ValueId): FileStretch | undefined {
    const sizeBytes = this.sizeBytes(value);
    let leaf = value;
    let offset = 0;
    while (this.#storage[leaf] === STORAGE.range) {
      offset += this.#offsets[leaf] as number;
      leaf = valueId(this.#places[leaf] as number);
    }
    if (this.#storage[leaf] !== STORAGE.file) return undefined;
    return { file: this.#places[leaf] as number, offset, sizeBytes };
  }

  /**
   * The value, whose bytes were in memory, are those of the value `file` from `offset` on from now
   * on. Nobody who uses it notices: views of its bytes stay as they are.
   */
  moveToFile(value: ValueId, file: ValueId, offset: number): void {
    assert(this.#storage[value] === STORAGE.bytes, "what is spilled was in memory");
    assert(this.#storage[file] === STORAGE.file, "it is spilled to a file");
    this.retain(file);
    this.#segments.release(this.#places[value] as number);
    this.#storage[value] = STORAGE.range;
    this.#places[value] = file;
    this.#offsets[value] = offset;
  }

  /** The value, which lies in a file of the user, lies in a copy of ours from now on. */
  moveToOwnFile(value: ValueId, path: string): void {
    assert(this.#storage[value] === STORAGE.file, "only a file is replaced by a copy");
    this.files.remove(this.#places[value] as number);
    const sizeBytes = this.sizeBytes(value);
    this.#places[value] = this.files.add(path, { isOwned: true, sizeBytes });
  }

  #createRaw(
    storage: number,
    place: number,
    offset: number,
    sizeBytes: number,
    dataType: number,
  ): ValueId {
    const row = this.#createRow(storage, dataType);
    this.#places[row] = place;
    this.#offsets[row] = offset;
    this.#sizesBytes[row] = sizeBytes;
    this.#lengths[row] = 0;
    this.#messageCounts[row] = 1;
    return row;
  }

  #createRow(storage: number, dataType: number): ValueId {
    const row = this.#free.length > 0 ? this.#free.pop() : this.#rowCount++;
    if (row === this.#storage.length) this.#grow(row + 1);
    this.#storage[row] = storage;
    this.#dataTypes[row] = dataType;
    this.#references[row] = 1;
    return valueId(row);
  }

  #grow(rows: number): void {
    const grown = grownCapacity(this.#storage.length, rows);
    this.#storage = resizeColumn(this.#storage, grown);
    this.#dataTypes = resizeColumn(this.#dataTypes, grown);
    this.#references = resizeColumn(this.#references, grown);
    this.#sizesBytes = resizeColumn(this.#sizesBytes, grown);
    this.#lengths = resizeColumn(this.#lengths, grown);
    this.#messageCounts = resizeColumn(this.#messageCounts, grown);
    this.#places = resizeColumn(this.#places, grown);
    this.#offsets = resizeColumn(this.#offsets, grown);
  }

  #releaseOne(value: ValueId): void {
    const references = this.#references[value] as number;
    assert(references > 0, "a reference is released once");
    this.#references[value] = references - 1;
    if (references === 1) this.#dying.push(value);
  }

  #destroy(value: ValueId): void {
    const place = this.#places[value] as number;
    switch (this.#storage[value]) {
      case STORAGE.bytes:
        this.cold.remove(value);
        this.#segments.release(place);
        break;
      case STORAGE.file:
        this.files.remove(place);
        break;
      case STORAGE.range:
        this.#releaseOne(valueId(place));
        break;
      case STORAGE.items:
        for (const item of this.items(value)) this.#releaseOne(valueId(item));
        this.#segments.release(place);
        break;
      default:
        this.#releaseOne(valueId(place));
        this.#releaseOne(this.indexBase(value));
    }
    this.#storage[value] = STORAGE.free;
    this.#free.push(value);
  }
}
