import { DATA_TYPE } from "../../core/model/symbols.ts";
import { readPart } from "../store/read-value.ts";
import { type ValueId, valueId } from "../store/value-id.ts";
import type { ValueTable } from "../store/value-table.ts";
import type { InputNode, LeafNode } from "./messages.ts";

/** Stretches of files of so many bytes or more are mapped by the runner; what is smaller is read here. */
const MAPPED_BYTES_MIN = 64 * 1024;

/** Data types of leaves, by the names that messages use. */
export const LEAF_TYPES: Readonly<Record<LeafNode["type"], number>> = {
  data: DATA_TYPE.data,
  pyobj: DATA_TYPE.pyobj,
  json: DATA_TYPE.json,
  jsobj: DATA_TYPE.jsobj,
  arrow: DATA_TYPE.arrow,
  absent: DATA_TYPE.absent,
};
const LEAF_NAMES = new Map(
  Object.entries(LEAF_TYPES).map(([name, type]) => [type, name as LeafNode["type"]]),
);

/**
 * A leaf value as a message names it; bytes that go along are pushed to `payload`. Throws the
 * system's error where a file of the user cannot be read.
 */
export function describeLeaf(values: ValueTable, value: ValueId, payload: Uint8Array[]): LeafNode {
  const type = LEAF_NAMES.get(values.dataType(value)) ?? "data";
  const sizeBytes = values.sizeBytes(value);
  const stretch = values.fileStretch(value);
  if (stretch !== undefined && sizeBytes >= MAPPED_BYTES_MIN) {
    const file = values.files.path(stretch.file);
    return { type, bytes: sizeBytes, file, offset: stretch.offset };
  }
  payload.push(readPart(values, value, 0, sizeBytes));
  return { type, bytes: sizeBytes };
}

/** The values of one message, each once, whatever calls need it. */
export type NodeTable = {
  readonly nodes: InputNode[];
  /** The value of each node. */
  readonly rows: ValueId[];
  readonly rowOf: Map<ValueId, number>;
};

export function createNodeTable(): NodeTable {
  return { nodes: [], rows: [], rowOf: new Map() };
}

/** Adds the value with all that it is made of, without recursion; returns its row. */
export function addNodes(
  values: ValueTable,
  table: NodeTable,
  root: ValueId,
  payload: Uint8Array[],
): number {
  const known = table.rowOf.get(root);
  if (known !== undefined) return known;
  /** What is still to be added; what a value is made of lies above it. */
  const stack: ValueId[] = [root];
  for (let value = stack.at(-1); value !== undefined; value = stack.at(-1)) {
    if (table.rowOf.has(value)) {
      stack.pop();
      continue;
    }
    const depth = stack.length;
    const parts = partsOf(values, value);
    for (const part of parts) if (!table.rowOf.has(part)) stack.push(part);
    if (stack.length > depth) continue;
    stack.pop();
    addNode(values, table, value, parts, payload);
  }
  return table.rowOf.get(root) as number;
}

function partsOf(values: ValueTable, value: ValueId): ValueId[] {
  switch (values.dataType(value)) {
    case DATA_TYPE.array:
      return Array.from(values.items(value), valueId);
    case DATA_TYPE.index:
      return [values.indexBase(value), values.indexOffsets(value)];
    default:
      return [];
  }
}

function addNode(
  values: ValueTable,
  { nodes, rows, rowOf }: NodeTable,
  value: ValueId,
  parts: readonly ValueId[],
  payload: Uint8Array[],
): void {
  const rowsOfParts = parts.map((part) => rowOf.get(part) as number);
  const [base = 0, offsets = 0] = rowsOfParts;
  const type = values.dataType(value);
  if (type === DATA_TYPE.array) nodes.push({ type: "array", items: rowsOfParts });
  else if (type === DATA_TYPE.index) nodes.push({ type: "index", base, offsets });
  else nodes.push(describeLeaf(values, value, payload));
  rowOf.set(value, rows.length);
  rows.push(value);
}
