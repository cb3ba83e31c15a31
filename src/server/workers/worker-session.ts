import { unreachable } from "../../core/base/assert.ts";
import type { ResourceAmount } from "../../core/model/resources.ts";
import { BUILTIN_SYMBOLS, CPUS, RESOURCE_PREFIX } from "../../core/model/symbols.ts";
import type { Register } from "../../protocol/client/register.ts";
import { MAX_FROM_WORKER_BODY_BYTES } from "../../protocol/limits.ts";
import { ProtocolError } from "../../protocol/protocol-error.ts";
import { decodeFromWorker, encodeToWorker } from "../../protocol/worker/codec.ts";
import { FrameReader } from "../../protocol/worker/frame-reader.ts";
import {
  type FromWorker,
  type PeerAddress,
  type ToWorker,
  WORKER_PROTOCOL_VERSION,
} from "../../protocol/worker/messages.ts";
import { startHeartbeat } from "../../transport/heartbeat.ts";
import type { TcpConnection } from "../../transport/tcp-connection.ts";
import { createTicketKey } from "../../transport/ticket.ts";
import type { Engine } from "../engine.ts";

const HEARTBEAT_MS = 1_000;
/** A worker that was silent for so many beats is lost. */
const SILENT_BEATS_MAX = 10;
/** What a worker offers of a task type that it loaded: as much as anybody asks for. */
const UNLIMITED = 2 ** 31 - 1;

/** A worker that has joined. */
export type WorkerSession = {
  readonly id: number;
  readonly name: string;
  readonly address: PeerAddress;
  /** Seals tickets for it. */
  readonly ticketKey: Uint8Array;
  send(message: ToWorker): void;
  onData(chunk: Uint8Array): void;
  onClose(error: Error | undefined): void;
  /** Closes once everything that was sent is gone. */
  end(): void;
  /** It was drained, and is told to stop. */
  dismiss(): void;
};

