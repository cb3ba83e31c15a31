import { unlink } from "node:fs/promises";
import type { Log } from "../../core/base/log.ts";
import type { JournalLedger } from "../../protocol/journal/ledger.ts";
import type { JournalWriter } from "./journal-writer.ts";
import { readSegment } from "./read-journal.ts";
import { segmentPath, syncDirectory } from "./segment-files.ts";

/** Copies that are not written yet: beyond it reading waits. */
const UNWRITTEN_BYTES_MAX: number = 8 * 1024 * 1024;

/** Finished segments, oldest first. */
export type FinishedSegments = Map<number, { readonly sizeBytes: number }>;

export type Compaction = AsyncDisposable & {
  /** Something has ended, or a segment is full: begins, if it is worth it. */
  update(): void;
};

/**
 * Keeps the journal in proportion to what lives: while it is more than twice as large, or has many
 * segments, what lives in the oldest one is written once more at the end, and the oldest is
 * deleted. Always the oldest: an end that is written down must stay as long as what it ended.
 */
export function createCompaction(options: {
  readonly directory: string;
  readonly ledger: JournalLedger;
  readonly segments: FinishedSegments;
  readonly writer: JournalWriter;
  readonly log: Log;
  /** The size that is never worth a compaction. */
  readonly keptBytes: number;
}): Compaction {
  const { directory, ledger, segments, writer, log } = options;
  let running: Promise<void> | undefined;
  let isClosed = false;

  const isDue = (): number | undefined => {
    const oldest = segments.keys().next().value;
    if (oldest === undefined || isClosed || writer.failure !== undefined) return undefined;
    if (ledger.liveBytes(oldest) === 0) return oldest;
    let sizeBytes = 0;
    for (const segment of segments.values()) sizeBytes += segment.sizeBytes;
    const isTooLarge = sizeBytes > options.keptBytes && sizeBytes > 2 * ledger.liveBytes();
    return isTooLarge ? oldest : undefined;
  };

  const compact = async (number: number): Promise<void> => {
    const { sizeBytes } = segments.get(number) ?? { sizeBytes: 0 };
    let copied = 0;
    if (ledger.liveBytes(number) > 0) {
      await readSegment(directory, number, sizeBytes, async ({ record, body }) => {
        // As of now: what ends later is written behind it.
        if (isClosed || !ledger.isLive(record)) return;
        writer.copy(record, body);
        copied += body.length;
        while (writer.unwrittenBytes > UNWRITTEN_BYTES_MAX && !isClosed) await writer.flushed();
      });
      await writer.flushed();
    }
    if (isClosed) return;
    ledger.forget(number);
    segments.delete(number);
    await unlink(segmentPath(directory, number));
    await syncDirectory(directory);
    log("debug", "journal segment compacted", { segment: number, sizeBytes, copied });
  };

  const run = async (): Promise<void> => {
    for (let number = isDue(); number !== undefined; number = isDue()) {
      try {
        await compact(number);
      } catch (error) {
        log("error", "a segment of the journal cannot be compacted", {
          segment: number,
          reason: error instanceof Error ? error.message : String(error),
        });
        return;
      }
    }
  };

  return {
    update() {
      if (running !== undefined || isDue() === undefined) return;
      running = run().finally(() => {
        running = undefined;
      });
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      await running;
    },
  };
}
