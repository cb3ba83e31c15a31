import { DATA_TYPE } from "../../core/model/symbols.ts";
import type { ValueTree } from "../../protocol/peer/value-tree.ts";
import { createTurnBudget } from "../turn-budget.ts";
import { encodeOffsets } from "./index-offsets.ts";
import { createRawWriter } from "./raw-writer.ts";
import { FILE_BYTES_MIN, type ValueId } from "./value-id.ts";
import type { ValueTable } from "./value-table.ts";

/** Values that are made without a look at the clock. */
const ROWS_PER_STEP = 1024;

/** Trees with fewer values are assembled at once. */
export const ROWS_NOW_MAX = 4096;

/** What a value is made of. */
type AssembleParts = readonly [
  values: ValueTable,
  tree: ValueTree,
  /** A leaf by its row. */
  leafOf: (row: number) => ValueId,
  /** Offsets that were written aside, by the row of their index. */
  indexOffsets?: ReadonlyMap<number, ValueId>,
];

/** Offsets of a million lines are encoded in pieces. */
const OFFSETS_PER_CHUNK = 65_536;

/**
 * Makes a value out of its shape and its leaves, which `leafOf` gives, each with a reference that
 * is taken over. The caller owns the result. The tree is one that the codec has checked.
 */
export function assembleTree(...parts: AssembleParts): ValueId {
  const assembling = assemble(...parts);
  for (;;) {
    const { done, value } = assembling.next();
    if (done === true) return value;
  }
}

/** The same, sharing the event loop. */
export async function assembleTreeInTurns(...parts: AssembleParts): Promise<ValueId> {
  const assembling = assemble(...parts);
  const budget = createTurnBudget();
  for (;;) {
    const { done, value } = assembling.next();
    if (done === true) return value;
    if (budget.isSpent()) await budget.renew();
  }
}

/** Yields now and then. */
function* assemble(
  ...[values, tree, leafOf, indexOffsets = new Map()]: AssembleParts
): Generator<undefined, ValueId> {
  const { kinds, childStarts, children } = tree;
  const built = new Uint32Array(kinds.length);
  for (const [row, kind] of kinds.entries()) {
    if (row % ROWS_PER_STEP === ROWS_PER_STEP - 1) yield;
    const items = children.subarray(childStarts[row], childStarts[row + 1]);
    if (kind === DATA_TYPE.array) {
      built[row] = values.createArray(items.map((item) => built[item] as number));
    } else if (kind === DATA_TYPE.index) {
      const offsets =
        indexOffsets.get(row) ?? values.createBytes(encodeOffsets(offsetsOf(tree, row)));
      const base = built[items[0] as number] as ValueId;
      built[row] = values.createIndex(base, offsets);
      values.release(offsets);
    } else built[row] = leafOf(row);
  }
  const root = built[kinds.length - 1] as ValueId;
  for (const [row, value] of built.entries()) {
    if (value !== root) values.release(value as ValueId);
    if (row % ROWS_PER_STEP === ROWS_PER_STEP - 1) yield;
  }
  return root;
}

/** Whether the offsets of the tree's indexes are so many that they are to be written aside. */
export function hasLongOffsets(tree: ValueTree): boolean {
  return 8 * tree.offsets.length >= FILE_BYTES_MIN;
}

/** Stores the offsets of all indexes of the tree, by their row; each with a reference of the caller's. */
export async function storeOffsets(
  values: ValueTable,
  tree: ValueTree,
): Promise<Map<number, ValueId>> {
  const stored = new Map<number, ValueId>();
  try {
    for (const [row, kind] of tree.kinds.entries()) {
      if (kind !== DATA_TYPE.index) continue;
      stored.set(row, await writeOffsets(values, offsetsOf(tree, row)));
    }
    return stored;
  } catch (error) {
    for (const value of stored.values()) values.release(value);
    throw error;
  }
}

function offsetsOf({ offsets, offsetStarts }: ValueTree, row: number): Float64Array {
  return offsets.subarray(offsetStarts[row], offsetStarts[row + 1]);
}

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
