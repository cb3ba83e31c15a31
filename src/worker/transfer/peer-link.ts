import type { Log } from "../../core/base/log.ts";
import type { TaskFailure } from "../../core/model/failures.ts";
import { LARGE_OBJECT_BYTES, VAIN_REDIRECTS_MAX } from "../../core/worker/uploads.ts";
import {
  FORMAT_TREE,
  FORMAT_TREE_OR_FILES,
  type HandedFile,
  type PullFormat,
} from "../../protocol/peer/messages.ts";
import { ProtocolError } from "../../protocol/protocol-error.ts";
import type { PeerAddress } from "../../protocol/worker/messages.ts";
import {
  type HolderWelcome,
  openPullConnection,
  type PullAnswer,
  type PullConnection,
  type PullerIdentity,
  type PullHandlers,
} from "../../transport/pull-connection.ts";
import type { ConnectSecurity } from "../../transport/security/connect-securely.ts";
import { failureOf } from "../executors/failure-of.ts";
import { systemReason } from "../executors/task-error.ts";
import type { Store } from "../store/store.ts";
import type { ValueId } from "../store/value-id.ts";
import { adoptFile, findToken, type HandOverSource } from "./hand-over.ts";
import { createTreeBuilder, type TreeBuilder } from "./tree-builder.ts";

/** A connection that nobody used for so long is closed: a cluster of hundreds has many pairs. */
const IDLE_MS = 30_000;

/** An object that is wanted here, wherever it comes from. */
export type FetchRequest = {
  readonly task: number;
  readonly attempt: number;
  /** The worker that the brain wants it from; it may send us elsewhere. */
  readonly origin: number;
  isWanted: boolean;
  /** How often we were sent elsewhere for it and came back without it. */
  vainRedirects: number;
  /** The number under which it was asked for last. */
  requestId: number;
};

export type PeerLinkOptions = {
  readonly store: Store;
  readonly identity: PullerIdentity;
  readonly security?: ConnectSecurity | undefined;
  /** Whether files may be taken over in place of bytes. */
  readonly sharesFiles: boolean;
  readonly log: Log;
};

/** Each wanted request ends in one of these. */
export type PeerLinkHandlers = {
  /** Takes over the value. */
  readonly onFetched: (request: FetchRequest, value: ValueId) => void;
  readonly onFailed: (requests: readonly FetchRequest[]) => void;
  /** It came, and there is no room for it. */
  readonly onRefused: (request: FetchRequest, failure: TaskFailure) => void;
  readonly onRedirected: (request: FetchRequest, peer: PeerAddress) => void;
};

/** What is fetched from one peer, over one connection that is there while it is needed. */
export type PeerLink = {
  readonly address: PeerAddress;
  /** Asks for these objects, in this order. */
  ask(requests: readonly FetchRequest[]): void;
  /** The end of it will not be told. */
  abandon(request: FetchRequest): void;
  /** What was asked for and has not come, which nobody is told of any more. */
  close(): readonly FetchRequest[];
};

/** An object whose bytes are coming. */
type Current = {
  readonly request: FetchRequest;
  readonly builder: TreeBuilder;
  /** Says how it ended, to a holder that counts it. */
  readonly taken: (isComplete: boolean) => void;
};

