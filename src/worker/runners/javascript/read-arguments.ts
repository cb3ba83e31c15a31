import { deserialize } from "node:v8";
import type { ArrowLibrary } from "../../../core/model/arrow-table.ts";
import { requireArrow } from "./module-arrow.ts";
import type { Values } from "./read-values.ts";

/** How the bytes of an input are read. */
type ReadAs = "bytes" | "text" | "lines" | "json" | "v8" | "table";

/** How an argument is made; the client writes these. */
export type ArgumentNode =
  /** Input number `input`, as it is or read as something else. */
  | { readonly input: number; readonly as?: ReadAs }
  | { readonly json: unknown }
  /** Base64 of V8's serialization. */
  | { readonly v8: string }
  | { readonly list: readonly ArgumentNode[] }
  | { readonly object: Readonly<Record<string, ArgumentNode>> };

/** What the config of a call says. */
export type CallConfig = {
  readonly export: string;
  readonly label?: string;
  readonly args: readonly ArgumentNode[];
  /** How many inputs the arguments are of. */
  readonly inputs?: number;
};

/**
 * Makes the arguments; tables are read by `arrow`. `rows` are those of the call's inputs. The client
 * bounds how deep lists are nested.
 */
export function readArguments(
  { args, inputs }: CallConfig,
  rows: readonly number[],
  values: Values,
  arrow?: ArrowLibrary,
): unknown[] {
  if (inputs !== undefined && inputs !== rows.length) {
    throw new TypeError(
      `the function was given ${rows.length} inputs in place of ${inputs}; what stands for many ` +
        "tasks, by tasks.dget or tasks.dslice, must be put into tasks.array first",
    );
  }
  const read = (node: ArgumentNode): unknown => {
    if ("json" in node) return node.json;
    if ("input" in node) return readInput(node, rows, values, arrow);
    if ("list" in node) return node.list.map(read);
    if ("v8" in node) return deserialize(Buffer.from(node.v8, "base64"));
    return Object.fromEntries(Object.entries(node.object).map(([key, item]) => [key, read(item)]));
  };
  return args.map(read);
}

function readInput(
  { input, as }: Extract<ArgumentNode, { input: number }>,
  rows: readonly number[],
  values: Values,
  arrow: ArrowLibrary | undefined,
): unknown {
  const row = rows[input];
  if (row === undefined) throw new RangeError(`the call has no input ${input}`);
  if (as === undefined) return values.valueOf(row, arrow);
  const bytes = values.bytesOf(row);
  if (bytes !== undefined) return readAs(bytes, as, arrow);
  if (values.isAbsent(row)) return undefined;
  throw new TypeError(`input ${input} is to be read as ${as}, and is no raw data`);
}

function readAs(bytes: Buffer, as: ReadAs, arrow: ArrowLibrary | undefined): unknown {
  switch (as) {
    case "bytes":
      return bytes;
    case "table":
      return requireArrow(arrow, "An input").tableFromIPC(bytes);
    case "text":
      return bytes.toString();
    case "json":
      return JSON.parse(bytes.toString());
    case "v8":
      return deserialize(bytes);
    case "lines": {
      const lines = bytes.toString().split(/\r?\n/);
      // What ends the last line begins no other.
      if (lines.at(-1) === "") lines.pop();
      return lines;
    }
  }
}
