import { ByteReader } from "../wire/byte-reader.ts";
import { type Checksum, RECORD_HEADER_BYTES, readSafeBytes, SAFE_RECORD_BYTES } from "./segment.ts";

const FIRST_CAPACITY_BYTES: number = 64 * 1024;

/** A record and where it lies. */
export type ScannedRecord = {
  /** Of its header, in the segment. */
  readonly offset: number;
  readonly sizeBytes: number;
  /** Valid until the next call. */
  readonly body: Uint8Array;
};

/**
 * Finds the records of a segment, piece by piece as it is read. Takes no more memory than the
 * largest record, whose bytes must have come; records that begin a write are passed over.
 */
export class RecordScanner {
  readonly #checksum: Checksum;
  #bytes = new Uint8Array(FIRST_CAPACITY_BYTES);
  #start = 0;
  #end = 0;
  /** Offset in the segment of what comes next: behind the last good record. */
  offset: number;
  /** What stands at `offset` is no record. */
  isBad = false;

  /** `offset` is where the first record begins. */
  constructor(checksum: Checksum, offset: number) {
    this.#checksum = checksum;
    this.offset = offset;
  }

  /** Bytes behind the last good record that have been pushed. */
  get restBytes(): number {
    return this.#end - this.#start;
  }

  /** Those bytes; valid until the next call. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  push(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#bytes.length) this.#makeRoom(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The next record; undefined when more bytes are needed or, then `isBad`, no record stands there. */
  next(): ScannedRecord | undefined {
    for (;;) {
      const record = this.#take();
      if (record === undefined || readSafeBytes(record.body) === undefined) return record;
    }
  }

  #take(): ScannedRecord | undefined {
    if (this.isBad || this.restBytes < RECORD_HEADER_BYTES) return undefined;
    const reader = new ByteReader(this.#bytes, this.#start, this.#end);
    const bodyBytes = reader.u32();
    const expected = reader.u32();
    if (bodyBytes === 0) {
      this.isBad = true;
      return undefined;
    }
    if (reader.remainingBytes < bodyBytes) return undefined;
    const body = reader.raw(bodyBytes);
    if (this.#checksum(body) !== expected) {
      this.isBad = true;
      return undefined;
    }
    const { offset } = this;
    const sizeBytes = RECORD_HEADER_BYTES + bodyBytes;
    this.offset += sizeBytes;
    this.#start += sizeBytes;
    return { offset, sizeBytes, body };
  }

  #makeRoom(moreBytes: number): void {
    const needed = this.restBytes + moreBytes;
    const rest = this.rest();
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      larger.set(rest);
      this.#bytes = larger;
    } else {
      this.#bytes.copyWithin(0, this.#start, this.#end);
    }
    this.#end = rest.length;
    this.#start = 0;
  }
}

/**
 * Looks, behind a bad record, for one that says that more was safe than what is good: then the
 * segment is damaged, and not only torn.
 */
export class DamageFinder {
  readonly #checksum: Checksum;
  readonly #goodBytes: number;
  /** The end of what was looked at, where a record may have begun. */
  #rest = new Uint8Array(0);
  isDamaged = false;

  /** `goodBytes` of the segment are good. */
  constructor(checksum: Checksum, goodBytes: number) {
    this.#checksum = checksum;
    this.#goodBytes = goodBytes;
  }

  push(chunk: Uint8Array): void {
    const bytes = new Uint8Array(this.#rest.length + chunk.length);
    bytes.set(this.#rest);
    bytes.set(chunk, this.#rest.length);
    const last = bytes.length - SAFE_RECORD_BYTES;
    for (let at = 0; at <= last && !this.isDamaged; at += 1) {
      // Its length, then its checksum, then its type.
      if (bytes[at] !== SAFE_RECORD_BYTES - RECORD_HEADER_BYTES || bytes[at + 8] !== 0xff) continue;
      const reader = new ByteReader(bytes, at);
      const bodyBytes = reader.u32();
      const expected = reader.u32();
      if (bodyBytes !== SAFE_RECORD_BYTES - RECORD_HEADER_BYTES) continue;
      const body = reader.raw(bodyBytes);
      const safeBytes = readSafeBytes(body);
      if (safeBytes === undefined || safeBytes <= this.#goodBytes) continue;
      if (this.#checksum(body) === expected) this.isDamaged = true;
    }
    this.#rest = bytes.slice(Math.max(0, last + 1));
  }
}
