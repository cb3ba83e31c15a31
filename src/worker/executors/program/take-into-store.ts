import { chmodSync } from "node:fs";
import { constants, copyFile, stat } from "node:fs/promises";
import type { ValueId } from "../../store/value-id.ts";
import type { ValueTable } from "../../store/value-table.ts";

const underWay = new WeakMap<ValueTable, Map<ValueId, Promise<void>>>();

/**
 * Copies a file of the user into the store once, so that programs are linked to a file that is
 * ours. From then on the value lies there.
 */
export function takeIntoStore(values: ValueTable, value: ValueId): Promise<void> {
  let copies = underWay.get(values);
  if (copies === undefined) {
    copies = new Map();
    underWay.set(values, copies);
  }
  const running = copies.get(value);
  if (running !== undefined) return running;
  const copying = copyOnce(values, value).finally(() => copies.delete(value));
  copies.set(value, copying);
  return copying;
}

async function copyOnce(values: ValueTable, value: ValueId): Promise<void> {
  const stretch = values.fileStretch(value);
  if (stretch === undefined || values.files.isOwned(stretch.file)) return;
  const source = values.files.path(stretch.file);
  const target = values.files.createPath();
  try {
    await copyFile(source, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    chmodSync(target, 0o444);
    const { size } = await stat(target);
    if (size !== stretch.sizeBytes) {
      throw new Error(`file '${source}' has changed its size since it was opened`);
    }
  } catch (error) {
    values.files.unlinkIfThere(target);
    throw error;
  }
  values.moveToOwnFile(value, target);
}