export function createPeerLink(
  address: PeerAddress,
  options: PeerLinkOptions,
  handlers: PeerLinkHandlers,
): PeerLink {
  const { store, identity, security, log } = options;
  const { host, port, workerId } = address;
  /** Asked for and not answered, by the number of the request. */
  const open = new Map<number, FetchRequest>();
  let connection: PullConnection | undefined;
  let current: Current | undefined;
  /** Known once the peer was seen to share our files. */
  let source: HandOverSource | undefined;
  let idleTimer: NodeJS.Timeout | undefined;
  let lastRequestId = 0;
  let isClosed = false;

  const fail = (requests: readonly FetchRequest[]): void => {
    const wanted = requests.filter(({ isWanted }) => isWanted);
    if (wanted.length > 0) handlers.onFailed(wanted);
  };

  const takeRequest = (requestId: number): FetchRequest => {
    const request = open.get(requestId);
    if (request === undefined) throw new ProtocolError(`nobody asked for answer ${requestId}`);
    open.delete(requestId);
    if (open.size === 0) idleTimer = setTimeout(disconnect, IDLE_MS).unref();
    return request;
  };

  const beginObject = (
    request: FetchRequest,
    { requestId, tree, files }: Extract<PullAnswer, { readonly kind: "object" }>,
  ): void => {
    const isCounted = files.length === 0 && (tree.sizesBytes.at(-1) ?? 0) >= LARGE_OBJECT_BYTES;
    const from = connection;
    const taken = (isComplete: boolean): void => {
      if (isCounted) from?.taken(requestId, isComplete);
    };
    const builder = createTreeBuilder(store, tree, handedFiles(files));
    current = { request, builder, taken };
  };

  const handedFiles = (files: readonly HandedFile[]): Parameters<typeof createTreeBuilder>[2] => {
    const from = source;
    if (files.length === 0) return undefined;
    if (from === undefined) throw new ProtocolError("files that nobody can see");
    return { files, adopt: (name) => adoptFile(store.values, from, name) };
  };

  const onAnswer = (answer: PullAnswer): void => {
    const request = takeRequest(answer.requestId);
    switch (answer.kind) {
      case "object":
        beginObject(request, answer);
        return;
      case "object-frames":
        throw new ProtocolError("client frames that nobody asked for");
      case "redirected":
        if (!request.isWanted) return;
        if (request.vainRedirects >= VAIN_REDIRECTS_MAX)
          throw new ProtocolError("a redirection that nobody asked for");
        handlers.onRedirected(request, answer.peer);
        return;
      case "failed":
        log("warning", "a worker cannot read a data object", {
          worker: workerId,
          task: request.task,
          reason: answer.reason,
        });
        fail([request]);
        return;
      default:
        fail([request]);
    }
  };

  const onWriteFailed = (request: FetchRequest, error: unknown): void => {
    if (!request.isWanted) return;
    log("error", "cannot store a fetched data object", {
      task: request.task,
      reason: systemReason(error),
    });
    const failure = failureOf(error);
    if (failure.kind === "disk-full") handlers.onRefused(request, failure);
    else fail([request]);
    request.isWanted = false;
  };

  const onPayload: PullHandlers["onPayload"] = (bytes, at) => {
    if (current === undefined || !current.request.isWanted) return undefined;
    const { request, builder } = current;
    return builder.write(bytes, at)?.catch((error: unknown) => onWriteFailed(request, error));
  };

  const finishLater = async ({ request, builder, taken }: Current): Promise<void> => {
    try {
      arrive(request, await builder.finish());
      taken(request.isWanted);
    } catch (error) {
      builder.abort();
      taken(false);
      if (!request.isWanted || isClosed) return;
      // Whatever kept us from taking a file over, its bytes can still be had.
      if (builder.hasFiles) pull([request], FORMAT_TREE);
      else onWriteFailed(request, error);
    }
  };

  const arrive = (request: FetchRequest, value: ValueId): void => {
    if (request.isWanted) handlers.onFetched(request, value);
    else store.values.release(value);
  };

  const onObjectEnd = (): void => {
    if (current === undefined) return;
    const ended = current;
    current = undefined;
    const { request, builder, taken } = ended;
    if (!request.isWanted) {
      builder.abort();
      taken(false);
      return;
    }
    const value = builder.finishNow();
    if (value !== undefined) {
      arrive(request, value);
      taken(true);
    } else void finishLater(ended);
  };

  const disconnect = (): void => {
    current?.builder.abort();
    current = undefined;
    clearTimeout(idleTimer);
    connection?.destroy();
    connection = undefined;
    source = undefined;
  };

  const takeOpen = (): FetchRequest[] => {
    const requests = [...(current === undefined ? [] : [current.request]), ...open.values()];
    open.clear();
    return requests;
  };

  const onClose = (reason: string): void => {
    const lost = takeOpen();
    disconnect();
    if (lost.length === 0) return;
    log("warning", "lost the connection to a worker while fetching", {
      worker: workerId,
      objects: lost.length,
      reason,
    });
    fail(lost);
  };

  const prove = async (welcome: HolderWelcome): Promise<string | undefined> => {
    const token = await findToken(welcome);
    if (token !== undefined) {
      const { tokenPath, dataDirectory } = welcome;
      source = { tokenPath, dataDirectory, token };
    }
    return token;
  };

  const connect = (): PullConnection =>
    openPullConnection(
      { host, port, identity, security, ...(options.sharesFiles && { prove }) },
      { onAnswer, onPayload, onObjectEnd, onClose },
    );

  const pull = (requests: readonly FetchRequest[], format: PullFormat): void => {
    connection ??= connect();
    clearTimeout(idleTimer);
    connection.pull(
      requests.map((request) => {
        lastRequestId = (lastRequestId + 1) >>> 0;
        request.requestId = lastRequestId;
        open.set(lastRequestId, request);
        const { task, attempt, vainRedirects } = request;
        const mayRedirect = vainRedirects < VAIN_REDIRECTS_MAX;
        const hasComeBack = vainRedirects > 0;
        return { requestId: lastRequestId, task, attempt, format, mayRedirect, hasComeBack };
      }),
    );
  };

  return {
    address,
    ask: (requests) => pull(requests, options.sharesFiles ? FORMAT_TREE_OR_FILES : FORMAT_TREE),
    abandon: (request) => {
      request.isWanted = false;
      if (open.get(request.requestId) === request) connection?.cancel(request.requestId);
    },
    close: () => {
      isClosed = true;
      const requests = takeOpen();
      disconnect();
      return requests;
    },
  };
}
