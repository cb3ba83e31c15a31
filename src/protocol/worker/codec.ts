import { encodeUtf8 } from "../../core/base/utf8.ts";
import type { MemoryReport } from "../../core/model/worker-memory.ts";
import { MAX_FROM_WORKER_BODY_BYTES, MAX_TO_WORKER_BODY_BYTES } from "../limits.ts";
import { ProtocolError } from "../protocol-error.ts";
import {
  assignedColumns,
  finishedColumns,
  readAssigned,
  readFinished,
  readRefs,
  refsColumns,
  requireSizes,
} from "./batch-codec.ts";
import { type Column, ColumnReader, encodeFrame, requireEqualLengths } from "./columns-codec.ts";
import { failureColumns, readFailure } from "./failure-codec.ts";
import {
  heldObjectColumns,
  heldTaskColumns,
  readHeldObjects,
  readHeldTasks,
} from "./held-codec.ts";
import { logPartColumns, readLogColumns, readLogPart, readReadLog } from "./log-codec.ts";
import type { FromWorker, PeerAddress, ToWorker } from "./messages.ts";
import { pythonColumns, readPython } from "./python-codec.ts";
import { nameColumns, readName, readNames, scalarColumn } from "./text-columns.ts";

/** Numbers of the kinds on the wire; the two directions share none, so that a mix-up is noticed. */
const TO_WORKER: Readonly<Record<ToWorker["kind"], number>> = {
  welcome: 1,
  symbols: 2,
  peers: 3,
  "peers-lost": 4,
  assign: 5,
  retract: 6,
  cancel: 7,
  drop: 8,
  heartbeat: 9,
  stop: 10,
  "find-python": 11,
  replicate: 12,
  draining: 13,
  "cancel-gracefully": 14,
  "read-log": 15,
  "forget-logs": 16,
};
const FROM_WORKER: Readonly<Record<FromWorker["kind"], number>> = {
  "tasks-finished": 33,
  "tasks-started": 34,
  "task-failed": 35,
  "tasks-returned": 36,
  "replicas-added": 37,
  "inputs-unreachable": 38,
  "checkpoints-written": 39,
  "checkpoints-missing": 40,
  heartbeat: 41,
  "python-looked-for": 42,
  inventory: 43,
  drain: 44,
  leaving: 45,
  "replication-failed": 46,
  memory: 47,
  "log-part": 48,
  "logs-kept": 49,
};

/** Number on the wire to kind; the inverse of the tables above. */
function byNumber<Kind extends string>(numbers: Readonly<Record<Kind, number>>): Map<number, Kind> {
  const kinds = Object.keys(numbers) as Kind[];
  return new Map(kinds.map((kind) => [numbers[kind], kind]));
}
const TO_WORKER_KINDS = byNumber(TO_WORKER);
const FROM_WORKER_KINDS = byNumber(FROM_WORKER);

/** The message as one whole frame, header included. Throws a ProtocolError if it is too large to send. */
export function encodeToWorker(message: ToWorker): Uint8Array<ArrayBuffer> {
  return encodeFrame(TO_WORKER[message.kind], toWorkerColumns(message), MAX_TO_WORKER_BODY_BYTES);
}

/** `kind` and `body` of one frame, as the frame reader gives them. Throws only ProtocolError; copies what it keeps. */
export function decodeToWorker(kind: number, body: Uint8Array): ToWorker {
  const name = TO_WORKER_KINDS.get(kind);
  if (name === undefined) throw new ProtocolError(`message ${kind} to a worker is not known`);
  const reader = new ColumnReader(body);
  const message = readToWorker(name, reader);
  reader.end();
  return message;
}

/** The message as one whole frame, header included. Throws a ProtocolError if it is too large to send. */
export function encodeFromWorker(message: FromWorker): Uint8Array<ArrayBuffer> {
  return encodeFrame(
    FROM_WORKER[message.kind],
    fromWorkerColumns(message),
    MAX_FROM_WORKER_BODY_BYTES,
  );
}

