import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { bytesText } from "../../core/base/units.ts";
import { systemReason } from "../executors/task-error.ts";
import { createFileSink } from "../store/file-sink.ts";
import { type ValueId, valueId } from "../store/value-id.ts";
import type { ValueTable } from "../store/value-table.ts";

export type SpillOptions = {
  readonly values: ValueTable;
  /** Existing, and ours alone. */
  readonly directory: string;
  /** Bytes that spilled data may take on disk. */
  readonly quotaBytes: number;
  /** Bytes that are always left free on that disk. Default: 1 GiB, or 5 % of a smaller one. */
  readonly keepFreeBytes?: number | undefined;
};

/** What is left in memory, since it could not be written. */
export type SpillFailure = {
  readonly entries: Uint32Array;
  readonly sizesBytes: Uint32Array;
  readonly reason: string;
};

/** Writes values to disk whose bytes are in memory. */
export type Spiller = {
  /**
   * The entries are rows of living values, which lie in one file from then on; undefined once that is
   * so. Never rejects.
   */
  spill(entries: Uint32Array): Promise<SpillFailure | undefined>;
};

const SPILL_MODE = 0o400;
const KEEP_FREE_BYTES_MAX = 1024 * 1024 * 1024;
const KEEP_FREE_SHARE = 0.05;

export function createSpiller(options: SpillOptions): Spiller {
  const { values, directory } = options;
  let names = 0;

  const write = async (rows: readonly ValueId[], path: string): Promise<void> => {
    const sink = createFileSink(path, SPILL_MODE);
    try {
      // Views stay as they are, whatever becomes of the values meanwhile.
      await Promise.all(rows.map((row) => sink.write(values.bytes(row) ?? new Uint8Array(0))));
    } finally {
      await sink.close();
    }
  };

  return {
    async spill(entries) {
      const rows = Array.from(entries, valueId);
      const sizesBytes = Uint32Array.from(rows, (row) => values.sizeBytes(row));
      const totalBytes = sizesBytes.reduce((sum, size) => sum + size, 0);
      for (const row of rows) values.retain(row);
      names += 1;
      const path = join(directory, `spill-${names.toString(36)}`);
      try {
        await checkRoom(options, totalBytes);
        await write(rows, path);
      } catch (error) {
        values.files.unlinkIfThere(path);
        return giveUp(values, rows, systemReason(error));
      }
      const file = values.createFile(path, totalBytes, { isOwned: true, isSpill: true });
      let offset = 0;
      rows.forEach((row, i) => {
        values.moveToFile(row, file, offset);
        offset += sizesBytes[i] as number;
        values.release(row);
      });
      // The file goes with the last of the values in it.
      values.release(file);
      return undefined;
    },
  };
}

/** Those that were released meanwhile go now. */
function giveUp(values: ValueTable, rows: readonly ValueId[], reason: string): SpillFailure {
  const left = rows.filter((row) => values.references(row) > 1);
  const failure = {
    entries: Uint32Array.from(left),
    sizesBytes: Uint32Array.from(left, (row) => values.sizeBytes(row)),
    reason,
  };
  for (const row of rows) values.release(row);
  return failure;
}

async function checkRoom(
  { values, directory, quotaBytes, keepFreeBytes }: SpillOptions,
  sizeBytes: number,
): Promise<void> {
  const { spilledBytes } = values.files;
  if (spilledBytes + sizeBytes > quotaBytes) {
    throw new Error(
      `the quota of ${bytesText(quotaBytes)} for spilled data is used up (--spill-quota)`,
    );
  }
  const { bavail, blocks, bsize } = await statfs(directory);
  const freeBytes = bavail * bsize;
  const keptBytes =
    keepFreeBytes ?? Math.min(KEEP_FREE_BYTES_MAX, KEEP_FREE_SHARE * blocks * bsize);
  if (freeBytes - sizeBytes < keptBytes) {
    throw new Error(
      `only ${bytesText(freeBytes)} are free on the disk of '${directory}', of which ${bytesText(Math.floor(keptBytes))} are kept free`,
    );
  }
}
