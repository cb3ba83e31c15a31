import { crc32 } from "../core/base/crc32.ts";
import type { Random } from "../core/base/random.ts";
import type { JournalRecord } from "../core/model/journal-record.ts";
import { decodeRecord, encodeRecord } from "../protocol/journal/record-codec.ts";
import { RecordScanner } from "../protocol/journal/record-scanner.ts";
import {
  encodeRecordHeader,
  encodeSafeRecord,
  encodeSegmentHeader,
  MAX_HEADER_BYTES,
  readSegmentHeader,
} from "../protocol/journal/segment.ts";
import type { VirtualClock } from "./clock.ts";

const WRITE_US = 300;

/** What is on a disk that outlives the servers: the segments, oldest first. */
export type VirtualDisk = { readonly segments: Uint8Array[] };

/** How the server ends at a write: nothing of it, all of it, or a part of it is on the disk. */
export type WriteEnd = "before" | "after" | "torn";

/** One server's journal on a virtual disk: real bytes, written one batch after the other. */
export type VirtualJournal = {
  append(record: JournalRecord): void;
  /** Its server is gone: nothing is written any more. */
  close(): void;
};

/** All records on the disk, up to what was torn; and how much of the last segment they are. */
export function readDisk(disk: VirtualDisk): {
  readonly records: readonly JournalRecord[];
  readonly lastBytes: number;
} {
  const records: JournalRecord[] = [];
  let lastBytes = 0;
  disk.segments.forEach((bytes, position) => {
    const found = readSegmentHeader(crc32, bytes.subarray(0, MAX_HEADER_BYTES));
    if (found.kind !== "header") throw new Error(`segment ${position} has no header`);
    const next = disk.segments[position + 1];
    const after = next && readSegmentHeader(crc32, next.subarray(0, MAX_HEADER_BYTES));
    const end = after?.kind === "header" ? after.header.previousBytes : bytes.length;
    const scanner = new RecordScanner(crc32, found.sizeBytes);
    scanner.push(bytes.subarray(found.sizeBytes, end));
    for (let read = scanner.next(); read !== undefined; read = scanner.next()) {
      records.push(decodeRecord(read.body.slice()));
    }
    if (next !== undefined && scanner.offset !== end) {
      throw new Error(`segment ${position} is damaged at ${scanner.offset}`);
    }
    lastBytes = scanner.offset;
  });
  return { records, lastBytes };
}

/**
 * Begins a segment. `onFlushed` is told how many of its records are safe, `onDeath` that the server
 * ends, at the write with the number `diesAtWrite`.
 */
export function createVirtualJournal(
  disk: VirtualDisk,
  clock: VirtualClock,
  random: Random,
  options: {
    readonly previousBytes: number;
    readonly nextId: number;
    readonly nextSerial: number;
    readonly diesAtWrite: number;
    readonly end: WriteEnd;
    readonly onFlushed: (recordCount: number) => void;
    readonly onDeath: () => void;
  },
): VirtualJournal {
  const { previousBytes, nextId, nextSerial } = options;
  const number = disk.segments.length;
  const header = { number, clusterId: "sim", previousBytes, nextId, nextSerial };
  disk.segments.push(encodeSegmentHeader(crc32, header));
  let pending: Uint8Array[] = [];
  let pendingCount = 0;
  let flushedCount = 0;
  let writes = 0;
  let isWriting = false;
  let isClosed = false;

  const put = (bytes: Uint8Array): void => {
    const old = disk.segments[number] ?? new Uint8Array(0);
    const all = new Uint8Array(old.length + bytes.length);
    all.set(old);
    all.set(bytes, old.length);
    disk.segments[number] = all;
  };

  const write = (): void => {
    isWriting = true;
    const safeBytes = disk.segments[number]?.length ?? 0;
    const batch = joined([encodeSafeRecord(crc32, safeBytes), ...pending]);
    const count = pendingCount;
    pending = [];
    pendingCount = 0;
    clock.schedule(WRITE_US * (0.5 + random.unit()), () => {
      if (isClosed) return;
      writes += 1;
      if (writes === options.diesAtWrite) {
        isClosed = true;
        if (options.end === "after") put(batch);
        else if (options.end === "torn") put(batch.subarray(0, random.below(batch.length)));
        options.onDeath();
        return;
      }
      put(batch);
      flushedCount += count;
      isWriting = false;
      options.onFlushed(flushedCount);
      if (pendingCount > 0 && !isWriting) write();
    });
  };

  return {
    append(record) {
      if (isClosed) return;
      const parts = encodeRecord(record);
      pending.push(joined([encodeRecordHeader(crc32, parts), ...parts]));
      pendingCount += 1;
      if (!isWriting) write();
    },
    close() {
      isClosed = true;
    },
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
