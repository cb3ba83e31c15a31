import type { Log } from "../../core/base/log.ts";
import type { TaskRefs } from "../../core/model/batches.ts";
import { FORMAT_TREE } from "../../protocol/peer/messages.ts";
import { ProtocolError } from "../../protocol/protocol-error.ts";
import type { PeerAddress } from "../../protocol/worker/messages.ts";
import {
  openPullConnection,
  type PullAnswer,
  type PullConnection,
} from "../../transport/pull-connection.ts";
import { systemReason } from "../executors/task-error.ts";
import { putObject, type Store } from "../store/store.ts";
import { createRefGatherer } from "./ref-gatherer.ts";
import { createTreeBuilder, type TreeBuilder } from "./tree-builder.ts";

/** A connection that nobody used for so long is closed: a cluster of hundreds has many pairs. */
const IDLE_MS = 30_000;
/** More bytes than this do not wait for the disk; the peer is slowed down instead. */
const UNWRITTEN_BYTES_MAX = 2 * 1024 * 1024;

export type PullerOptions = {
  readonly store: Store;
  readonly serverId: string;
  /** Both are told in batches. */
  readonly onFetched: (refs: TaskRefs) => void;
  readonly onFailed: (refs: TaskRefs, peer: number) => void;
  readonly log: Log;
};

/** Fetches data objects from other workers into the store. */
export type Puller = {
  /** Learns where a peer serves its objects. */
  addPeer(peer: PeerAddress): void;
  /** Forgets a peer. What is under way from it is given up, and nobody is told. */
  removePeer(workerId: number): void;
  /** Asks for these objects, in this order. */
  fetch(peer: number, refs: TaskRefs): void;
  /** The end of these will not be told. */
  abandon(refs: TaskRefs): void;
  /** Gives everything up. */
  dispose(): void;
};

type Request = { readonly task: number; readonly attempt: number; isWanted: boolean };

type Peer = {
  readonly address: PeerAddress;
  connection: PullConnection | undefined;
  /** Asked for and not answered, in the order of the answers. */
  readonly requests: Map<number, Request>;
  idleTimer: NodeJS.Timeout | undefined;
};

