import { renameSync } from "node:fs";
import { basename, join } from "node:path";
import { DATA_TYPE } from "../../core/model/symbols.ts";
import type { ValueId } from "../store/value-id.ts";
import type { ValueTable } from "../store/value-table.ts";
import { LEAF_TYPES } from "./encode-calls.ts";
import type { Redirect, RedirectRow } from "./runner-call.ts";

/** The runner sent something that is not what it is to send. */
export class RunnerProtocolError extends Error {
  override readonly name = "RunnerProtocolError";
}

export function demand(condition: boolean, what: string): asserts condition {
  if (!condition) throw new RunnerProtocolError(what);
}

type Fields = Readonly<Record<string, unknown>>;

export function fieldsOf(value: unknown, what: string): Fields {
  demand(typeof value === "object" && value !== null, what);
  return value as Fields;
}

export function listOf(value: unknown, what: string): readonly unknown[] {
  demand(Array.isArray(value), what);
  return value;
}

/** A whole number from 0 up. */
export function countOf(value: unknown, what: string): number {
  demand(typeof value === "number" && Number.isSafeInteger(value) && value >= 0, what);
  return value;
}

export function textOf(value: unknown, what: string): string {
  demand(typeof value === "string", what);
  return value;
}

/** The payload of a message, taken from its front. */
export type PayloadReader = { take(bytes: number): Uint8Array };

export function createPayloadReader(payload: Uint8Array): PayloadReader {
  let position = 0;
  return {
    take(bytes) {
      demand(position + bytes <= payload.length, "more bytes named than sent");
      position += bytes;
      return payload.subarray(position - bytes, position);
    },
  };
}

export type ResultContext = {
  readonly values: ValueTable;
  /** The values of the nodes that came with the call. */
  readonly inputRows: readonly ValueId[];
  readonly filePrefix: string;
  readonly payload: PayloadReader;
};

/** The value that the nodes describe, which the caller owns. Throws a RunnerProtocolError. */
export function buildResult(context: ResultContext, nodes: readonly unknown[]): ValueId {
  const { values } = context;
  demand(nodes.length > 0, "a result without nodes");
  const built: ValueId[] = [];
  try {
    for (const node of nodes) {
      const fields = fieldsOf(node, "a node");
      if (fields["type"] === "array") {
        const items = rowsBefore(fields["items"], built.length).map((row) => built[row] as ValueId);
        built.push(values.createArray(Uint32Array.from(items)));
      } else built.push(buildLeaf(context, fields));
    }
    const root = built.pop() as ValueId;
    for (const value of built) values.release(value);
    return root;
  } catch (error) {
    for (const value of built) values.release(value);
    throw error;
  }
}

/** As `buildResult`, for tasks that are to run in the call's place. */
export function buildRedirect(context: ResultContext, nodes: readonly unknown[]): Redirect {
  const rows: RedirectRow[] = [];
  try {
    for (const node of nodes) {
      const fields = fieldsOf(node, "a node");
      if (fields["type"] === "task") rows.push(taskRow(context, fields, rows.length));
      else if (fields["type"] === "array") {
        rows.push({ kind: "array", items: rowsBefore(fields["items"], rows.length) });
      } else rows.push({ kind: "value", value: buildLeaf(context, fields) });
    }
    demand(rows.at(-1)?.kind !== "value", "a redirect to a task");
    return { rows };
  } catch (error) {
    releaseRedirect(context.values, { rows });
    throw error;
  }
}

/** Passes over a result that nobody wants. */
export function skipResult({ values, payload }: ResultContext, nodes: unknown): void {
  if (nodes === undefined) return;
  for (const node of listOf(nodes, "nodes")) {
    const { type, file, bytes, config } = fieldsOf(node, "a node");
    if (type === "task") payload.take(countOf(config, "a config"));
    else if (typeof file === "string") values.files.unlinkIfThere(ownPath(values, file));
    else if (type !== "ref" && type !== "array") payload.take(countOf(bytes, "bytes"));
  }
}

const ownPath = (values: ValueTable, name: string): string =>
  join(values.files.directory, basename(name));

/** Gives back the values of a redirect. */
export function releaseRedirect(values: ValueTable, { rows }: Redirect): void {
  for (const row of rows) if (row.kind === "value") values.release(row.value);
}

function taskRow({ payload }: ResultContext, fields: Fields, row: number): RedirectRow {
  const request = fieldsOf(fields["request"], "a request");
  return {
    kind: "task",
    config: payload.take(countOf(fields["config"], "a config")).slice(),
    task: {
      taskType: textOf(fields["taskType"], "a task type"),
      inputs: rowsBefore(fields["inputs"], row),
      request: Object.fromEntries(
        Object.entries(request).map(([name, amount]) => [name, countOf(amount, "an amount")]),
      ),
      checkpointPath: textOf(fields["checkpointPath"], "a checkpoint path"),
    },
  };
}

function rowsBefore(items: unknown, end: number): number[] {
  return listOf(items, "a list of rows").map((item) => {
    const row = countOf(item, "a row");
    demand(row < end, "a row before its own");
    return row;
  });
}

function buildLeaf(context: ResultContext, fields: Fields): ValueId {
  const { type, file } = fields;
  if (type === "ref") return buildReference(context, fields);
  demand(typeof type === "string" && Object.hasOwn(LEAF_TYPES, type), "a known type of node");
  const dataType = LEAF_TYPES[type as keyof typeof LEAF_TYPES];
  const bytes = countOf(fields["bytes"], "bytes");
  if (file === undefined) return context.values.createBytes(context.payload.take(bytes), dataType);
  return adoptFile(context, textOf(file, "a file"), bytes, dataType);
}

/** Gives the file one of the store's own names, so that what keeps the runner's prefix is nobody's. */
function adoptFile(
  { values, filePrefix }: ResultContext,
  name: string,
  sizeBytes: number,
  dataType: number,
): ValueId {
  demand(name.startsWith(filePrefix) && !name.includes("/"), "a file of its own");
  const path = values.files.createLocalPath();
  try {
    renameSync(join(values.files.directory, name), path);
  } catch {
    throw new RunnerProtocolError(`a file that is not there: ${name}`);
  }
  return values.createFile(path, sizeBytes, { isOwned: true, dataType });
}

function buildReference({ values, inputRows }: ResultContext, fields: Fields): ValueId {
  const value = inputRows[countOf(fields["row"], "a row")];
  demand(value !== undefined && values.isLiving(value), "a row of the call");
  if (fields["offset"] === undefined) {
    values.retain(value);
    return value;
  }
  const offset = countOf(fields["offset"], "an offset");
  const bytes = countOf(fields["bytes"], "bytes");
  demand(values.isRaw(value) && offset + bytes <= values.sizeBytes(value), "a stretch of a leaf");
  return values.createRange(value, offset, bytes, DATA_TYPE.data);
}
