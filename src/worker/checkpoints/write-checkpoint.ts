import { rename, rm, writeFile } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { type Confinement, UNCONFINED } from "../../access/confinement.ts";
import { DATA_TYPE } from "../../core/model/symbols.ts";
import { systemReason, TaskError } from "../executors/task-error.ts";
import { createFileSink } from "../store/file-sink.ts";
import { copyValue } from "../store/read-value.ts";
import type { ValueId } from "../store/value-id.ts";
import type { ValueTable } from "../store/value-table.ts";
import { describeValue } from "../transfer/describe-value.ts";
import { encodeTypeFile, fingerprintOf, typeFilePath } from "./type-file.ts";

/**
 * Writes a value of any type so that `loadCheckpoint` gets it back: the bytes of its raw parts to
 * `path`, and what they are part of to the type file. Both appear complete. Rejects with a TaskError
 * that says why it cannot be written.
 */
export async function writeCheckpoint(
  values: ValueTable,
  value: ValueId,
  named: string,
  signal: AbortSignal,
  files: Confinement = UNCONFINED,
): Promise<void> {
  if (!isAbsolute(named)) {
    throw new TaskError({ message: `Checkpoint path '${named}' is not absolute path` });
  }
  const path = await files.writable(named).catch((error: unknown) => {
    const message = `Cannot write checkpoint '${named}': ${systemReason(error)}`;
    throw new TaskError({ message });
  });
  const temporary = `${path}.loom.tmp`;
  const temporaryType = `${typeFilePath(path)}.tmp`;
  try {
    const { tree, leaves } = await describeValue(values, value);
    await rm(temporary, { force: true }); // left by a worker that was killed
    const sink = createFileSink(temporary, 0o666);
    try {
      for (const leaf of leaves) {
        await copyValue(values, leaf, (chunk) => sink.write(chunk), { signal });
      }
    } finally {
      await sink.close();
    }
    const isRaw = values.dataType(value) === DATA_TYPE.data;
    if (!isRaw) {
      const type = encodeTypeFile(tree, await fingerprintOf(temporary));
      await writeFile(temporaryType, type);
      await rename(temporaryType, typeFilePath(path));
    }
    // The type first, and gone last: a half of a pair never looks like raw data.
    await rename(temporary, path);
    if (isRaw) await rm(typeFilePath(path), { force: true });
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}); // as unusable as its directory
    await rm(temporaryType, { force: true }).catch(() => {});
    if (signal.aborted) throw error;
    throw new TaskError({
      message: `Cannot write checkpoint '${path}': ${systemReason(error)}`,
    });
  }
}