/** `kind` and `body` of one frame, as the frame reader gives them. Throws only ProtocolError; copies what it keeps. */
export function decodeFromWorker(kind: number, body: Uint8Array): FromWorker {
  const name = FROM_WORKER_KINDS.get(kind);
  if (name === undefined) throw new ProtocolError(`message ${kind} from a worker is not known`);
  const reader = new ColumnReader(body);
  const message = readFromWorker(name, reader);
  reader.end();
  return message;
}

function toWorkerColumns(message: ToWorker): Column[] {
  switch (message.kind) {
    case "read-log":
      return readLogColumns(message);
    case "welcome":
      return [
        Uint32Array.of(message.workerId, message.heartbeatMs, message.receivedFrames),
        encodeUtf8(message.serverId),
        encodeUtf8(message.clusterId),
        message.ticketKey,
        message.memberKey,
      ];
    case "symbols":
      return [scalarColumn(message.firstId), ...nameColumns(message.names)];
    case "peers":
      return peerColumns(message.peers);
    case "peers-lost":
      return [message.workers];
    case "assign":
      return assignedColumns(message.batch);
    case "retract":
    case "cancel":
    case "cancel-gracefully":
    case "forget-logs":
    case "drop":
      return refsColumns(message.refs);
    case "replicate": {
      const { refs, sizesBytes, holders } = message.copies;
      return [...refsColumns(refs), sizesBytes, holders];
    }
    case "heartbeat":
      return [scalarColumn(message.sequence), scalarColumn(message.receivedFrames)];
    case "find-python":
    case "draining":
    case "stop":
      return [];
  }
}

function readToWorker(kind: ToWorker["kind"], reader: ColumnReader): ToWorker {
  switch (kind) {
    case "read-log":
      return readReadLog(reader);
    case "welcome": {
      const numbers = reader.u32();
      const [workerId = 0, heartbeatMs = 0, receivedFrames = 0] = numbers;
      if (numbers.length !== 3 || heartbeatMs === 0) {
        throw new ProtocolError("expected a worker id and a heartbeat interval above 0 ms");
      }
      return {
        kind,
        workerId,
        serverId: readName(reader),
        clusterId: readName(reader),
        heartbeatMs,
        receivedFrames,
        ticketKey: reader.u8(),
        memberKey: reader.u8(),
      };
    }
    case "symbols": {
      const firstId = reader.scalar();
      const names = readNames(reader);
      // Ids of task types travel as 16 bits.
      if (firstId + names.length > 0x1_0000) throw new ProtocolError("a symbol's id exceeds 65535");
      return { kind, firstId, names };
    }
    case "peers":
      return { kind, peers: readPeers(reader) };
    case "peers-lost":
      return { kind, workers: reader.u32() };
    case "assign":
      return { kind, batch: readAssigned(reader) };
    case "retract":
    case "cancel":
    case "cancel-gracefully":
    case "forget-logs":
    case "drop":
      return { kind, refs: readRefs(reader) };
    case "replicate": {
      const refs = readRefs(reader);
      const sizesBytes = reader.f64();
      const holders = reader.u32();
      requireEqualLengths(refs.tasks, sizesBytes, holders);
      requireSizes(sizesBytes);
      return { kind, copies: { refs, sizesBytes, holders } };
    }
    case "heartbeat":
      return { kind, sequence: reader.scalar(), receivedFrames: reader.scalar() };
    case "find-python":
    case "draining":
    case "stop":
      return { kind };
  }
}

