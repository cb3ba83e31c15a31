import { encodeUtf8 } from "../../core/base/utf8.ts";
import { MAX_WORKER_TEXT_BYTES } from "../limits.ts";
import { ProtocolError } from "../protocol-error.ts";
import { decodeUtf8 } from "../wire/utf8.ts";
import { type Column, type ColumnReader, requireRanges } from "./columns-codec.ts";

/** A list of names as two columns: where each starts, and the bytes of all of them. */
export function nameColumns(names: readonly string[]): readonly [Uint32Array, Uint8Array] {
  const starts = new Uint32Array(names.length + 1);
  const encoded = names.map(encodeUtf8);
  encoded.forEach((bytes, index) => {
    starts[index + 1] = (starts[index] ?? 0) + bytes.length;
  });
  const all = new Uint8Array(starts[names.length] ?? 0);
  encoded.forEach((bytes, index) => {
    all.set(bytes, starts[index] ?? 0);
  });
  return [starts, all];
}

/** Names are printed in one line, so each is non-empty, UTF-8, and at most `MAX_WORKER_TEXT_BYTES` long. */
export function readNames(reader: ColumnReader): string[] {
  const starts = reader.u32();
  const bytes = reader.u8();
  requireRanges(starts, Math.max(starts.length - 1, 0), bytes.length);
  const names: string[] = [];
  for (let index = 1; index < starts.length; index++) {
    names.push(nameOf(bytes.subarray(starts[index - 1], starts[index])));
  }
  return names;
}

export function readName(reader: ColumnReader): string {
  return nameOf(reader.u8());
}

function nameOf(bytes: Uint8Array): string {
  if (bytes.length === 0 || bytes.length > MAX_WORKER_TEXT_BYTES) {
    throw new ProtocolError(
      `expected a name of 1 to ${MAX_WORKER_TEXT_BYTES} bytes, got ${bytes.length}`,
    );
  }
  return decodeUtf8(bytes);
}

/** One number as a column. */
export function scalarColumn(value: number): Column {
  return Uint32Array.of(value);
}
