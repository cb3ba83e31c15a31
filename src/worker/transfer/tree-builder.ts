import type { HandedFile } from "../../protocol/peer/messages.ts";
import type { PayloadPosition } from "../../protocol/peer/peer-reader.ts";
import type { ValueTree } from "../../protocol/peer/value-tree.ts";
import {
  assembleTree,
  assembleTreeInTurns,
  hasLongOffsets,
  ROWS_NOW_MAX,
  storeOffsets,
} from "../store/assemble-tree.ts";
import { createRawWriter, type RawWriter } from "../store/raw-writer.ts";
import type { Store } from "../store/store.ts";
import { FILE_BYTES_MIN, type ValueId } from "../store/value-id.ts";

/** Makes a value out of its shape and the bytes that follow. */
export type TreeBuilder = {
  /** Whether leaves are handed over as files. */
  readonly hasFiles: boolean;
  /** Bytes of one leaf, in order. The promise, if any, resolves when the chunk may be given up; it may reject. */
  write(bytes: Uint8Array, at: PayloadPosition): Promise<void> | undefined;
  /** The value, which the caller owns, once all bytes are there. Rejects if some could not be written or adopted. */
  finish(): Promise<ValueId>;
  /** The same at once, if nothing has to be waited for. */
  finishNow(): ValueId | undefined;
  /** Gives up; leaves nothing behind. */
  abort(): void;
};

/** Leaves that come as files, and how one becomes ours. */
export type HandedFiles = {
  readonly files: readonly HandedFile[];
  /** The path in our data directory. */
  readonly adopt: (name: string) => Promise<string>;
};

/**
 * The tree is one that the codec has checked. Leaves go to memory or to a file, by their size; those
 * in memory are asked for one by one, and complete ones may be spilled while others still come.
 */
export function createTreeBuilder(
  { values, memory }: Pick<Store, "values" | "memory">,
  tree: ValueTree,
  handed: HandedFiles | undefined = undefined,
): TreeBuilder {
  const { kinds, sizesBytes } = tree;
  /** Leaves in memory, by their row, and those in files that are complete. */
  const leaves = new Map<number, ValueId>();
  const writers = new Map<number, RawWriter>();
  /** What waits for memory, by its row: the end of its bytes so far. */
  const waiting = new Map<number, Promise<void>>();
  let isAborted = false;
  const files = handed?.files ?? [];

  /** Hands a leaf over; one without bytes was never written to. */
  const takeLeaf = (row: number): ValueId => {
    const leaf = leaves.get(row) ?? values.allocateBytes(0, kinds[row]);
    leaves.delete(row);
    return leaf;
  };

  const adoptFiles = async (): Promise<void> => {
    for (const { row, name } of files) {
      const path = await handed?.adopt(name);
      if (path === undefined) continue;
      const dataType = kinds[row] as number;
      const leaf = values.createFile(path, sizesBytes[row] as number, { isOwned: true, dataType });
      leaves.set(row, leaf);
    }
  };

  const putBytes = (row: number, bytes: Uint8Array, offsetBytes: number): void => {
    const sizeBytes = sizesBytes[row] as number;
    const leaf = leaves.get(row) ?? values.allocateBytes(sizeBytes, kinds[row]);
    leaves.set(row, leaf);
    values.bytes(leaf)?.set(bytes, offsetBytes);
    if (offsetBytes + bytes.length === sizeBytes) values.complete(leaf);
  };

  return {
    hasFiles: files.length > 0,
    write(bytes, { row, offsetBytes }) {
      const sizeBytes = sizesBytes[row] as number;
      if (sizeBytes >= FILE_BYTES_MIN) {
        let writer = writers.get(row);
        if (writer === undefined) {
          writer = createRawWriter(values, { sizeBytes, dataType: kinds[row] as number });
          writers.set(row, writer);
        }
        return writer.write(bytes);
      }
      const admitted = leaves.has(row) ? undefined : (waiting.get(row) ?? memory.admit(sizeBytes));
      if (admitted === undefined) {
        putBytes(row, bytes, offsetBytes);
        return undefined;
      }
      const written = admitted.then((settle) => {
        if (!isAborted) putBytes(row, bytes, offsetBytes);
        settle?.();
      });
      waiting.set(row, written);
      return written;
    },
    finishNow() {
      if (writers.size > 0 || files.length > 0 || hasLongOffsets(tree)) return undefined;
      if (waiting.size > 0) return undefined;
      if (kinds.length > ROWS_NOW_MAX) return undefined;
      return assembleTree(values, tree, takeLeaf);
    },
    async finish() {
      await Promise.all(waiting.values());
      for (const [row, writer] of writers) {
        leaves.set(row, await writer.finish());
        writers.delete(row);
      }
      await adoptFiles();
      const offsets = await storeOffsets(values, tree);
      return assembleTreeInTurns(values, tree, takeLeaf, offsets);
    },
    abort() {
      isAborted = true;
      for (const writer of writers.values()) void writer.abort();
      writers.clear();
      for (const leaf of leaves.values()) values.release(leaf);
      leaves.clear();
    },
  };
}
