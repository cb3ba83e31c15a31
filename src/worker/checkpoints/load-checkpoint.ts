import { constants } from "node:fs";
import { access, readFile, stat } from "node:fs/promises";
import { type Confinement, UNCONFINED } from "../../access/confinement.ts";
import { isLeafType } from "../../core/model/symbols.ts";
import { payloadSizeBytes } from "../../protocol/peer/value-tree.ts";
import { systemReason } from "../executors/task-error.ts";
import { assembleTreeInTurns, storeOffsets } from "../store/assemble-tree.ts";
import type { ValueId } from "../store/value-id.ts";
import type { ValueTable } from "../store/value-table.ts";
import { decodeTypeFile, fingerprintOf, typeFilePath } from "./type-file.ts";

/**
 * The value of a checkpoint, whose bytes stay in its file; the caller owns it. Undefined if there is
 * none that can be used, then `onUnusable` hears why one that is there cannot.
 */
export async function loadCheckpoint(
  values: ValueTable,
  path: string,
  onUnusable: (reason: string) => void,
  files: Confinement = UNCONFINED,
): Promise<ValueId | undefined> {
  try {
    const real = await files.readable(path);
    const { size, isFile } = await stat(real).then((found) => ({
      size: found.size,
      isFile: found.isFile(),
    }));
    if (!isFile) throw new Error("it is not a regular file");
    await access(real, constants.R_OK);
    const type = await files
      .readable(typeFilePath(path))
      .then((typePath) => readFile(typePath))
      .catch(ignoreMissing);
    if (type === undefined) return values.createFile(real, size, { isOwned: false });
    return await loadTyped(values, real, size, type);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") onUnusable(systemReason(error));
    return undefined;
  }
}

async function loadTyped(
  values: ValueTable,
  path: string,
  size: number,
  type: Buffer,
): Promise<ValueId> {
  const decoded = decodeTypeFile(type);
  if (decoded === undefined) throw new Error(`'${typeFilePath(path)}' is damaged`);
  const { tree, fingerprint } = decoded;
  const isWhole =
    payloadSizeBytes(tree) === size && Buffer.compare(fingerprint, await fingerprintOf(path)) === 0;
  if (!isWhole) throw new Error(`'${typeFilePath(path)}' belongs to another file`);
  const offsets = await storeOffsets(values, tree);
  const base = values.createFile(path, size, { isOwned: false });
  let position = 0;
  const starts = Float64Array.from(tree.kinds, (kind, row) => {
    const start = position;
    if (isLeafType(kind)) position += tree.sizesBytes[row] as number;
    return start;
  });
  const leafOf = (row: number): ValueId =>
    values.createRange(
      base,
      starts[row] as number,
      tree.sizesBytes[row] as number,
      tree.kinds[row] as number,
    );
  const value = await assembleTreeInTurns(values, tree, leafOf, offsets);
  values.release(base);
  return value;
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
