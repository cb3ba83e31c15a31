import { unreachable } from "../../core/base/assert.ts";
import type { ResourceAmount } from "../../core/model/resources.ts";
import { BUILTIN_SYMBOLS, CPUS, RESOURCE_PREFIX } from "../../core/model/symbols.ts";
import type { Register } from "../../protocol/client/register.ts";
import { MAX_FROM_WORKER_BODY_BYTES } from "../../protocol/limits.ts";
import { ProtocolError, unexpected } from "../../protocol/protocol-error.ts";
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
import { type Inventory, joinInventory, noteLastFrames, takeLastFrames } from "./inventory.ts";

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
  /** It has come on another connection: this one ends, and nobody is told. */
  replace(): void;
  /** It is to leave once nothing is lost by that. */
  drain(): void;
  /** It was drained, and is told to stop. */
  dismiss(): void;
};

/** Makes a registered connection a worker. Throws a ProtocolError when it cannot be one. */
export function startWorkerSession(
  engine: Engine,
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
  const { reattach } = register;
  if (reattach !== undefined && reattach.clusterId !== engine.clusterId) {
    throw new ProtocolError("this server does not know the cluster that the worker belongs to");
  }
  const id = reattach === undefined ? engine.ids.next++ : idOfReturned(engine, reattach.workerId);
  const offer = offerOf(engine, register);
  const host = register.advertisedHost ?? connection.remoteHost;
  const name = `${host}:${port}`;
  const reader = new FrameReader(MAX_FROM_WORKER_BODY_BYTES);
  const beats = new Map<number, number>();
  let nextBeat = 0;
  let receivedFrames = 0;
  let isOver = false;
  /** It says that it ends, or was told to. */
  let hasLeft = false;
  /** Parts of what it holds and has, until all have come; undefined: nothing is awaited. */
  let inventory: Inventory[] | undefined = reattach === undefined ? undefined : [];

  const close = (): void => {
    isOver = true;
    heartbeat[Symbol.dispose]();
    connection.destroy();
    noteLastFrames(engine, id, receivedFrames);
  };

  const leave = (reason: string): void => {
    if (isOver) return;
    close();
    engine.workers.delete(id);
    engine.pythonAdvice.onWorkerLeft(id);
    engine.logs.onWorkerLeft(id);
    engine.log("info", "worker left", { worker: id, name, reason });
    for (const peer of engine.workers.values()) {
      peer.send({ kind: "peers-lost", workers: Uint32Array.of(id) });
    }
    engine.step({ kind: "worker-lost", workerId: id, hasLeft });
  };

  const takeInventory = (part: Inventory): void => {
    if (inventory === undefined) throw unexpected("no inventory here", "one");
    inventory.push(part);
    if (!part.isLast) return;
    const { objects, tasks } = joinInventory(inventory);
    inventory = undefined;
    engine.log("info", "worker is back", {
      worker: id,
      name,
      objects: objects.tasks.length,
      tasks: tasks.tasks.length,
    });
    engine.pythonAdvice.onWorkerJoined(id);
    engine.step({ kind: "worker-attached", workerId: id, name, offer, objects, tasks });
  };

  /** Takes what is about the connection, or the worker as such; false for what is not. */
  const takeOwn = (message: FromWorker): boolean => {
    if (message.kind === "inventory") takeInventory(message);
    else if (message.kind === "leaving") hasLeft = true;
    else if (inventory !== undefined && message.kind !== "heartbeat") {
      throw unexpected("what a worker that is back holds", message.kind);
    } else if (message.kind === "drain") session.drain();
    else return false;
    return true;
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
          const message = decodeFromWorker(kind, body);
          if (!takeOwn(message)) onMessage(engine, id, message, beats);
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        engine.log("error", "worker broke the protocol", { worker: id, reason: error.message });
        leave("it broke the protocol");
      }
    },
    onClose: (error) => leave(error?.message ?? "connection closed"),
    end: () => connection.end(),
    replace: () => {
      if (isOver) return;
      engine.log("info", "worker comes on another connection", { worker: id, name });
      close();
    },
    drain: () => {
      session.send({ kind: "draining" });
      engine.log("info", "worker is draining", { worker: id, name });
      engine.step({ kind: "worker-draining", workerId: id });
    },
    dismiss: () => {
      hasLeft = true;
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
    receivedFrames: takeLastFrames(engine, id),
    ticketKey,
    memberKey: engine.security.memberKey,
  });
  announceSymbols(engine, session);
  const peers = [...engine.workers.values()].map(({ address }) => address);
  session.send({ kind: "peers", peers });
  for (const peer of engine.workers.values()) {
    announceSymbols(engine, peer);
    peer.send({ kind: "peers", peers: [session.address] });
  }
  engine.workers.set(id, session);
  if (reattach !== undefined) return session;
  engine.log("info", "worker joined", { worker: id, name, cpus: register.cpus });
  engine.pythonAdvice.onWorkerJoined(id);
  engine.step({ kind: "worker-joined", workerId: id, name, offer });
  return session;
}

/** The number that a worker keeps which was here before, unless somebody else has it by now. */
function idOfReturned(engine: Engine, formerId: number): number {
  const { ids, clients, workers } = engine;
  if (clients.has(formerId)) return ids.next++;
  workers.get(formerId)?.replace();
  workers.delete(formerId);
  ids.next = Math.max(ids.next, formerId + 1);
  return formerId;
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
    case "replication-failed":
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
      break;
    case "memory":
      engine.step({ kind: "memory-changed", workerId, report: message.report });
      break;
    case "log-part":
      engine.logs.onPart(message);
      break;
    case "logs-kept":
      engine.logs.onKept(workerId, message.refs);
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
