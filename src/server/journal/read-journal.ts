import { type FileHandle, open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { HyperloomError } from "../../core/model/errors.ts";
import type { JournalRecord } from "../../core/model/journal-record.ts";
import { decodeRecord } from "../../protocol/journal/record-codec.ts";
import { DamageFinder, RecordScanner } from "../../protocol/journal/record-scanner.ts";
import {
  JOURNAL_VERSION,
  MAX_HEADER_BYTES,
  readSegmentHeader,
  type SegmentHeader,
} from "../../protocol/journal/segment.ts";
import { ProtocolError } from "../../protocol/protocol-error.ts";
import { segmentPath } from "./segment-files.ts";

/** Read at once: no more of a segment is in memory, but for a record that is larger. */
const READ_BYTES: number = 1024 * 1024;

export type ReadRecord = {
  readonly record: JournalRecord;
  /** As it was written; valid until the next one is read. */
  readonly body: Uint8Array;
  /** With what stands before the body. */
  readonly sizeBytes: number;
};

/** What a segment was found to be. */
export type SegmentRead = {
  readonly header: SegmentHeader;
  /** So much of it holds records. */
  readonly goodBytes: number;
  /** Bytes behind that, which are nothing. */
  readonly tornBytes: number;
};

const unusable = (message: string, cause?: unknown): HyperloomError =>
  new HyperloomError("journal-unusable", message, cause === undefined ? {} : { cause });

/** The segment's header; undefined where the end of the server, or of power, left none. */
export async function readHeader(
  directory: string,
  number: number,
): Promise<{ readonly header: SegmentHeader; readonly sizeBytes: number } | undefined> {
  const path = segmentPath(directory, number);
  const file = await open(path, "r");
  try {
    const bytes = new Uint8Array(MAX_HEADER_BYTES);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    const found = readSegmentHeader(crc32, bytes.subarray(0, bytesRead));
    if (found.kind === "torn") return undefined;
    if (found.kind === "not-a-journal") {
      throw unusable(`${path} is no segment of a journal. Name another directory by --journal.`);
    }
    if (found.kind === "other-version") {
      throw unusable(
        `${path} was written by another version of HyperLoom: its journal has version ${found.version}, and this one reads ${JOURNAL_VERSION}. ` +
          "Let the plans end with that version, or name another directory by --journal.",
      );
    }
    if (found.header.number !== number) {
      throw unusable(
        `${path} says that it is segment ${found.header.number}: files of the journal were renamed. Give them their names back, or name another directory by --journal.`,
      );
    }
    return found;
  } finally {
    await file.close();
  }
}

/**
 * Calls `onRecord` for each record of the segment, up to `endBytes` of it, in bounded memory; it may
 * return a promise, which is awaited. Without `endBytes` the segment is the last one, whose end may
 * be torn; damage before what was safe is an error.
 */
export async function readSegment(
  directory: string,
  number: number,
  endBytes: number | undefined,
  onRecord: (read: ReadRecord) => void | Promise<void>,
): Promise<SegmentRead | undefined> {
  const found = await readHeader(directory, number);
  if (found === undefined) return undefined;
  const path = segmentPath(directory, number);
  const file = await open(path, "r");
  try {
    const scanner = new RecordScanner(crc32, found.sizeBytes);
    let at = found.sizeBytes;
    for await (const chunk of chunksOf(file, at, endBytes)) {
      at += chunk.length;
      if (scanner.isBad) continue;
      scanner.push(chunk);
      for (let next = scanner.next(); next !== undefined; next = scanner.next()) {
        const record = decode(path, next.offset, next.body);
        const pending = onRecord({ record, body: next.body, sizeBytes: next.sizeBytes });
        if (pending !== undefined) await pending;
      }
    }
    const tornBytes = at - scanner.offset;
    if (tornBytes > 0) {
      const isDamaged = endBytes !== undefined || (await findDamage(file, scanner.offset));
      if (isDamaged) throw damaged(path, scanner.offset);
    }
    return { header: found.header, goodBytes: scanner.offset, tornBytes };
  } finally {
    await file.close();
  }
}

async function* chunksOf(
  file: FileHandle,
  start: number,
  end: number | undefined,
): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(READ_BYTES);
  for (let at = start; ; ) {
    const wanted = Math.min(buffer.length, (end ?? Number.POSITIVE_INFINITY) - at);
    if (wanted <= 0) return;
    const { bytesRead } = await file.read(buffer, 0, wanted, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function findDamage(file: FileHandle, goodBytes: number): Promise<boolean> {
  const finder = new DamageFinder(crc32, goodBytes);
  for await (const chunk of chunksOf(file, goodBytes, undefined)) {
    finder.push(chunk);
    if (finder.isDamaged) return true;
  }
  return false;
}

function decode(path: string, offset: number, body: Uint8Array): JournalRecord {
  try {
    return decodeRecord(body);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw unusable(
      `${path} has a record at byte ${offset} that nobody here understands (${error.message}): another version of HyperLoom may have written it. ` +
        "Let the plans end with that version, or name another directory by --journal.",
      error,
    );
  }
}

const damaged = (path: string, offset: number): HyperloomError =>
  unusable(
    `${path} is damaged at byte ${offset}, though what is there was safe once: nobody knows which tasks are missing. ` +
      "Restore the file from a copy, or name another directory by --journal and submit the plans again.",
  );
