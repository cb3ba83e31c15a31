import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import type { LogStream } from "../../core/model/task-log.ts";
import { HEAD_BYTES, TAIL_BYTES, TextLog } from "./text-log.ts";

/** Of all tasks that have ended; what was kept longest goes first. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024;
/** What an entry counts beside its bytes. */
const ENTRY_BYTES = 256;
/** Bytes of a stream that are shown to whoever did not ask. */
const SHOWN_BYTES_MAX = 1024 * 1024;
/** Bytes in one answer. */
const PART_BYTES_MAX = 64 * 1024;
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

export type LogPart = {
  readonly bytes: Uint8Array;
  /** Where to go on. */
  readonly next: number;
  /** Bytes before these that were not kept. */
  readonly skippedBytes: number;
  /** The attempt has ended, and there is no more. */
  readonly isEnd: boolean;
};

type Entry = {
  /** Files of a program that runs; they are read where they are. */
  readonly files: Partial<Record<LogStream, string>>;
  readonly texts: Partial<Record<LogStream, TextLog>>;
  hasEnded: boolean;
};

/**
 * What tasks write to stdout and stderr. A program's is read from its files while it runs, and its
 * beginning and end are kept in memory; what functions print is kept so from the start. What writes
 * nothing costs nothing, and there is no file for any of it.
 */
export class TaskLogs {
  readonly #entries = new Map<string, Entry>();
  readonly #onKept: (task: number, attempt: number) => void;
  #keptBytes = 0;

  /** `onKept` is told of attempts that have ended and left something. */
  constructor(onKept: (task: number, attempt: number) => void) {
    this.#onKept = onKept;
  }

  /** A program writes into these files from now on. What its function printed before is forgotten. */
  beginFiles(task: number, attempt: number, files: Entry["files"]): void {
    this.forget(task, attempt);
    this.#entries.set(keyOf(task, attempt), { files, texts: {}, hasEnded: false });
  }

  /** The program has ended, and its files go; `streams` are those that are worth keeping. */
  endFiles(task: number, attempt: number, streams: readonly LogStream[]): void {
    const entry = this.#entries.get(keyOf(task, attempt));
    if (entry === undefined) return;
    for (const stream of streams) {
      const path = entry.files[stream];
      const text = path === undefined ? undefined : readEnds(path);
      if (text !== undefined) entry.texts[stream] = text;
    }
    this.end(task, attempt);
  }

  /** False once it is so much that nobody should be shown all of it unasked. */
  append(task: number, attempt: number, stream: LogStream, line: string): boolean {
    const key = keyOf(task, attempt);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { files: {}, texts: {}, hasEnded: false };
      this.#entries.set(key, entry);
    }
    const text = entry.texts[stream] ?? new TextLog();
    entry.texts[stream] = text;
    text.append(Buffer.from(`${line}\n`));
    return text.totalBytes <= SHOWN_BYTES_MAX;
  }

  /** The attempt has ended, in whatever way. */
  end(task: number, attempt: number): void {
    if (this.#entries.size === 0) return;
    const key = keyOf(task, attempt);
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.hasEnded) return;
    entry.texts.stdout?.compact();
    entry.texts.stderr?.compact();
    const bytes = sizeOf(entry);
    // Behind all that ended before.
    this.#entries.delete(key);
    if (bytes === 0) return;
    this.#entries.set(key, { files: {}, texts: entry.texts, hasEnded: true });
    this.#keptBytes += ENTRY_BYTES + bytes;
    this.#forgetOldest();
    this.#onKept(task, attempt);
  }

  forget(task: number, attempt: number): void {
    const key = keyOf(task, attempt);
    const entry = this.#entries.get(key);
    if (entry?.hasEnded) this.#remove(key, entry);
  }

  /** `isRunning`: the attempt has not ended, whatever it has written so far. */
  read(
    task: number,
    attempt: number,
    stream: LogStream,
    position: number,
    isRunning: boolean,
  ): LogPart {
    const entry = this.#entries.get(keyOf(task, attempt));
    const isOpen = isRunning && entry?.hasEnded !== true;
    const path = entry?.files[stream];
    const part =
      path === undefined
        ? entry?.texts[stream]?.read(position, PART_BYTES_MAX)
        : readFile(path, position);
    const {
      bytes = new Uint8Array(0),
      next = position,
      skippedBytes = 0,
      isAtEnd = true,
    } = part ?? {};
    return { bytes, next, skippedBytes, isEnd: isAtEnd && !isOpen };
  }

  #forgetOldest(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#keptBytes <= KEPT_BYTES_MAX) return;
      if (entry.hasEnded) this.#remove(key, entry);
    }
  }

  #remove(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#keptBytes -= ENTRY_BYTES + sizeOf(entry);
  }
}

const keyOf = (task: number, attempt: number): string => `${task}/${attempt}`;

const sizeOf = ({ texts }: Entry): number =>
  (texts.stdout?.keptBytes ?? 0) + (texts.stderr?.keptBytes ?? 0);

type Stretch = Pick<LogPart, "bytes" | "next" | "skippedBytes"> & { readonly isAtEnd: boolean };

/** From a file that may grow, or be gone, or be something else by now: a program can do anything to it. */
function readFile(path: string, position: number): Stretch | undefined {
  const bytes = new Uint8Array(PART_BYTES_MAX);
  const count = withFile(path, (descriptor) =>
    readSync(descriptor, bytes, 0, bytes.length, position),
  );
  if (count === undefined) return undefined;
  const isAtEnd = count < bytes.length;
  return { bytes: bytes.subarray(0, count), next: position + count, skippedBytes: 0, isAtEnd };
}

/** The beginning and the end of a file; undefined where it is empty. */
function readEnds(path: string): TextLog | undefined {
  // Mostly there is nothing, which costs no more than this.
  if (lstatSync(path, { throwIfNoEntry: false })?.size === 0) return undefined;
  return withFile(path, (descriptor, sizeBytes) => {
    if (sizeBytes === 0) return undefined;
    const text = new TextLog();
    const kept = HEAD_BYTES + TAIL_BYTES;
    const read = (from: number, count: number): void => {
      const bytes = new Uint8Array(count);
      text.append(bytes.subarray(0, readSync(descriptor, bytes, 0, count, from)));
    };
    if (sizeBytes <= kept) read(0, sizeBytes);
    else {
      read(0, HEAD_BYTES);
      text.skip(sizeBytes - kept);
      read(sizeBytes - TAIL_BYTES, TAIL_BYTES);
    }
    return text;
  });
}

function withFile<Result>(
  path: string,
  use: (descriptor: number, sizeBytes: number) => Result,
): Result | undefined {
  let descriptor: number;
  try {
    // Without waiting, should it be a pipe; and no link, which could lead anywhere.
    descriptor = openSync(path, OPEN_FLAGS);
  } catch {
    return undefined;
  }
  try {
    const found = fstatSync(descriptor);
    return found.isFile() ? use(descriptor, found.size) : undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(descriptor);
  }
}
