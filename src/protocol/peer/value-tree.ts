import { DATA_TYPE, isLeafType } from "../../core/model/symbols.ts";
import { ProtocolError } from "../protocol-error.ts";
import { requireSizes } from "../worker/batch-codec.ts";
import {
  type Column,
  type ColumnReader,
  requireEqualLengths,
  requireRanges,
} from "../worker/columns-codec.ts";

/**
 * The shape of a data object without its bytes. Row *i* is a value; a value that several others
 * hold is there once. Items come before the values that hold them, the object itself is last.
 *
 *     row 0  data   12 bytes                       "Hello world!"
 *     row 1  index  base 0, offsets 0 6 12
 *     row 2  array  items 1, 0, 0
 */
export type ValueTree = {
  /** Data type of each value, a symbol id. */
  readonly kinds: Uint8Array;
  /** Size as the task model counts it: payload bytes; sum of the items; base + 8 * (items + 1). */
  readonly sizesBytes: Float64Array;
  /** Items of row *i*: `children[childStarts[i] .. childStarts[i + 1]]`, rows; the only one of an index is its base. */
  readonly childStarts: Uint32Array;
  readonly children: Uint32Array;
  /** Offsets of the index in row *i*: `offsets[offsetStarts[i] .. offsetStarts[i + 1]]`, one more than it has items. */
  readonly offsetStarts: Uint32Array;
  readonly offsets: Float64Array;
};

/** The sum of the leaves' sizes: what follows the tree on the wire, if no leaf is handed over as a file. */
export function payloadSizeBytes(
  tree: ValueTree,
  files: readonly { readonly row: number }[] = [],
): number {
  let sum = 0;
  tree.kinds.forEach((kind, row) => {
    if (isLeafType(kind)) sum += tree.sizesBytes[row] ?? 0;
  });
  for (const { row } of files) sum -= tree.sizesBytes[row] ?? 0;
  return sum;
}

export function treeColumns(tree: ValueTree): Column[] {
  const { kinds, sizesBytes, childStarts, children, offsetStarts, offsets } = tree;
  return [kinds, sizesBytes, childStarts, children, offsetStarts, offsets];
}

/** Reads a tree and checks everything that the type says of it. Linear in its columns. */
export function readTree(reader: ColumnReader): ValueTree {
  const tree: ValueTree = {
    kinds: reader.u8(),
    sizesBytes: reader.f64(),
    childStarts: reader.u32(),
    children: reader.u32(),
    offsetStarts: reader.u32(),
    offsets: reader.f64(),
  };
  const count = tree.kinds.length;
  if (count === 0) throw new ProtocolError("expected a value, got an empty tree");
  requireEqualLengths(tree.kinds, tree.sizesBytes);
  requireRanges(tree.childStarts, count, tree.children.length);
  requireRanges(tree.offsetStarts, count, tree.offsets.length);
  requireSizes(tree.sizesBytes);
  requireSizes(tree.offsets);
  const isHeld = new Uint8Array(count);
  for (let row = 0; row < count; row++) {
    if (requireValue(tree, row, isHeld) !== tree.sizesBytes[row]) {
      throw new ProtocolError(`value ${row} is not as large as its parts`);
    }
  }
  if (isHeld.indexOf(0) !== count - 1) {
    throw new ProtocolError("the tree has values that are no part of the object");
  }
  if (!Number.isSafeInteger(payloadSizeBytes(tree))) {
    throw new ProtocolError("the sum of the tree's sizes exceeds 2^53 - 1");
  }
  return tree;
}

/** Checks one row against the rows before it, marks its items as held, and returns the size that it must have. */
function requireValue(tree: ValueTree, row: number, isHeld: Uint8Array): number {
  const kind = tree.kinds[row] ?? 0;
  const items = tree.children.subarray(tree.childStarts[row], tree.childStarts[row + 1]);
  const offsets = tree.offsets.subarray(tree.offsetStarts[row], tree.offsetStarts[row + 1]);
  let itemBytes = 0;
  for (const item of items) {
    if (item >= row)
      throw new ProtocolError(`value ${row} holds value ${item}, which is not before it`);
    isHeld[item] = 1;
    itemBytes += tree.sizesBytes[item] ?? 0;
  }
  if (kind === DATA_TYPE.index) return itemBytes + requireIndex(tree, row, items, offsets);
  if (offsets.length > 0) throw new ProtocolError(`value ${row} is no index and has offsets`);
  if (kind === DATA_TYPE.array) return itemBytes;
  if (!isLeafType(kind)) throw new ProtocolError(`value ${row} has the unknown data type ${kind}`);
  if (items.length > 0) throw new ProtocolError(`value ${row} is no array and holds others`);
  return tree.sizesBytes[row] ?? 0;
}

/** Checks base and offsets of an index, and returns the bytes that the offsets count for. */
function requireIndex(
  tree: ValueTree,
  row: number,
  items: Uint32Array,
  offsets: Float64Array,
): number {
  const [base = 0] = items;
  if (items.length !== 1 || !isLeafType(tree.kinds[base] ?? 0)) {
    throw new ProtocolError(`index ${row} has no base of raw bytes`);
  }
  if (offsets.length === 0) throw new ProtocolError(`index ${row} has no offsets`);
  let previous = 0;
  for (const offset of offsets) {
    if (offset < previous) throw new ProtocolError(`the offsets of index ${row} do not rise`);
    previous = offset;
  }
  if (previous > (tree.sizesBytes[base] ?? 0)) {
    throw new ProtocolError(`index ${row} ends beyond its base`);
  }
  return 8 * offsets.length;
}
