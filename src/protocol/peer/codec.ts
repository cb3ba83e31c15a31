import { encodeUtf8 } from "../../core/base/utf8.ts";
import { isLeafType } from "../../core/model/symbols.ts";
import { MAX_PULL_ANSWER_BODY_BYTES, MAX_PULL_BODY_BYTES } from "../limits.ts";
import { ProtocolError } from "../protocol-error.ts";
import { requireSizes } from "../worker/batch-codec.ts";
import {
  type Column,
  ColumnReader,
  encodeFrame,
  requireEqualLengths,
} from "../worker/columns-codec.ts";
import { nameColumns, readName, readNames, scalarColumn } from "../worker/text-columns.ts";
import {
  FILE_NAME,
  FORMAT_CLIENT_FRAMES,
  FORMAT_TREE_OR_FILES,
  type FromHolder,
  type FromPuller,
  type HandedFile,
  PEER_PROTOCOL_VERSION,
  type PullRequests,
} from "./messages.ts";
import { payloadSizeBytes, readTree, treeColumns, type ValueTree } from "./value-tree.ts";

const HELLO = 65;
const PULL = 66;
const CANCEL = 67;
const TICKET = 68;
const PROOF = 69;
const TAKEN = 70;
const OBJECT = 81;
const OBJECT_FRAMES = 82;
const MISSING = 83;
const FAILED = 84;
const REFUSED = 85;
const WELCOME = 86;
const REDIRECTED = 87;
const OBJECT_WITH_FILES = 88;

/** One whole frame. Throws a ProtocolError if it is too large to send: pull in smaller batches. */
export function encodeFromPuller(message: FromPuller): Uint8Array<ArrayBuffer> {
  switch (message.kind) {
    case "hello":
      return toHolder(HELLO, [
        scalarColumn(message.version),
        encodeUtf8(message.serverId),
        Uint32Array.of(message.workerId, message.port),
        message.proof,
      ]);
    case "ticket":
      return toHolder(TICKET, [scalarColumn(message.version), message.ticket]);
    case "proof":
      return toHolder(PROOF, [encodeUtf8(message.token)]);
    case "pull": {
      const { requestIds, tasks, attempts, formats, mayRedirect, fromBytes } = message.requests;
      return toHolder(PULL, [requestIds, tasks, attempts, formats, mayRedirect, fromBytes]);
    }
    case "taken":
      return toHolder(TAKEN, [Uint32Array.of(message.requestId, message.isComplete ? 1 : 0)]);
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
    case "welcome":
      return toPuller(WELCOME, [
        encodeUtf8(message.tokenPath),
        encodeUtf8(message.dataDirectory),
        message.proof,
      ]);
    case "object": {
      const { requestId, payloadBytes, tree, files } = message;
      const columns = [
        scalarColumn(requestId),
        Float64Array.of(payloadBytes),
        ...treeColumns(tree),
      ];
      if (files.length === 0) return toPuller(OBJECT, columns);
      const rows = Uint32Array.from(files, ({ row }) => row);
      const names = nameColumns(files.map(({ name }) => name));
      return toPuller(OBJECT_WITH_FILES, [...columns, rows, ...names]);
    }
    case "object-frames":
      return toPuller(OBJECT_FRAMES, [
        Uint32Array.of(message.requestId, message.typeId),
        Float64Array.of(message.payloadBytes, message.messageCount),
      ]);
    case "redirected": {
      const { workerId, host, port } = message.peer;
      const numbers = Uint32Array.of(message.requestId, workerId, port);
      return toPuller(REDIRECTED, [numbers, encodeUtf8(host)]);
    }
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
      return readHello(reader);
    case TICKET: {
      const version = requireVersion(reader.scalar());
      return { kind: "ticket", version, ticket: reader.u8() };
    }
    case PROOF:
      return { kind: "proof", token: readName(reader) };
    case PULL:
      return { kind: "pull", requests: readRequests(reader) };
    case TAKEN: {
      const numbers = reader.u32();
      const [requestId = 0, isComplete = 0] = numbers;
      if (numbers.length !== 2) throw new ProtocolError("expected a request and its end");
      return { kind: "taken", requestId, isComplete: isComplete === 1 };
    }
    case CANCEL:
      return { kind: "cancel", requestId: reader.scalar() };
    default:
      throw new ProtocolError(`message ${kind} to a data port is not known`);
  }
}

