import { constants } from "node:buffer";
import { closeSync, openSync, readSync } from "node:fs";
import { deserialize } from "node:v8";
import type { ArrowLibrary } from "../../../core/model/arrow-table.ts";
import { createPythonObject } from "../../../core/model/python-object.ts";
import type { InputNode, LeafNode } from "../messages.ts";
import { requireArrow } from "./module-arrow.ts";

/** The most that Linux reads at once. */
const READ_BYTES_MAX = 0x7fff_f000;

/** The values that came with one message. */
export type Values = {
  /** The value of a row, new for each call that asks; tables are read by `arrow`. */
  valueOf(row: number, arrow?: ArrowLibrary): unknown;
  /** The bytes of a row that is raw data, or an Arrow table; undefined for anything else. */
  bytesOf(row: number): Buffer | undefined;
  /** Whether it stands for what could not be made. */
  isAbsent(row: number): boolean;
};

/**
 * @param nodes the table of the message
 * @param leafBytes bytes of the nodes that came along, by row; views of memory that is theirs
 * @param inputs rows that the calls of the message have as inputs, a list for each
 */
export function createValues(
  nodes: readonly InputNode[],
  leafBytes: readonly (Buffer | undefined)[],
  inputs: readonly (readonly number[])[],
): Values {
  const uses = countUses(nodes, inputs);

  const bytesOf = (row: number, leaf: LeafNode): Buffer => {
    const bytes = leafBytes[row];
    if (bytes === undefined) return readFile(leaf);
    // Several calls may have the same input, and each may write to its own.
    return (uses[row] as number) > 1 ? Buffer.from(bytes) : bytes;
  };

  const leafOf = (row: number, leaf: LeafNode, arrow: ArrowLibrary | undefined): unknown => {
    switch (leaf.type) {
      case "data":
        return bytesOf(row, leaf);
      case "absent":
        return undefined;
      case "json":
        return JSON.parse(bytesOf(row, leaf).toString());
      case "jsobj":
        return deserialize(bytesOf(row, leaf));
      case "pyobj":
        return createPythonObject({ row }, leaf.bytes);
      case "arrow":
        return requireArrow(arrow, "An input").tableFromIPC(bytesOf(row, leaf));
    }
  };

  const indexOf = (base: number, offsets: number): Buffer[] => {
    const bytes = bytesOf(base, nodes[base] as LeafNode);
    const ends = bytesOf(offsets, nodes[offsets] as LeafNode);
    const items: Buffer[] = [];
    for (let at = 8; at < ends.length; at += 8) {
      items.push(bytes.subarray(offsetAt(ends, at - 8), offsetAt(ends, at)));
    }
    return items;
  };

  return {
    valueOf(root, arrow) {
      /** Arrays, each before what it holds: they may be nested a million deep. */
      const open: { readonly row: number; readonly target: unknown[]; readonly at: number }[] = [];
      const result: unknown[] = [];
      open.push({ row: root, target: result, at: 0 });
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        const { row, target, at } = next;
        const node = nodes[row] as InputNode;
        if (node.type === "array") {
          const items = new Array<unknown>(node.items.length);
          target[at] = items;
          for (const [i, item] of node.items.entries())
            open.push({ row: item, target: items, at: i });
        } else if (node.type === "index") target[at] = indexOf(node.base, node.offsets);
        else target[at] = leafOf(row, node, arrow);
      }
      return result[0];
    },
    isAbsent: (row) => nodes[row]?.type === "absent",
    bytesOf(row) {
      const node = nodes[row] as InputNode;
      return node.type === "data" || node.type === "arrow" ? bytesOf(row, node) : undefined;
    },
  };
}

/** How often each row is a part of an input. What holds others comes after them. */
function countUses(
  nodes: readonly InputNode[],
  inputs: readonly (readonly number[])[],
): readonly number[] {
  const uses = new Array<number>(nodes.length).fill(0);
  if (nodes.length === 0) return uses;
  const add = (row: number, count: number): void => {
    uses[row] = (uses[row] as number) + count;
  };
  for (const rows of inputs) for (const row of rows) add(row, 1);
  for (let row = nodes.length - 1; row >= 0; row--) {
    const node = nodes[row] as InputNode;
    const count = uses[row] as number;
    if (node.type === "array") for (const item of node.items) add(item, count);
    else if (node.type === "index") add(node.base, count);
  }
  return uses;
}

function offsetAt(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
}

/** The bytes of the only leaf of a message. */
export function readLeaf(leaf: LeafNode, payload: Buffer): Buffer {
  return leaf.file === undefined ? payload.subarray(0, leaf.bytes) : readFile(leaf);
}

/** Node cannot map a file, so its bytes are read: the only copy that is made of them. */
function readFile({ file, offset = 0, bytes }: LeafNode): Buffer {
  if (bytes > constants.MAX_LENGTH) {
    throw new RangeError(
      `an input has ${bytes} bytes, and a Buffer of this Node holds at most ${constants.MAX_LENGTH}`,
    );
  }
  const all = Buffer.allocUnsafeSlow(bytes);
  const descriptor = openSync(file ?? "", "r");
  try {
    let filled = 0;
    while (filled < bytes) {
      const wanted = Math.min(bytes - filled, READ_BYTES_MAX);
      const count = readSync(descriptor, all, filled, wanted, offset + filled);
      if (count === 0) throw new Error(`${file} is shorter than the input that lies in it`);
      filled += count;
    }
  } finally {
    closeSync(descriptor);
  }
  return all;
}

/** The part of a message's payload that each of its nodes has. Returns where the rest begins. */
export function cutLeaves(
  nodes: readonly InputNode[],
  payload: Buffer,
): { readonly leafBytes: readonly (Buffer | undefined)[]; readonly end: number } {
  let end = 0;
  const leafBytes = nodes.map((node) => {
    if (!("bytes" in node) || node.file !== undefined) return undefined;
    end += node.bytes;
    return payload.subarray(end - node.bytes, end);
  });
  return { leafBytes, end };
}
