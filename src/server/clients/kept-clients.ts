import type { NamedPlan } from "../../protocol/client/named-plan.ts";
import { decodeNamedPlan, encodeNamedPlan } from "../../protocol/client/named-plan.ts";
import { ByteReader } from "../../protocol/wire/byte-reader.ts";
import { ByteWriter } from "../../protocol/wire/byte-writer.ts";
import {
  beginMessage,
  endMessage,
  putBytesField,
  putInt32Field,
  putInt64Field,
  putStringField,
} from "../../protocol/wire/protobuf-fields.ts";

/** A plan that lives without a client, as it was submitted. */
export type NamedPlanOrigin = NamedPlan & {
  /** First id of its tasks. */
  readonly idBase: number;
  readonly taskCount: number;
  /** Milliseconds since 1970. */
  readonly submittedAtMs: number;
  readonly clientName: string | undefined;
};

/** What the journal keeps of a client for us: with what it may come back, or which plan it stands for. */
export type KeptClient =
  | { readonly kind: "session"; readonly secret: Uint8Array }
  | { readonly kind: "named"; readonly plan: NamedPlanOrigin };

const NAMED_TAG = 0x12;

/** The bytes that the journal keeps. */
export function encodeKeptClient(kept: KeptClient): Uint8Array {
  const writer = new ByteWriter();
  if (kept.kind === "session") putBytesField(writer, 0x0a, kept.secret);
  else {
    const { idBase, taskCount, submittedAtMs, clientName } = kept.plan;
    encodeNamedPlan(writer, NAMED_TAG, kept.plan);
    const origin = beginMessage(writer, 0x1a);
    putInt32Field(writer, 0x08, idBase);
    putInt32Field(writer, 0x10, taskCount);
    putInt64Field(writer, 0x18, submittedAtMs);
    putStringField(writer, 0x22, clientName);
    endMessage(writer, origin);
  }
  return writer.take();
}

/** Throws a ProtocolError for what this version did not write. */
export function decodeKeptClient(bytes: Uint8Array): KeptClient {
  let secret: Uint8Array = new Uint8Array(0);
  let named: NamedPlan | undefined;
  let idBase = 0;
  let taskCount = 0;
  let submittedAtMs = 0;
  let clientName: string | undefined;
  const reader = new ByteReader(bytes);
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x0a) secret = reader.lengthPrefixed().slice();
    else if (tag === NAMED_TAG) named = decodeNamedPlan(reader);
    else if (tag === 0x1a) {
      const outerEnd = reader.enter();
      while (reader.position < reader.end) {
        const inner = reader.tag();
        if (inner === 0x08) idBase = reader.int32();
        else if (inner === 0x10) taskCount = reader.int32();
        else if (inner === 0x18) submittedAtMs = reader.int64();
        else if (inner === 0x22) clientName = reader.string();
        else reader.skip(inner);
      }
      reader.leave(outerEnd);
    } else reader.skip(tag);
  }
  if (named === undefined) return { kind: "session", secret };
  return { kind: "named", plan: { ...named, idBase, taskCount, submittedAtMs, clientName } };
}
