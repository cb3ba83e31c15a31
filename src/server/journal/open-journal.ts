import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { unlink } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Log } from "../../core/base/log.ts";
import { HyperloomError } from "../../core/model/errors.ts";
import type { JournalRecord } from "../../core/model/journal-record.ts";
import { createLedger } from "../../protocol/journal/ledger.ts";
import { type Compaction, createCompaction, type FinishedSegments } from "./compaction.ts";
import { type JournalLock, lockJournal } from "./directory-lock.ts";
import type { Journal } from "./journal.ts";
import { type JournalWriterOptions, SEGMENT_BYTES, startJournalWriter } from "./journal-writer.ts";
import { readHeader, readSegment, type SegmentRead } from "./read-journal.ts";
import { listSegments, segmentPath } from "./segment-files.ts";

export type JournalOptions = {
  readonly directory: string;
  readonly log: Log;
  /** For tests; default 64 MiB. */
  readonly segmentBytes?: number;
  /** Another server has taken the journal: this one must end. */
  readonly onLost: () => void;
};

/** A journal that is this server's, to which nothing is written so far. */
export type OpenedJournal = {
  readonly clusterId: string;
  /** Calls `onRecord` with each record, in the order of the segments; views of its bytes are valid until it returns. */
  read(onRecord: (record: JournalRecord) => void): Promise<JournalNumbers>;
  /** Begins to write, after all was read. `beginning` is what each segment begins with. */
  start(options: {
    readonly beginning: JournalWriterOptions["beginning"];
    /** So many of the scheduler's records are safe; not called while a record is taken. */
    readonly onFlushed: (recordCount: number) => void;
  }): Promise<Journal>;
  /** Gives it back, where it was not started. */
  release(): Promise<void>;
};

/** What was read, and numbers that are greater than all ids and serials of which the segments tell by themselves. */
export type JournalNumbers = {
  readonly recordCount: number;
  readonly nextId: number;
  readonly nextSerial: number;
};

/**
 * Opens the journal in the directory, which is made. A torn end is cut off. Rejects with a
 * HyperloomError for a journal that is in use, damaged or of another version.
 */
export async function openJournal(options: JournalOptions): Promise<OpenedJournal> {
  const directory = resolve(options.directory);
  const lock = await lockDirectory(directory, options.onLost);
  try {
    return await openLocked(directory, options, lock);
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

async function lockDirectory(directory: string, onLost: () => void): Promise<JournalLock> {
  try {
    makeDirectories(directory);
    return await lockJournal(directory, onLost);
  } catch (error) {
    if (error instanceof HyperloomError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new HyperloomError(
      "journal-unusable",
      `The journal's directory ${directory} cannot be made or written: ${reason}. Correct its permissions, or name another by --journal.`,
      { cause: error },
    );
  }
}

async function openLocked(
  directory: string,
  { log, segmentBytes = SEGMENT_BYTES }: JournalOptions,
  lock: JournalLock,
): Promise<OpenedJournal> {
  const ledger = createLedger();
  const segments: FinishedSegments = new Map();
  const numbers = await usableSegments(directory, log);
  const last = numbers.at(-1);
  const lastHeader = last === undefined ? undefined : await readHeader(directory, last);
  const clusterId = lastHeader?.header.clusterId ?? randomUUID();

  const readOne = async (
    number: number,
    next: number | undefined,
    onRecord: (record: JournalRecord) => void,
  ): Promise<SegmentRead | undefined> => {
    const after = next === undefined ? undefined : await readHeader(directory, next);
    const endBytes = after?.header.previousBytes;
    const read = await readSegment(directory, number, endBytes, ({ record, sizeBytes }) => {
      ledger.add(record, number, sizeBytes);
      onRecord(record);
    });
    if (read === undefined) return undefined;
    segments.set(number, { sizeBytes: read.goodBytes });
    if (read.tornBytes > 0) {
      log("warning", "the last write to the journal was torn; it is cut off", {
        path: segmentPath(directory, number),
        at: read.goodBytes,
        bytes: read.tornBytes,
      });
    }
    return read;
  };

  return {
    clusterId,
    async read(onRecord) {
      let recordCount = 0;
      let nextId = 1;
      let nextSerial = 1;
      for (const [position, number] of numbers.entries()) {
        const read = await readOne(number, numbers[position + 1], (record) => {
          recordCount += 1;
          onRecord(record);
        });
        nextId = Math.max(nextId, read?.header.nextId ?? 1);
        nextSerial = Math.max(nextSerial, read?.header.nextSerial ?? 1);
      }
      return { recordCount, nextId, nextSerial };
    },
    async start({ beginning, onFlushed }) {
      const waiting: Waiting[] = [];
      let compaction: Compaction | undefined;
      let flushedCount = 0;
      const writer = await startJournalWriter({
        directory,
        clusterId,
        number: (last ?? 0) + 1,
        previousBytes: last === undefined ? 0 : (segments.get(last)?.sizeBytes ?? 0),
        ledger,
        log,
        beginning,
        onFlushed(count) {
          compaction?.update();
          if (count === flushedCount) return;
          flushedCount = count;
          onFlushed(count);
          for (const { action } of takeSafe(waiting, count)) action();
        },
        onRotated: (number, sizeBytes) => void segments.set(number, { sizeBytes }),
        segmentBytes,
      });
      const running = createCompaction({
        directory,
        ledger,
        segments,
        writer,
        log,
        keptBytes: segmentBytes,
      });
      compaction = running;
      running.update();
      return {
        clusterId,
        append: (record) => writer.append(record, true),
        note: (record) => writer.append(record, false),
        whenSafe(recordCount, action) {
          if (recordCount <= flushedCount) action();
          else waiting.push({ recordCount, action });
        },
        get failure() {
          return writer.failure;
        },
        async [Symbol.asyncDispose]() {
          await running[Symbol.asyncDispose]();
          await writer[Symbol.asyncDispose]();
          await lock[Symbol.asyncDispose]();
        },
      };
    },
    release: () => Promise.resolve(lock[Symbol.asyncDispose]()),
  };
}

type Waiting = { readonly recordCount: number; readonly action: () => void };

/** Numbers of the segments that hold something, rising by one; what the end of a server left of the last one is removed. */
async function usableSegments(directory: string, log: Log): Promise<number[]> {
  const numbers = await listSegments(directory);
  const last = numbers.at(-1);
  if (last !== undefined && (await readHeader(directory, last)) === undefined) {
    log("warning", "a segment of the journal was torn at its beginning; it is removed", {
      path: segmentPath(directory, last),
    });
    await unlink(segmentPath(directory, last));
    numbers.pop();
  }
  for (let i = 1; i < numbers.length; i += 1) {
    const expected = (numbers[i - 1] as number) + 1;
    if (numbers[i] === expected) continue;
    throw new HyperloomError(
      "journal-unusable",
      `${segmentPath(directory, expected)} is missing, so nobody knows which tasks are. Restore the file from a copy, or name another directory by --journal and submit the plans again.`,
    );
  }
  return numbers;
}

/** Takes out those for which so many safe records are enough, in their order. */
function takeSafe(waiting: Waiting[], count: number): Waiting[] {
  const safe = waiting.filter(({ recordCount }) => recordCount <= count);
  const rest = waiting.filter(({ recordCount }) => recordCount > count);
  waiting.splice(0, waiting.length, ...rest);
  return safe;
}

/** Node's own recursive `mkdir` never ends in a file system that refuses a directory, as /proc does. */
function makeDirectories(path: string): void {
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.push(at);
  for (const directory of missing.reverse()) mkdirSync(directory, { mode: 0o700 });
}