export function createPuller(options: PullerOptions): Puller {
  const { store, serverId, log } = options;
  const peers = new Map<number, Peer>();
  /** By `task:attempt`, for abandoning. */
  const requestsByRef = new Map<string, { readonly request: Request; cancel: () => void }>();
  const fetched = createRefGatherer(options.onFetched);
  let lastRequestId = 0;

  const settle = (request: Request): void => {
    const key = keyOf(request);
    if (requestsByRef.get(key)?.request === request) requestsByRef.delete(key);
  };

  const fail = (peer: Peer, requests: Iterable<Request>): void => {
    const wanted = [...requests].filter(({ isWanted }) => isWanted);
    for (const request of wanted) settle(request);
    if (wanted.length === 0) return;
    options.onFailed(
      {
        tasks: Uint32Array.from(wanted, ({ task }) => task),
        attempts: Uint32Array.from(wanted, ({ attempt }) => attempt),
      },
      peer.address.workerId,
    );
  };

  const arrive = (request: Request, value: Parameters<typeof putObject>[3]): void => {
    if (!request.isWanted) {
      store.values.release(value);
      return;
    }
    settle(request);
    putObject(store, request.task, request.attempt, value);
    fetched.add(request.task, request.attempt);
  };

  const connect = (peer: Peer): PullConnection => {
    const { host, port, workerId } = peer.address;
    /** The object whose bytes are coming. */
    let current: { readonly request: Request; readonly builder: TreeBuilder } | undefined;
    let unwrittenBytes = 0;

    const takeRequest = (requestId: number): Request => {
      const request = peer.requests.get(requestId);
      if (request === undefined) throw new ProtocolError(`nobody asked for answer ${requestId}`);
      peer.requests.delete(requestId);
      if (peer.requests.size === 0) peer.idleTimer = setTimeout(close, IDLE_MS).unref();
      return request;
    };

    const onAnswer = (answer: PullAnswer): void => {
      const request = takeRequest(answer.requestId);
      if (answer.kind === "object-frames") {
        throw new ProtocolError("client frames that nobody asked for");
      }
      if (answer.kind === "object") {
        current = { request, builder: createTreeBuilder(store.values, answer.tree) };
        return;
      }
      if (answer.kind === "failed") {
        log("warning", "a worker cannot read a data object", {
          worker: workerId,
          task: request.task,
          reason: answer.reason,
        });
      }
      fail(peer, [request]);
    };

    const onWriteFailed = (request: Request, error: unknown): void => {
      log("error", "cannot store a fetched data object", {
        task: request.task,
        reason: systemReason(error),
      });
      fail(peer, [request]);
      request.isWanted = false;
    };

    const onPayload: Parameters<typeof openPullConnection>[1]["onPayload"] = (bytes, at) => {
      if (current === undefined || !current.request.isWanted) return;
      const { request, builder } = current;
      const writing = builder.write(bytes, at);
      if (writing === undefined) return;
      unwrittenBytes += bytes.length;
      if (unwrittenBytes > UNWRITTEN_BYTES_MAX) connection.pause();
      writing
        .catch((error: unknown) => {
          if (request.isWanted) onWriteFailed(request, error);
        })
        .finally(() => {
          unwrittenBytes -= bytes.length;
          if (unwrittenBytes <= UNWRITTEN_BYTES_MAX) connection.resume();
        });
    };

    const onObjectEnd = (): void => {
      if (current === undefined) return;
      const { request, builder } = current;
      current = undefined;
      if (!request.isWanted) {
        builder.abort();
        return;
      }
      const value = builder.finishNow();
      if (value !== undefined) arrive(request, value);
      else {
        builder
          .finish()
          .then((finished) => arrive(request, finished))
          .catch((error: unknown) => {
            builder.abort();
            if (request.isWanted) onWriteFailed(request, error);
          });
      }
    };

    const close = (): void => {
      current?.builder.abort();
      current = undefined;
      clearTimeout(peer.idleTimer);
      connection.destroy();
      if (peer.connection === connection) peer.connection = undefined;
    };

    const onClose = (reason: string): void => {
      const unfinished = current === undefined ? [] : [current.request];
      const lost = [...unfinished, ...peer.requests.values()];
      peer.requests.clear();
      close();
      if (lost.length === 0) return;
      log("warning", "lost the connection to a worker while fetching", {
        worker: workerId,
        objects: lost.length,
        reason,
      });
      fail(peer, lost);
    };

    const connection = openPullConnection(
      { host, port, serverId },
      { onAnswer, onPayload, onObjectEnd, onClose },
    );
    closers.set(peer, close);
    return connection;
  };

  /** How to give up what is under way from a peer. */
  const closers = new Map<Peer, () => void>();

  const removePeer = (workerId: number): void => {
    const peer = peers.get(workerId);
    if (peer === undefined) return;
    peers.delete(workerId);
    for (const request of peer.requests.values()) {
      request.isWanted = false;
      settle(request);
    }
    peer.requests.clear();
    closers.get(peer)?.();
    closers.delete(peer);
  };

  return {
    addPeer: (address) => {
      removePeer(address.workerId);
      peers.set(address.workerId, {
        address,
        connection: undefined,
        requests: new Map(),
        idleTimer: undefined,
      });
    },
    removePeer,
    fetch: (peerId, refs) => {
      const peer = peers.get(peerId);
      if (peer === undefined) {
        options.onFailed(refs, peerId);
        return;
      }
      peer.connection ??= connect(peer);
      const { connection } = peer;
      clearTimeout(peer.idleTimer);
      const requests = Array.from(refs.tasks, (task, i) => {
        const request = { task, attempt: refs.attempts[i] as number, isWanted: true };
        lastRequestId = (lastRequestId + 1) >>> 0;
        const requestId = lastRequestId;
        peer.requests.set(requestId, request);
        const cancel = (): void => connection.cancel(requestId);
        requestsByRef.set(keyOf(request), { request, cancel });
        return { requestId, task, attempt: request.attempt, format: FORMAT_TREE } as const;
      });
      connection.pull(requests);
    },
    abandon: (refs) => {
      refs.tasks.forEach((task, i) => {
        const key = keyOf({ task, attempt: refs.attempts[i] as number });
        const found = requestsByRef.get(key);
        if (found === undefined) return;
        requestsByRef.delete(key);
        found.request.isWanted = false;
        found.cancel();
      });
    },
    dispose: () => {
      for (const workerId of [...peers.keys()]) removePeer(workerId);
    },
  };
}

const keyOf = ({ task, attempt }: { readonly task: number; readonly attempt: number }): string =>
  `${task}:${attempt}`;
