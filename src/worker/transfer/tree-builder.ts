import { DATA_TYPE } from "../../core/model/symbols.ts";
import type { PayloadPosition } from "../../protocol/peer/peer-reader.ts";
import type { ValueTree } from "../../protocol/peer/value-tree.ts";
import { encodeOffsets } from "../store/index-offsets.ts";
import { createRawWriter, type RawWriter } from "../store/raw-writer.ts";
import { FILE_BYTES_MIN, type ValueId } from "../store/value-id.ts";
import type { ValueTable } from "../store/value-table.ts";

/** Makes a value out of its shape and the bytes that follow. */
export type TreeBuilder = {
  /** Bytes of one leaf, in order. The promise, if any, resolves when the chunk may be given up; it may reject. */
  write(bytes: Uint8Array, at: PayloadPosition): Promise<void> | undefined;
  /** The value, which the caller owns, once all bytes are there. Rejects if some could not be written. */
  finish(): Promise<ValueId>;
  /** The same at once, if nothing has to be waited for. */
  finishNow(): ValueId | undefined;
  /** Gives up; leaves nothing behind. */
  abort(): void;
};

/** The tree is one that the codec has checked. Leaves go to memory or to a file, by their size. */
export function createTreeBuilder(values: ValueTable, tree: ValueTree): TreeBuilder {
  const { kinds, sizesBytes, childStarts, children, offsetStarts, offsets } = tree;
  const count = kinds.length;
  const built = new Map<number, ValueId>();
  /** Leaves and offsets that lie in files, by their row. */
  const writers = new Map<number, RawWriter>();

  const releaseAll = (): void => {
    for (const value of built.values()) values.release(value);
    built.clear();
  };

  const get = (row: number): ValueId => {
    let value = built.get(row);
    // A leaf without bytes is never written to.
    value ??= values.allocateBytes(0, kinds[row]);
    built.set(row, value);
    return value;
  };

  const ownOffsets = (row: number): Float64Array =>
    offsets.subarray(offsetStarts[row], offsetStarts[row + 1]);

  /** Makes what is not a leaf, each after its parts, and returns the last, which holds all others. */
  const assemble = (indexOffsets: ReadonlyMap<number, ValueId>): ValueId => {
    for (let row = 0; row < count; row++) {
      const items = children.subarray(childStarts[row], childStarts[row + 1]);
      if (kinds[row] === DATA_TYPE.array) {
        built.set(row, values.createArray(items.map((item) => get(item))));
      } else if (kinds[row] === DATA_TYPE.index) {
        const known = indexOffsets.get(row);
        const bytes = known ?? values.createBytes(encodeOffsets(ownOffsets(row)));
        built.set(row, values.createIndex(get(items[0] as number), bytes));
        values.release(bytes);
      }
    }
    const root = get(count - 1);
    values.retain(root);
    releaseAll();
    return root;
  };

  const hasLongOffsets = (): boolean => offsets.length * 8 >= FILE_BYTES_MIN;

  return {
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
      const value = built.get(row) ?? values.allocateBytes(sizeBytes, kinds[row]);
      built.set(row, value);
      values.bytes(value)?.set(bytes, offsetBytes);
      return undefined;
    },
    finishNow: () => (writers.size === 0 && !hasLongOffsets() ? assemble(new Map()) : undefined),
    async finish() {
      const indexOffsets = new Map<number, ValueId>();
      try {
        for (const [row, writer] of writers) built.set(row, await writer.finish());
        writers.clear();
        for (let row = 0; row < count; row++) {
          if (kinds[row] !== DATA_TYPE.index) continue;
          indexOffsets.set(row, await writeOffsets(values, ownOffsets(row)));
        }
        return assemble(indexOffsets);
      } catch (error) {
        for (const value of indexOffsets.values()) values.release(value);
        throw error;
      }
    },
    abort() {
      for (const writer of writers.values()) void writer.abort();
      writers.clear();
      releaseAll();
    },
  };
}

/** Offsets of a million lines are encoded in pieces. */
const OFFSETS_PER_CHUNK = 65_536;

async function writeOffsets(values: ValueTable, offsets: Float64Array): Promise<ValueId> {
  const writer = createRawWriter(values, { sizeBytes: 8 * offsets.length });
  try {
    for (let start = 0; start < offsets.length; start += OFFSETS_PER_CHUNK) {
      await writer.write(encodeOffsets(offsets.subarray(start, start + OFFSETS_PER_CHUNK)));
    }
    return await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
