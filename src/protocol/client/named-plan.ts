import { MAX_NAME_BYTES } from "../limits.ts";
import { ProtocolError, unexpected } from "../protocol-error.ts";
import type { ByteReader } from "../wire/byte-reader.ts";
import type { ByteWriter } from "../wire/byte-writer.ts";
import {
  beginMessage,
  endMessage,
  putBytesField,
  putStringField,
} from "../wire/protobuf-fields.ts";
import { packFixed32, unpackSigned32 } from "./packed-columns.ts";

/** What goes along with a plan that is to live without its client. */
export type NamedPlan = {
  readonly name: string;
  /** Made at random by the client: the same plan that is sent again is no second one. */
  readonly nonce: Uint8Array;
  /** Rows of the tasks that were submitted, in their order, duplicates kept. */
  readonly roots: Int32Array;
  /** Labels of those tasks, empty where one has none; no labels at all where they would be too long. */
  readonly labels: readonly string[];
};

/** Appends the nested message. */
export function encodeNamedPlan(writer: ByteWriter, tag: number, plan: NamedPlan): void {
  const message = beginMessage(writer, tag);
  putStringField(writer, 0x0a, plan.name);
  putBytesField(writer, 0x12, plan.nonce);
  putBytesField(writer, 0x1a, packFixed32(plan.roots));
  for (const label of plan.labels) putStringField(writer, 0x22, label);
  endMessage(writer, message);
}

/** Decodes the nested message that comes next. Throws a ProtocolError. */
export function decodeNamedPlan(reader: ByteReader): NamedPlan {
  let name = "";
  let nonce = new Uint8Array(0);
  let roots = new Int32Array(0);
  const labels: string[] = [];
  const outerEnd = reader.enter();
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x0a) name = reader.string();
    else if (tag === 0x12) nonce = reader.lengthPrefixed().slice();
    else if (tag === 0x1a) roots = unpackSigned32(reader.lengthPrefixed());
    else if (tag === 0x22) labels.push(reader.string());
    else reader.skip(tag);
  }
  reader.leave(outerEnd);
  checkPlanName(name);
  if (labels.length > 0 && labels.length !== roots.length) {
    throw new ProtocolError("a named plan has labels for some of its results only");
  }
  return { name, nonce, roots, labels };
}

/** Throws a ProtocolError for what is no name of a plan. */
export function checkPlanName(name: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: names are printed, one a line.
  if (name.length > 0 && name.length <= MAX_NAME_BYTES && !/[\0-\x1f\x7f]/.test(name)) return;
  throw unexpected(
    `a name of 1 to ${MAX_NAME_BYTES} characters, none of them a control character`,
    JSON.stringify(name.slice(0, 80)),
  );
}