/** Makes a registered connection a worker. Throws a ProtocolError when it cannot be one. */
export function startWorkerSession(
  engine: Engine,
  id: number,
  connection: TcpConnection,
  register: Register,
): WorkerSession {
  const { workerProtocolVersion: version, port } = register;
  if (version !== WORKER_PROTOCOL_VERSION) {
    throw new ProtocolError(
      `expected a worker of worker protocol ${WORKER_PROTOCOL_VERSION}, got ${version ?? "one without a version"}; start server and workers of the same version of HyperLoom`,
    );
  }
  if (port === undefined || port < 1 || port > 65_535) {
    throw new ProtocolError(`expected a worker's data port, got ${port ?? "none"}`);
  }
  const offer = offerOf(engine, register);
  const host = register.advertisedHost ?? connection.remoteHost;
  const name = `${host}:${port}`;
  const reader = new FrameReader(MAX_FROM_WORKER_BODY_BYTES);
  const beats = new Map<number, number>();
  let nextBeat = 0;
  let receivedFrames = 0;
  let isOver = false;

  const leave = (reason: string): void => {
    if (isOver) return;
    isOver = true;
    heartbeat[Symbol.dispose]();
    connection.destroy();
    engine.workers.delete(id);
    engine.pythonAdvice.onWorkerLeft(id);
    engine.log("info", "worker left", { worker: id, name, reason });
    for (const peer of engine.workers.values()) {
      peer.send({ kind: "peers-lost", workers: Uint32Array.of(id) });
    }
    engine.step({ kind: "worker-lost", workerId: id });
  };

  const ticketKey = createTicketKey();
  const session: WorkerSession = {
    id,
    ticketKey,
    name,
    address: { workerId: id, host, port },
    send: (message) => connection.send(encodeToWorker(message)),
    onData(chunk) {
      try {
        for (const { kind, body } of reader.feed(chunk)) {
          if (isOver) return;
          receivedFrames += 1;
          onMessage(engine, id, decodeFromWorker(kind, body), beats);
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        engine.log("error", "worker broke the protocol", { worker: id, reason: error.message });
        leave("it broke the protocol");
      }
    },
    onClose: (error) => leave(error?.message ?? "connection closed"),
    end: () => connection.end(),
    dismiss: () => {
      engine.log("info", "worker was drained", { worker: id, name });
      session.send({ kind: "stop" });
    },
  };

  const heartbeat = startHeartbeat(connection, {
    intervalMs: HEARTBEAT_MS,
    silentBeatsMax: SILENT_BEATS_MAX,
    beat: () => {
      beats.set(nextBeat, performance.now());
      // Beats that were never answered are of no use; a few are kept for a slow worker.
      beats.delete(nextBeat - SILENT_BEATS_MAX);
      session.send({ kind: "heartbeat", sequence: nextBeat, receivedFrames });
      nextBeat = (nextBeat + 1) >>> 0;
    },
    onSilent: (silentMs) => leave(`silent for ${silentMs} ms`),
  });

  session.send({
    kind: "welcome",
    workerId: id,
    serverId: engine.serverId,
    clusterId: engine.clusterId,
    heartbeatMs: HEARTBEAT_MS,
    receivedFrames: 0,
    ticketKey,
    memberKey: engine.security.memberKey,
  });
  announceSymbols(engine, session);
  const peers = [...engine.workers.values()].map(({ address }) => address);
  if (peers.length > 0) session.send({ kind: "peers", peers });
  for (const peer of engine.workers.values()) {
    announceSymbols(engine, peer);
    peer.send({ kind: "peers", peers: [session.address] });
  }
  engine.workers.set(id, session);
  engine.log("info", "worker joined", { worker: id, name, cpus: register.cpus });
  engine.pythonAdvice.onWorkerJoined(id);
  engine.step({ kind: "worker-joined", workerId: id, name, offer });
  return session;
}

const announcedSymbols = new WeakMap<WorkerSession, number>();

/** Tells the worker the names of symbols that it was not told. */
export function announceSymbols(engine: Engine, session: WorkerSession): void {
  const firstId = announcedSymbols.get(session) ?? BUILTIN_SYMBOLS.length;
  const names = engine.symbols.names.slice(firstId);
  if (names.length === 0) return;
  session.send({ kind: "symbols", firstId, names });
  announcedSymbols.set(session, firstId + names.length);
}

function offerOf(engine: Engine, register: Register): ResourceAmount[] {
  const amounts = new Map<number, number>();
  const add = (name: string, amount: number): void => {
    const resource = engine.symbols.intern(name);
    if (resource === undefined) {
      throw new ProtocolError(`the server knows too many symbols to take ${JSON.stringify(name)}`);
    }
    amounts.set(resource, amount);
  };
  for (const { name, amount } of register.resources) {
    add(name.startsWith(RESOURCE_PREFIX) ? name : `${RESOURCE_PREFIX}${name}`, amount);
  }
  for (const name of register.taskTypes) {
    const id = engine.symbols.intern(name);
    if (id === undefined || id >= BUILTIN_SYMBOLS.length) add(name, UNLIMITED);
  }
  if (register.cpus !== undefined) amounts.set(CPUS, Math.max(0, register.cpus));
  return [...amounts].map(([resource, amount]) => ({ resource, amount }));
}

function onMessage(
  engine: Engine,
  workerId: number,
  message: FromWorker,
  beats: Map<number, number>,
): void {
  switch (message.kind) {
    case "tasks-finished":
      engine.step({ kind: "tasks-finished", workerId, finished: message.finished });
      break;
    case "tasks-started":
    case "tasks-returned":
    case "replicas-added":
    case "checkpoints-written":
    case "checkpoints-missing":
      engine.step({ kind: message.kind, workerId, refs: message.refs });
      break;
    case "task-failed": {
      const { task, attempt, failure } = message;
      engine.step({ kind: "task-failed", workerId, task, attempt, failure });
      break;
    }
    case "inputs-unreachable": {
      const { refs, inputs, holders } = message.unreachable;
      engine.step({ kind: "inputs-unreachable", workerId, refs, inputs, holders });
      break;
    }
    case "inventory":
    case "drain":
    case "leaving":
    case "replication-failed":
      break;
    case "memory":
      engine.step({ kind: "memory-changed", workerId, report: message.report });
      break;
    case "python-looked-for":
      engine.pythonAdvice.onFound(workerId, message.python);
      break;
    case "heartbeat": {
      const sentAtMs = beats.get(message.sequence);
      if (sentAtMs === undefined) break;
      beats.delete(message.sequence);
      const roundTripMs = performance.now() - sentAtMs;
      engine.step({ kind: "round-trip-measured", workerId, roundTripMs });
      break;
    }
    default:
      unreachable(message);
  }
}
