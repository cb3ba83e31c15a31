import { Uint32List } from "../../core/base/columns.ts";
import { DATA_TYPE } from "../../core/model/symbols.ts";
import type { ValueTree } from "../../protocol/peer/value-tree.ts";
import { decodeOffsets } from "../store/index-offsets.ts";
import { readValue } from "../store/read-value.ts";
import { type ValueId, valueId } from "../store/value-id.ts";
import type { ValueTable } from "../store/value-table.ts";
import { createTurnBudget, type TurnBudget } from "../turn-budget.ts";

/** Parts between two looks at the clock. */
const ROWS_PER_LOOK = 256;

/** A value's shape, and its raw parts in the order in which they follow the shape. */
export type DescribedValue = { readonly tree: ValueTree; readonly leaves: readonly ValueId[] };

/**
 * Lists a value and all that it is made of, each once, parts first. Without recursion, and sharing
 * the event loop: the caller holds a reference to the value. Throws an
 * Error if its size, where shared items count each time, is no exact number.
 */
export async function describeValue(values: ValueTable, root: ValueId): Promise<DescribedValue> {
  if (!Number.isSafeInteger(values.sizeBytes(root))) {
    throw new Error("its size exceeds 2^53 bytes, counting what is shared each time");
  }
  const budget = createTurnBudget();
  const order = await listParts(values, root, budget);
  const rows = new Map<number, number>();
  const kinds = new Uint8Array(order.length);
  const sizesBytes = new Float64Array(order.length);
  const childStarts = new Uint32Array(order.length + 1);
  const offsetStarts = new Uint32Array(order.length + 1);
  const children = new Uint32List();
  const offsets: Float64Array[] = [];
  const leaves: ValueId[] = [];
  let offsetCount = 0;
  for (const [row, id] of order.entries()) {
    if (row % ROWS_PER_LOOK === 0 && budget.isSpent()) await budget.renew();
    const value = valueId(id);
    rows.set(id, row);
    const kind = values.dataType(value);
    kinds[row] = kind;
    sizesBytes[row] = values.sizeBytes(value);
    if (kind === DATA_TYPE.array) {
      for (const item of values.items(value)) children.push(rows.get(item) as number);
    } else if (kind === DATA_TYPE.index) {
      children.push(rows.get(values.indexBase(value)) as number);
      const own = decodeOffsets(await readValue(values, values.indexOffsets(value)));
      offsets.push(own);
      offsetCount += own.length;
    } else leaves.push(value);
    childStarts[row + 1] = children.length;
    offsetStarts[row + 1] = offsetCount;
  }
  const tree: ValueTree = {
    kinds,
    sizesBytes,
    childStarts,
    children: children.toArray(),
    offsetStarts,
    offsets: concatenate(offsets, offsetCount),
  };
  return { tree, leaves };
}

/** All parts, each once and before those that hold it: a depth-first walk with a stack of its own. */
async function listParts(
  values: ValueTable,
  root: ValueId,
  budget: TurnBudget,
): Promise<Uint32Array> {
  const order = new Uint32List();
  const seen = new Set<number>([root]);
  /** A value, then the number of its parts that were looked at. */
  const stack = new Uint32List();
  stack.push(root);
  stack.push(0);
  for (let steps = 0; stack.length > 0; steps++) {
    if (steps % ROWS_PER_LOOK === 0 && budget.isSpent()) await budget.renew();
    const next = stack.pop();
    const value = valueId(stack.pop());
    const part = partAt(values, value, next);
    if (part === undefined) {
      order.push(value);
      continue;
    }
    stack.push(value);
    stack.push(next + 1);
    if (seen.has(part)) continue;
    seen.add(part);
    stack.push(part);
    stack.push(0);
  }
  return order.toArray();
}

function partAt(values: ValueTable, value: ValueId, position: number): ValueId | undefined {
  switch (values.dataType(value)) {
    case DATA_TYPE.array: {
      if (position >= values.length(value)) return undefined;
      return valueId(values.items(value)[position] as number);
    }
    case DATA_TYPE.index:
      return position === 0 ? values.indexBase(value) : undefined;
    default:
      return undefined;
  }
}

function concatenate(parts: readonly Float64Array[], count: number): Float64Array {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const all = new Float64Array(count);
  let position = 0;
  for (const part of parts) {
    all.set(part, position);
    position += part.length;
  }
  return all;
}
