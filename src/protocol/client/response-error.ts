import type { ByteReader } from "../wire/byte-reader.ts";
import type { ByteWriter } from "../wire/byte-writer.ts";
import { putBytesField, putInt32Field, putStringField } from "../wire/protobuf-fields.ts";

/** What went wrong, as a client is told. The optional fields are ours; old clients skip them. */
export type ResponseError = {
  /** The client's number of the task; 0 or absent where it is about no task. */
  readonly id?: number | undefined;
  /** "ip:port" of the worker that ran the task; may be empty. */
  readonly worker?: string | undefined;
  readonly message: string;
  readonly exitCode?: number | undefined;
  /** Such as `SIGKILL`. */
  readonly signal?: string | undefined;
  /** Of the program, cut at 128 KiB; any bytes. */
  readonly stderr?: Uint8Array | undefined;
  readonly attempts?: number | undefined;
  readonly label?: string | undefined;
  /** The client's number of the task in another plan whose failure is the root of this one. */
  readonly causeId?: number | undefined;
  /** True in an ERROR that refuses the plan whose `idBase` is `id`. */
  readonly planRefused?: boolean | undefined;
  /** A `FailureKind`, of a failed task; newer servers may know others. */
  readonly kind?: string | undefined;
  /** True in a TASK_FAILED of a task alone: its plan goes on. */
  readonly planGoesOn?: boolean | undefined;
  /** What became of each attempt before the last, in words. */
  readonly story?: readonly string[] | undefined;
};

/** Appends the fields of an Error message. */
export function encodeResponseError(writer: ByteWriter, error: ResponseError): void {
  putInt32Field(writer, 0x08, error.id);
  putStringField(writer, 0x12, error.worker);
  putStringField(writer, 0x1a, error.message);
  putInt32Field(writer, 0x190, error.exitCode);
  putStringField(writer, 0x19a, error.signal);
  putBytesField(writer, 0x1a2, error.stderr);
  putInt32Field(writer, 0x1a8, error.attempts);
  putStringField(writer, 0x1b2, error.label);
  putInt32Field(writer, 0x1b8, error.causeId);
  if (error.planRefused) putInt32Field(writer, 0x1c0, 1);
  putStringField(writer, 0x1ca, error.kind);
  if (error.planGoesOn) putInt32Field(writer, 0x1d0, 1);
  for (const line of error.story ?? []) putStringField(writer, 0x1da, line);
}

/** Reads a nested Error message. */
export function decodeResponseError(reader: ByteReader): ResponseError {
  let id: number | undefined;
  let worker: string | undefined;
  let message = "";
  let exitCode: number | undefined;
  let signal: string | undefined;
  let stderr: Uint8Array | undefined;
  let attempts: number | undefined;
  let label: string | undefined;
  let causeId: number | undefined;
  let planRefused: boolean | undefined;
  let kind: string | undefined;
  let planGoesOn: boolean | undefined;
  let story: string[] | undefined;
  const outerEnd = reader.enter();
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x08) id = reader.int32();
    else if (tag === 0x12) worker = reader.text();
    else if (tag === 0x1a) message = reader.text();
    else if (tag === 0x190) exitCode = reader.int32();
    else if (tag === 0x19a) signal = reader.text();
    else if (tag === 0x1a2) stderr = reader.lengthPrefixed();
    else if (tag === 0x1a8) attempts = reader.int32();
    else if (tag === 0x1b2) label = reader.text();
    else if (tag === 0x1b8) causeId = reader.int32();
    else if (tag === 0x1c0) planRefused = reader.bool();
    else if (tag === 0x1ca) kind = reader.text();
    else if (tag === 0x1d0) planGoesOn = reader.bool();
    else if (tag === 0x1da) {
      story ??= [];
      story.push(reader.text());
    } else reader.skip(tag);
  }
  reader.leave(outerEnd);
  return {
    id,
    worker,
    message,
    exitCode,
    signal,
    stderr,
    attempts,
    label,
    causeId,
    planRefused,
    kind,
    planGoesOn,
    story,
  };
}
