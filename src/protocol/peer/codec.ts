import { encodeUtf8 } from "../../core/base/utf8.ts";
import { MAX_PULL_ANSWER_BODY_BYTES, MAX_PULL_BODY_BYTES } from "../limits.ts";
import { ProtocolError } from "../protocol-error.ts";
import { requireSizes } from "../worker/batch-codec.ts";
import {
  type Column,
  ColumnReader,
  encodeFrame,
  requireEqualLengths,
} from "../worker/columns-codec.ts";
import { readName, scalarColumn } from "../worker/text-columns.ts";
import {
  FORMAT_CLIENT_FRAMES,
  FORMAT_TREE,
  type FromHolder,
  type FromPuller,
  type PullRequests,
} from "./messages.ts";
import { payloadSizeBytes, readTree, treeColumns } from "./value-tree.ts";

const HELLO = 65;
const PULL = 66;
const CANCEL = 67;
const OBJECT = 81;
const OBJECT_FRAMES = 82;
const MISSING = 83;
const FAILED = 84;
const REFUSED = 85;

/** One whole frame. Throws a ProtocolError if it is too large to send: pull in smaller batches. */
export function encodeFromPuller(message: FromPuller): Uint8Array<ArrayBuffer> {
  switch (message.kind) {
    case "hello":
      return toHolder(HELLO, [scalarColumn(message.version), encodeUtf8(message.serverId)]);
    case "pull": {
      const { requestIds, tasks, attempts, formats, fromBytes } = message.requests;
      return toHolder(PULL, [requestIds, tasks, attempts, formats, fromBytes]);
    }
    case "cancel":
      return toHolder(CANCEL, [scalarColumn(message.requestId)]);
  }
}

/** One frame, as the frame reader gives it. Throws only ProtocolError; copies what it keeps. */
export function decodeFromPuller(kind: number, body: Uint8Array): FromPuller {
  const reader = new ColumnReader(body);
  const message = readFromPuller(kind, reader);
  reader.end();
  return message;
}

/** One whole frame, without the raw bytes that follow. Throws a ProtocolError if it is too large to send. */
export function encodeFromHolder(message: FromHolder): Uint8Array<ArrayBuffer> {
  switch (message.kind) {
    case "object":
      return toPuller(OBJECT, [
        scalarColumn(message.requestId),
        Float64Array.of(message.payloadBytes),
        ...treeColumns(message.tree),
      ]);
    case "object-frames":
      return toPuller(OBJECT_FRAMES, [
        Uint32Array.of(message.requestId, message.typeId),
        Float64Array.of(message.payloadBytes, message.messageCount),
      ]);
    case "missing":
      return toPuller(MISSING, [scalarColumn(message.requestId)]);
    case "failed":
      return toPuller(FAILED, [scalarColumn(message.requestId), encodeUtf8(message.reason)]);
    case "refused":
      return toPuller(REFUSED, [encodeUtf8(message.reason)]);
  }
}

/** One frame, as the frame reader gives it. Throws only ProtocolError; copies what it keeps. */
export function decodeFromHolder(kind: number, body: Uint8Array): FromHolder {
  const reader = new ColumnReader(body);
  const message = readFromHolder(kind, reader);
  reader.end();
  return message;
}

const toHolder = (kind: number, columns: readonly Column[]): Uint8Array<ArrayBuffer> =>
  encodeFrame(kind, columns, MAX_PULL_BODY_BYTES);

const toPuller = (kind: number, columns: readonly Column[]): Uint8Array<ArrayBuffer> =>
  encodeFrame(kind, columns, MAX_PULL_ANSWER_BODY_BYTES);

function readFromPuller(kind: number, reader: ColumnReader): FromPuller {
  switch (kind) {
    case HELLO:
      return { kind: "hello", version: reader.scalar(), serverId: readName(reader) };
    case PULL:
      return { kind: "pull", requests: readRequests(reader) };
    case CANCEL:
      return { kind: "cancel", requestId: reader.scalar() };
    default:
      throw new ProtocolError(`message ${kind} to a data port is not known`);
  }
}

function readRequests(reader: ColumnReader): PullRequests {
  const requests = {
    requestIds: reader.u32(),
    tasks: reader.u32(),
    attempts: reader.u32(),
    formats: reader.u8(),
    fromBytes: reader.f64(),
  };
  const { requestIds, tasks, attempts, formats, fromBytes } = requests;
  requireEqualLengths(requestIds, tasks, attempts, formats, fromBytes);
  requireSizes(fromBytes);
  formats.forEach((format, index) => {
    if (format !== FORMAT_TREE && format !== FORMAT_CLIENT_FRAMES) {
      throw new ProtocolError(`format ${format} of an object is not known`);
    }
    if (format === FORMAT_TREE && fromBytes[index] !== 0) {
      throw new ProtocolError("a value tree is pulled whole");
    }
  });
  return requests;
}

function readFromHolder(kind: number, reader: ColumnReader): FromHolder {
  switch (kind) {
    case OBJECT: {
      const requestId = reader.scalar();
      const [payloadBytes = 0] = readSizes(reader, 1);
      const tree = readTree(reader);
      if (payloadBytes !== payloadSizeBytes(tree)) {
        throw new ProtocolError("the payload is not as large as the tree's leaves");
      }
      return { kind: "object", requestId, payloadBytes, tree };
    }
    case OBJECT_FRAMES: {
      const ids = reader.u32();
      const [requestId = 0, typeId = 0] = ids;
      if (ids.length !== 2) throw new ProtocolError("expected a request and a data type");
      const [payloadBytes = 0, messageCount = 0] = readSizes(reader, 2);
      return { kind: "object-frames", requestId, payloadBytes, typeId, messageCount };
    }
    case MISSING:
      return { kind: "missing", requestId: reader.scalar() };
    case FAILED:
      return { kind: "failed", requestId: reader.scalar(), reason: reader.text() };
    case REFUSED:
      return { kind: "refused", reason: reader.text() };
    default:
      throw new ProtocolError(`message ${kind} from a data port is not known`);
  }
}

function readSizes(reader: ColumnReader, count: number): Float64Array {
  const sizes = reader.f64();
  if (sizes.length !== count) throw new ProtocolError(`expected ${count} sizes`);
  requireSizes(sizes);
  return sizes;
}
