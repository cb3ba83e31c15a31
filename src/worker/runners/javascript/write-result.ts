import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { serialize } from "node:v8";
import { scanValue } from "../../../core/base/scan-value.ts";
import {
  type ArrowLibrary,
  type ArrowTableLike,
  isArrowTable,
} from "../../../core/model/arrow-table.ts";
import { HELD, isPythonObject } from "../../../core/model/python-object.ts";
import { BUILTIN_SYMBOLS, TASK_TYPE } from "../../../core/model/symbols.ts";
import { type LeafNode, RESULT_FILE_BYTES_MIN, type ResultNode } from "../messages.ts";
import { requireArrow } from "./module-arrow.ts";
import { configOf, isItems, isTask, type ReturnedTask } from "./returned.ts";

/** Where large results are written. */
export type ResultPlace = { readonly directory: string; createName(): string };

/** What a call ended in, as a message has it, and the bytes that belong to it. */
export type Written = {
  readonly nodes: readonly ResultNode[];
  readonly payload: readonly Uint8Array[];
  /** The nodes are tasks to be run in the call's place. */
  readonly isRedirect: boolean;
};

/** Mode of the files of data: nothing changes them any more. */
const DATA_FILE_MODE = 0o444;

type Target = {
  readonly nodes: ResultNode[];
  readonly payload: Uint8Array[];
  readonly place: ResultPlace;
  readonly arrow: ArrowLibrary | undefined;
};

/**
 * Writes what a function returned, tables by the Arrow of its module. Throws a TypeError that says
 * what cannot be returned.
 */
export function writeResult(returned: unknown, place: ResultPlace, arrow?: ArrowLibrary): Written {
  const target: Target = { nodes: [], payload: [], place, arrow };
  if (Array.isArray(returned) || isWork(returned)) addAll(target, returned);
  else addLeaf(target, returned);
  const { nodes, payload } = target;
  return { nodes, payload, isRedirect: nodes.some(({ type }) => type === "task") };
}

/** What is written next: a value, or, when all that it is made of is written, a list or a task. */
type Step =
  | { readonly kind: "add"; readonly value: unknown; readonly isRaw: boolean }
  | { readonly kind: "list"; readonly count: number }
  | { readonly kind: "task"; readonly task: ReturnedTask };

/** Adds a value after all that it is made of, without recursion. */
function addAll(target: Target, root: unknown): void {
  /** Rows of what is written and not yet part of something. */
  const rows: number[] = [];
  const rowsOfTasks = new Map<ReturnedTask, number>();
  const steps: Step[] = [{ kind: "add", value: root, isRaw: false }];
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    if (step.kind === "list") {
      const items = rows.splice(rows.length - step.count);
      rows.push(push(target, { type: "array", items }));
      continue;
    }
    if (step.kind === "task") {
      const { task } = step;
      const inputs = rows.splice(rows.length - task.inputs.length);
      const config = configOf(task);
      const row = push(target, taskNode(task, config.length, inputs));
      target.payload.push(config);
      rowsOfTasks.set(task, row);
      rows.push(row);
      continue;
    }
    const { value } = step;
    const addParts = (parts: readonly unknown[], isRaw: boolean): void => {
      for (let i = parts.length - 1; i >= 0; i--)
        steps.push({ kind: "add", value: parts[i], isRaw });
    };
    if (isWork(value)) {
      const known = rowsOfTasks.get(value);
      if (known !== undefined) rows.push(known);
      else {
        steps.push({ kind: "task", task: value });
        addParts(value.inputs, false);
      }
    } else if (Array.isArray(value) && (step.isRaw || isArray(value))) {
      steps.push({ kind: "list", count: value.length });
      // What is in a list of bytes is not looked through again.
      addParts(value, step.isRaw || isRawList(value));
    } else rows.push(addLeaf(target, value));
  }
}

/** Whether a list becomes an array of the cluster, and not one value. */
const isArray = (list: readonly unknown[]): boolean =>
  isItems(list) || isRawList(list) || list.some(isWork);

function push({ nodes }: Target, node: ResultNode): number {
  nodes.push(node);
  return nodes.length - 1;
}

/** A task that is to be run: a constant is nothing but its bytes. */
function isWork(value: unknown): value is ReturnedTask {
  if (!isTask(value)) return false;
  return value.taskType !== TASK_TYPE.const || value.details.checkpoint !== undefined;
}

function taskNode(
  { taskType, details }: ReturnedTask,
  configBytes: number,
  inputs: number[],
): ResultNode {
  return {
    type: "task",
    taskType: typeof taskType === "string" ? taskType : (BUILTIN_SYMBOLS[taskType] as string),
    config: configBytes,
    inputs,
    request: Object.fromEntries(details.resources?.amounts ?? []),
    checkpointPath: details.checkpoint ?? "",
  };
}

/** Whether a list holds bytes, handles, tables and such lists alone. */
function isRawList(list: readonly unknown[]): boolean {
  const open = [list];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const item of next) {
      if (Array.isArray(item)) open.push(item);
      else if (!isRawItem(item)) return false;
    }
  }
  return true;
}

const isRawItem = (item: unknown): boolean =>
  item instanceof Uint8Array || isPythonObject(item) || isArrowTable(item);

function addLeaf(target: Target, value: unknown): number {
  if (isPythonObject(value)) {
    const { row } = value[HELD] as { readonly row: number };
    return push(target, { type: "ref", row });
  }
  if (isTask(value)) return addBytes(target, "data", configOf(value));
  if (typeof value === "string") return addBytes(target, "data", Buffer.from(value));
  if (value instanceof Uint8Array) return addBytes(target, "data", value);
  if (isArrowTable(value)) {
    const arrow = requireArrow(target.arrow, "What the function returned");
    return addBytes(target, "arrow", arrow.tableToIPC(withoutEmptyBatches(value), "stream"));
  }
  switch (scanValue(value, isWhole)) {
    case "json":
      return addBytes(target, "json", Buffer.from(JSON.stringify(value)));
    case "other":
      return addBytes(target, "jsobj", serializeValue(value));
    case "special":
      throw new TypeError(
        "a Python object, an Arrow table or a task cannot be a part of a value: return it alone, or in a list of nothing else",
      );
  }
}

/**
 * The writer of apache-arrow leaves the dictionaries of a batch without rows out, and readers of
 * other languages then refuse the batch.
 */
function withoutEmptyBatches(table: ArrowTableLike): ArrowTableLike {
  return table.numRows > 0 ? table : Object.create(table, { batches: { value: [] } });
}

/** What is a data object by itself and no part of one. */
const isWhole = (part: object): boolean =>
  isPythonObject(part) || isTask(part) || isArrowTable(part);

function serializeValue(value: unknown): Buffer {
  try {
    return serialize(value);
  } catch (error) {
    throw new TypeError(
      `what the function returned is no data that can be sent: ${(error as Error).message}`,
    );
  }
}

function addBytes(target: Target, type: LeafNode["type"], bytes: Uint8Array): number {
  if (bytes.length < RESULT_FILE_BYTES_MIN) {
    target.payload.push(bytes);
    return push(target, { type, bytes: bytes.length });
  }
  const file = target.place.createName();
  const descriptor = openSync(join(target.place.directory, file), "wx", DATA_FILE_MODE);
  try {
    let written = 0;
    while (written < bytes.length) written += writeSync(descriptor, bytes, written);
  } finally {
    closeSync(descriptor);
  }
  return push(target, { type, bytes: bytes.length, file });
}
