import { type FileHandle, open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import type { Log } from "../../core/base/log.ts";
import type { JournalRecord } from "../../core/model/journal-record.ts";
import type { JournalLedger } from "../../protocol/journal/ledger.ts";
import { encodeRecord } from "../../protocol/journal/record-codec.ts";
import {
  encodeRecordHeader,
  encodeSafeRecord,
  encodeSegmentHeader,
  RECORD_HEADER_BYTES,
} from "../../protocol/journal/segment.ts";
import { segmentPath, syncDirectory } from "./segment-files.ts";

/** A segment that is larger is followed by the next one. */
export const SEGMENT_BYTES: number = 64 * 1024 * 1024;
/** Parts up to here are copied together, which costs less than a write of each. */
const COPIED_PART_BYTES = 64 * 1024;
const RETRY_MS = 1_000;

type Entry = {
  readonly record: JournalRecord;
  readonly parts: readonly Uint8Array[];
  readonly sizeBytes: number;
  /** It is one of the scheduler's, which counts them. */
  readonly isCounted: boolean;
};

export type JournalWriter = AsyncDisposable & {
  /** Encodes the record now, and writes it with all that comes meanwhile. */
  append(record: JournalRecord, isCounted: boolean): void;
  /** Writes a record once more, whose body is `body`. */
  copy(record: JournalRecord, body: Uint8Array): void;
  /** All that was appended so far is safe, or the writer is closed. */
  flushed(): Promise<void>;
  /** The segment that is written to. */
  readonly segment: number;
  readonly unwrittenBytes: number;
  readonly failure: string | undefined;
};

export type JournalWriterOptions = {
  readonly directory: string;
  readonly clusterId: string;
  /** Of the first segment that is written. */
  readonly number: number;
  /** Good bytes of the segment before it. */
  readonly previousBytes: number;
  readonly ledger: JournalLedger;
  readonly log: Log;
  /** What each segment begins with: facts about the cluster, and numbers above all that were given out. */
  readonly beginning: () => {
    readonly records: readonly JournalRecord[];
    readonly nextId: number;
    readonly nextSerial: number;
  };
  /** So many of the counted records are safe. */
  readonly onFlushed: (recordCount: number) => void;
  /** A segment was finished, and the next one begun. */
  readonly onRotated: (finished: number, sizeBytes: number) => void;
  readonly segmentBytes?: number;
};

/**
 * Begins a segment and appends to it. Writes and syncs one batch after the other; what comes
 * meanwhile is the next batch. What cannot be written is kept and tried again, in a segment of its
 * own: after a failed write or sync nobody knows what is in the file.
 */
export async function startJournalWriter(options: JournalWriterOptions): Promise<JournalWriter> {
  const { directory, clusterId, ledger, log } = options;
  const segmentBytesMax = options.segmentBytes ?? SEGMENT_BYTES;
  let file: FileHandle | undefined;
  let number = options.number;
  let goodBytes = 0;
  let previousBytes = options.previousBytes;
  let pending: Entry[] = [];
  let unwrittenBytes = 0;
  let flushedCount = 0;
  let failure: string | undefined;
  let isClosed = false;
  let isRunning = false;
  let running = Promise.resolve();
  const waiting: { readonly resolve: () => void }[] = [];

  const begin = async (): Promise<void> => {
    // A file that is there already is one whose beginning failed.
    const next = await open(segmentPath(directory, number), "w", 0o600);
    try {
      const { records, nextId, nextSerial } = options.beginning();
      const header = encodeSegmentHeader(crc32, {
        number,
        clusterId,
        previousBytes,
        nextId,
        nextSerial,
      });
      await writeAll(next, [header], 0);
      const facts = records.map((record) => toEntry(record, false));
      const sizeBytes = await writeAll(next, bytesOf(facts, header.length), header.length);
      await next.sync();
      await syncDirectory(directory);
      goodBytes = header.length + sizeBytes;
      file = next;
    } catch (error) {
      await next.close().catch(() => {});
      throw error;
    }
  };

  const finish = async (): Promise<void> => {
    const finished = number;
    await file?.close();
    file = undefined;
    options.onRotated(finished, goodBytes);
    previousBytes = goodBytes;
    number += 1;
  };

  const writeBatch = async (batch: readonly Entry[]): Promise<void> => {
    if (file !== undefined && goodBytes >= segmentBytesMax) await finish();
    if (file === undefined) await begin();
    if (file === undefined) return;
    const sizeBytes = await writeAll(file, bytesOf(batch, goodBytes), goodBytes);
    await file.datasync();
    goodBytes += sizeBytes;
    for (const { record, sizeBytes: recordBytes } of batch) ledger.add(record, number, recordBytes);
  };

  const run = async (): Promise<void> => {
    // What else comes in this turn of the loop goes with it.
    await new Promise((resolve) => setImmediate(resolve));
    for (;;) {
      const batch = pending;
      if (batch.length === 0) {
        // Here, and not when the promise is settled: something may be appended in between.
        isRunning = false;
        return;
      }
      pending = [];
      try {
        await writeBatch(batch);
      } catch (error) {
        pending = [...batch, ...pending];
        tellFailure(error);
        if (isClosed) return;
        await file?.close().catch(() => {});
        if (file !== undefined) {
          file = undefined;
          options.onRotated(number, goodBytes);
          previousBytes = goodBytes;
          number += 1;
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
        continue;
      }
      if (failure !== undefined) log("info", "the journal can be written again", { directory });
      failure = undefined;
      for (const entry of batch) {
        unwrittenBytes -= entry.sizeBytes;
        if (entry.isCounted) flushedCount += 1;
      }
      const waiters = pending.length === 0 ? waiting.splice(0) : [];
      options.onFlushed(flushedCount);
      for (const { resolve } of waiters) resolve();
    }
  };

  const tellFailure = (error: unknown): void => {
    const reason = error instanceof Error ? error.message : String(error);
    if (failure === undefined) {
      log("error", "the journal cannot be written; plans are refused until it can", {
        directory,
        reason,
      });
    }
    failure = reason;
  };

  const push = (entry: Entry): void => {
    if (isClosed) return;
    ledger.announce(entry.record);
    pending.push(entry);
    unwrittenBytes += entry.sizeBytes;
    if (isRunning) return;
    isRunning = true;
    running = run();
  };

  await begin();
  return {
    append: (record, isCounted) => push(toEntry(record, isCounted)),
    copy: (record, body) => push(entryOf(record, [body.slice()], false)),
    async flushed() {
      if (!isRunning) return;
      await new Promise<void>((resolve) => waiting.push({ resolve }));
    },
    get segment() {
      return number;
    },
    get unwrittenBytes() {
      return unwrittenBytes;
    },
    get failure() {
      return failure;
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      await running;
      for (const { resolve } of waiting.splice(0)) resolve();
      await file?.close();
      file = undefined;
    },
  };
}

const toEntry = (record: JournalRecord, isCounted: boolean): Entry =>
  entryOf(record, encodeRecord(record), isCounted);

function entryOf(record: JournalRecord, body: readonly Uint8Array[], isCounted: boolean): Entry {
  let sizeBytes = RECORD_HEADER_BYTES;
  for (const part of body) sizeBytes += part.length;
  return { record, parts: [encodeRecordHeader(crc32, body), ...body], sizeBytes, isCounted };
}

/** What is written for the entries, in few pieces. */
function bytesOf(entries: readonly Entry[], safeBytes: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let small: Uint8Array[] = [encodeSafeRecord(crc32, safeBytes)];
  const join = (): void => {
    if (small.length > 0) pieces.push(Buffer.concat(small));
    small = [];
  };
  for (const { parts } of entries) {
    for (const part of parts) {
      if (part.length <= COPIED_PART_BYTES) small.push(part);
      else {
        join();
        pieces.push(part);
      }
    }
  }
  join();
  return pieces;
}

async function writeAll(
  file: FileHandle,
  pieces: readonly Uint8Array[],
  start: number,
): Promise<number> {
  let at = start;
  for (const piece of pieces) {
    for (let done = 0; done < piece.length; ) {
      const { bytesWritten } = await file.write(piece, done, piece.length - done, at);
      done += bytesWritten;
      at += bytesWritten;
    }
  }
  return at - start;
}