/** Before anything else of the message: another version's may look otherwise. */
function requireVersion(version: number): number {
  if (version === PEER_PROTOCOL_VERSION) return version;
  const wanted = `expected version ${PEER_PROTOCOL_VERSION} of the pull protocol`;
  throw new ProtocolError(`${wanted}, got ${version}`);
}

function readHello(reader: ColumnReader): FromPuller {
  const version = requireVersion(reader.scalar());
  const serverId = readName(reader);
  const numbers = reader.u32();
  const [workerId = 0, port = 0] = numbers;
  if (numbers.length !== 2) throw new ProtocolError("expected a worker and its port");
  const proof = reader.u8();
  return { kind: "hello", version, serverId, workerId, port: requirePort(port), proof };
}

function requirePort(port: number): number {
  if (port > 65_535) throw new ProtocolError(`${port} is no port`);
  return port;
}

function readRequests(reader: ColumnReader): PullRequests {
  const requests = {
    requestIds: reader.u32(),
    tasks: reader.u32(),
    attempts: reader.u32(),
    formats: reader.u8(),
    mayRedirect: reader.u8(),
    fromBytes: reader.f64(),
  };
  const { requestIds, tasks, attempts, formats, mayRedirect, fromBytes } = requests;
  requireEqualLengths(requestIds, tasks, attempts, formats, mayRedirect, fromBytes);
  requireSizes(fromBytes);
  formats.forEach((format, index) => {
    if (format > FORMAT_TREE_OR_FILES) {
      throw new ProtocolError(`format ${format} of an object is not known`);
    }
    if (format !== FORMAT_CLIENT_FRAMES && fromBytes[index] !== 0) {
      throw new ProtocolError("a value tree is pulled whole");
    }
  });
  return requests;
}

function readFromHolder(kind: number, reader: ColumnReader): FromHolder {
  switch (kind) {
    case OBJECT:
    case OBJECT_WITH_FILES: {
      const requestId = reader.scalar();
      const [payloadBytes = 0] = readSizes(reader, 1);
      const tree = readTree(reader);
      const files = kind === OBJECT ? [] : readFiles(reader, tree);
      if (payloadBytes !== payloadSizeBytes(tree, files)) {
        throw new ProtocolError("the payload is not as large as the tree's leaves");
      }
      return { kind: "object", requestId, payloadBytes, tree, files };
    }
    case WELCOME:
      return {
        kind: "welcome",
        tokenPath: reader.text(),
        dataDirectory: reader.text(),
        proof: reader.u8(),
      };
    case REDIRECTED: {
      const numbers = reader.u32();
      const [requestId = 0, workerId = 0, port = 0] = numbers;
      if (numbers.length !== 3) throw new ProtocolError("expected a request and a worker");
      const peer = { workerId, host: readName(reader), port: requirePort(port) };
      return { kind: "redirected", requestId, peer };
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

function readFiles(reader: ColumnReader, tree: ValueTree): HandedFile[] {
  const rows = reader.u32();
  const names = readNames(reader);
  if (rows.length !== names.length) throw new ProtocolError("expected a name for each file");
  return names.map((name, i) => {
    const row = rows[i] as number;
    if (i > 0 && row <= (rows[i - 1] as number)) throw new ProtocolError("rows do not rise");
    const kind = tree.kinds[row];
    if (kind === undefined || !isLeafType(kind)) throw new ProtocolError("only leaves are files");
    if (!FILE_NAME.test(name)) throw new ProtocolError("a file's name is none of ours");
    return { row, name };
  });
}

function readSizes(reader: ColumnReader, count: number): Float64Array {
  const sizes = reader.f64();
  if (sizes.length !== count) throw new ProtocolError(`expected ${count} sizes`);
  requireSizes(sizes);
  return sizes;
}
