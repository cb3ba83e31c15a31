/** What our pickles are made of: texts, tuples of them, and calls of functions that Python imports. */
export type Picklable =
  | string
  | true
  | readonly Picklable[]
  | { readonly module: string; readonly name: string; readonly args: readonly Picklable[] };

const PROTOCOL_2 = Uint8Array.of(0x80, 2);
const MARK = Buffer.from("(");
const TUPLE = Buffer.from("t");
const TRUE = Uint8Array.of(0x88);
const REDUCE = Buffer.from("R");
const STOP = Buffer.from(".");

/** A pickle of Python, of protocol 2, which every version reads. */
export function encodePickle(value: Picklable): Buffer {
  const parts: Uint8Array[] = [PROTOCOL_2];
  addValue(parts, value);
  parts.push(STOP);
  return Buffer.concat(parts);
}

/** Recurses over what this package writes down: a few levels. */
function addValue(parts: Uint8Array[], value: Picklable): void {
  if (value === true) parts.push(TRUE);
  else if (typeof value === "string") {
    const bytes = Buffer.from(value);
    const head = Buffer.from("X\0\0\0\0");
    head.writeUInt32LE(bytes.length, 1);
    parts.push(head, bytes);
  } else if ("module" in value) {
    parts.push(Buffer.from(`c${value.module}\n${value.name}\n`));
    addValue(parts, value.args);
    parts.push(REDUCE);
  } else {
    parts.push(MARK);
    for (const item of value) addValue(parts, item);
    parts.push(TUPLE);
  }
}