function fromWorkerColumns(message: FromWorker): Column[] {
  switch (message.kind) {
    case "log-part":
      return logPartColumns(message);
    case "logs-kept":
      return refsColumns(message.refs);
    case "tasks-finished":
      return finishedColumns(message.finished);
    case "task-failed":
      return [Uint32Array.of(message.task, message.attempt), ...failureColumns(message.failure)];
    case "inputs-unreachable": {
      const { refs, inputs, holders } = message.unreachable;
      return [...refsColumns(refs), ...refsColumns(inputs), holders];
    }
    case "tasks-started":
    case "tasks-returned":
    case "replicas-added":
    case "checkpoints-written":
    case "checkpoints-missing":
    case "replication-failed":
      return refsColumns(message.refs);
    case "inventory":
      return [
        scalarColumn(message.isLast ? 1 : 0),
        ...heldObjectColumns(message.objects),
        ...heldTaskColumns(message.tasks),
      ];
    case "drain":
    case "leaving":
      return [];
    case "memory": {
      const { limitBytes, usedBytes, spilledBytes, isTight } = message.report;
      return [Float64Array.of(limitBytes, usedBytes, spilledBytes), Uint8Array.of(Number(isTight))];
    }
    case "python-looked-for":
      return pythonColumns(message.python);
    case "heartbeat":
      return [scalarColumn(message.sequence)];
  }
}

function readFromWorker(kind: FromWorker["kind"], reader: ColumnReader): FromWorker {
  switch (kind) {
    case "log-part":
      return readLogPart(reader);
    case "logs-kept":
      return { kind, refs: readRefs(reader) };
    case "tasks-finished":
      return { kind, finished: readFinished(reader) };
    case "task-failed": {
      const ref = reader.u32();
      const [task = 0, attempt = 0] = ref;
      if (ref.length !== 2) throw new ProtocolError("expected a task and its attempt");
      return { kind, task, attempt, failure: readFailure(reader) };
    }
    case "inputs-unreachable": {
      const refs = readRefs(reader);
      const inputs = readRefs(reader);
      const holders = reader.u32();
      requireEqualLengths(refs.tasks, inputs.tasks, holders);
      return { kind, unreachable: { refs, inputs, holders } };
    }
    case "tasks-started":
    case "tasks-returned":
    case "replicas-added":
    case "checkpoints-written":
    case "checkpoints-missing":
    case "replication-failed":
      return { kind, refs: readRefs(reader) };
    case "inventory":
      return {
        kind,
        isLast: reader.scalar() !== 0,
        objects: readHeldObjects(reader),
        tasks: readHeldTasks(reader),
      };
    case "drain":
    case "leaving":
      return { kind };
    case "memory":
      return { kind, report: readMemory(reader) };
    case "python-looked-for":
      return { kind, python: readPython(reader) };
    case "heartbeat":
      return { kind, sequence: reader.scalar() };
  }
}

function readMemory(reader: ColumnReader): MemoryReport {
  const sizes = reader.f64();
  const tight = reader.u8();
  const [limitBytes = 0, usedBytes = 0, spilledBytes = 0] = sizes;
  if (sizes.length !== 3 || tight.length !== 1)
    throw new ProtocolError("expected three sizes and a mark");
  requireSizes(sizes);
  return { limitBytes, usedBytes, spilledBytes, isTight: tight[0] === 1 };
}

function peerColumns(peers: readonly PeerAddress[]): Column[] {
  return [
    Uint32Array.from(peers, (peer) => peer.workerId),
    Uint16Array.from(peers, (peer) => peer.port),
    ...nameColumns(peers.map((peer) => peer.host)),
  ];
}

function readPeers(reader: ColumnReader): PeerAddress[] {
  const workerIds = reader.u32();
  const ports = reader.u16();
  const hosts = readNames(reader);
  requireEqualLengths(workerIds, ports);
  if (hosts.length !== workerIds.length) throw new ProtocolError("a peer has no host");
  return hosts.map((host, index) => {
    const port = ports[index] ?? 0;
    if (port === 0) throw new ProtocolError("a peer's port is 0");
    return { workerId: workerIds[index] ?? 0, host, port };
  });
}
