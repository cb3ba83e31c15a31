import type { TaskLogPart } from "../../core/model/task-log.ts";
import type { ByteWriter } from "../wire/byte-writer.ts";
import { putBytesField, putInt32Field, putInt64Field } from "../wire/protobuf-fields.ts";

/** Fields of READ_LOG and LOG_PART. */
export const LOG_TAG = {
  request: 0x328,
  stream: 0x330,
  bytes: 0x332,
  position: 0x338,
  /** Of the request: it is to follow; of the answer: 1 at the end, 2 where there is no log. */
  flag: 0x340,
  skippedBytes: 0x348,
} as const;

/** The answer to a READ_LOG; no part: there is no such log. */
export type LogAnswer = { readonly request: number; readonly part: TaskLogPart | undefined };

export function encodeLogAnswer(writer: ByteWriter, { request, part }: LogAnswer): void {
  putInt32Field(writer, LOG_TAG.request, request);
  putInt32Field(writer, LOG_TAG.flag, part === undefined ? 2 : part.isEnd ? 1 : 0);
  if (part === undefined) return;
  putBytesField(writer, LOG_TAG.bytes, part.bytes);
  putInt64Field(writer, LOG_TAG.position, part.next);
  putInt64Field(writer, LOG_TAG.skippedBytes, part.skippedBytes);
}
