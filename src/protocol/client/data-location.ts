import { ProtocolError } from "../protocol-error.ts";
import type { ByteReader } from "../wire/byte-reader.ts";
import type { ByteWriter } from "../wire/byte-writer.ts";
import {
  beginMessage,
  endMessage,
  putBytesField,
  putInt64Field,
  putStringField,
} from "../wire/protobuf-fields.ts";

/** Where a client pulls a result from, by the pull protocol. */
export type DataLocation = {
  readonly host: string;
  readonly port: number;
  /** The object's names between server and workers. */
  readonly task: number;
  readonly attempt: number;
  /** Good for this object, at this worker, once. */
  readonly ticket: Uint8Array;
};

/** Field 73 of a response. */
export const DATA_LOCATION_TAG = 0x24a;

export function encodeDataLocation(writer: ByteWriter, location: DataLocation): void {
  const message = beginMessage(writer, DATA_LOCATION_TAG);
  putStringField(writer, 0x0a, location.host);
  putInt64Field(writer, 0x10, location.port);
  putInt64Field(writer, 0x18, location.task);
  putInt64Field(writer, 0x20, location.attempt);
  putBytesField(writer, 0x2a, location.ticket);
  endMessage(writer, message);
}

export function decodeDataLocation(reader: ByteReader): DataLocation {
  let host = "";
  let port = 0;
  let task = -1;
  let attempt = -1;
  let ticket: Uint8Array = new Uint8Array(0);
  const outerEnd = reader.enter();
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x0a) host = reader.string();
    else if (tag === 0x10) port = reader.int64();
    else if (tag === 0x18) task = reader.int64();
    else if (tag === 0x20) attempt = reader.int64();
    else if (tag === 0x2a) ticket = Uint8Array.from(reader.lengthPrefixed());
    else reader.skip(tag);
  }
  reader.leave(outerEnd);
  const isSound = host !== "" && port > 0 && port <= 65_535 && isUint32(task) && isUint32(attempt);
  if (!isSound) throw new ProtocolError("a DATA_AT does not say where the data is");
  return { host, port, task, attempt, ticket };
}

const isUint32 = (value: number): boolean => value >= 0 && value <= 0xffff_ffff;
