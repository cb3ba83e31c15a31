import { encodeFromPuller } from "../protocol/peer/codec.ts";
import {
  type FromHolder,
  type FromPuller,
  PEER_PROTOCOL_VERSION,
  type PullFormat,
} from "../protocol/peer/messages.ts";
import { createPeerReader, type PayloadPosition } from "../protocol/peer/peer-reader.ts";
import { ProtocolError } from "../protocol/protocol-error.ts";
import { connectTcp } from "./connect-tcp.ts";
import { createReceiver } from "./receiver.ts";
import type { ConnectSecurity } from "./security/connect-securely.ts";
import {
  holderStatement,
  isProofOfPeer,
  membershipStatement,
  proveKey,
} from "./security/connection-proof.ts";
import type { TcpConnection } from "./tcp-connection.ts";

/** Requests in one frame, well below its limit in bytes. */
const REQUESTS_PER_FRAME = 16_384;
const PEER_TIMEOUT_MS = 10_000;

export type PullRequest = {
  /** The caller's number, which comes back with the answer. */
  readonly requestId: number;
  readonly task: number;
  readonly attempt: number;
  readonly format: PullFormat;
  /** Whether the answer may be `redirected`. Default false. */
  readonly mayRedirect?: boolean;
  /** It was redirected before, in vain. Default false. */
  readonly hasComeBack?: boolean;
  /** Bytes of client frames to leave out at their start. Default 0. */
  readonly fromBytes?: number;
};

/** An answer to one request; an `object` or `object-frames` is followed by its payload. */
export type PullAnswer = Exclude<FromHolder, { readonly kind: "refused" | "welcome" }>;

export type HolderWelcome = Extract<FromHolder, { readonly kind: "welcome" }>;

/** What arrives, in its order. A ProtocolError that one throws closes the connection. */
export type PullHandlers = {
  readonly onAnswer: (answer: PullAnswer) => void;
  /**
   * A view of received memory, to be copied before the call returns, or valid until the promise has
   * settled. Whoever takes its time so slows down the holder.
   */
  readonly onPayload: (bytes: Uint8Array, at: PayloadPosition) => Promise<unknown> | undefined;
  /** The payload of the object announced last is complete. */
  readonly onObjectEnd: () => void;
  /** Called once, last, unless it was destroyed here: what is unanswered will not be answered. */
  readonly onClose: (reason: string) => void;
};

export type PullConnection = {
  /** Asks for objects. Requests made before the connection stands wait for it. */
  pull(requests: readonly PullRequest[]): void;
  /** See `FromPuller`. */
  taken(requestId: number, isComplete: boolean): void;
  /** See `FromPuller`: an answer comes nevertheless. */
  cancel(requestId: number): void;
  destroy(): void;
};

/** Who pulls. */
export type PullerIdentity =
  /** The server, or a worker that serves itself at the port. */
  | {
      /** Of the run of the server that both sides belong to. */
      readonly serverId: string;
      readonly workerId?: number;
      readonly port?: number;
      /** The secret of all workers. */
      readonly memberKey: Uint8Array;
    }
  /** A client that was sent by the server. */
  | { readonly ticket: Uint8Array };

export type PullOptions = {
  readonly host: string;
  readonly port: number;
  readonly identity: PullerIdentity;
  /** Which holders are trusted; default: whoever is there. */
  readonly security?: ConnectSecurity | undefined;
  /**
   * Finds the secret that the holder's welcome leads to, if the same files are seen here; never
   * rejects. Requests wait for it. Without it, the holder is asked for bytes alone.
   */
  readonly prove?: (welcome: HolderWelcome) => Promise<string | undefined>;
};

/** Connects to a worker's data port and pulls objects from it. */
export function openPullConnection(
  { host, port, identity, security, prove }: PullOptions,
  handlers: PullHandlers,
): PullConnection {
  let connection: TcpConnection | undefined;
  /** What waits for the connection, and behind the hello for the proof. */
  let queued: Uint8Array[] | undefined = [];
  let isOver = false;
  /** The holder has shown who it is; for a client's ticket, the connection has. */
  let isWelcomed = "ticket" in identity;
  const aborting = new AbortController();
  const receiver = createReceiver();

  const close = (reason: string): void => {
    if (isOver) return;
    isOver = true;
    connection?.destroy();
    handlers.onClose(reason);
  };

  const sendQueued = (): void => {
    for (const frame of queued ?? []) connection?.send(frame);
    queued = undefined;
  };

  /** Whoever took a worker's port after its end does not have its secret. */
  const isHolder = ({ proof }: HolderWelcome): boolean => {
    if ("ticket" in identity || connection === undefined) return true;
    if (connection.certifiedRole !== undefined) return true;
    const statement = holderStatement(identity.serverId);
    return isProofOfPeer(proof, identity.memberKey, connection, statement);
  };

  const onWelcome = async (welcome: HolderWelcome): Promise<void> => {
    if (prove === undefined || queued === undefined) return;
    const token = await prove(welcome);
    if (token !== undefined) connection?.send(encodeFromPuller({ kind: "proof", token }));
    sendQueued();
  };

  const reader = createPeerReader({
    onMessage: (message) => {
      if (isOver) return;
      if (message.kind === "refused") close(`refused: ${message.reason}`);
      else if (message.kind === "welcome") {
        if (!isHolder(message)) close("it is no worker of this cluster");
        else {
          isWelcomed = true;
          void onWelcome(message);
        }
      } else if (isWelcomed) handlers.onAnswer(message);
      else close("it has not shown who it is");
    },
    onPayload: (bytes, at) => {
      if (isOver) return;
      const done = handlers.onPayload(bytes, at);
      if (done !== undefined) receiver.holdUntil(done);
    },
    onObjectEnd: () => {
      if (!isOver) handlers.onObjectEnd();
    },
  });

  const send = (frame: Uint8Array): void => {
    if (queued !== undefined) queued.push(frame);
    else connection?.send(frame);
  };

  const attach = (attached: TcpConnection): void => {
    connection = attached;
    attached.send(encodeFromPuller(firstMessage(identity, attached)));
    if (prove === undefined) sendQueued();
  };

  const { signal } = aborting;
  const address = { host, port, timeoutMs: PEER_TIMEOUT_MS };
  connectTcp({ ...address, signal, receiver, security }, (attached) => {
    if (isOver) attached.destroy();
    else attach(attached);
    return {
      onData: (chunk) => {
        if (isOver) return;
        try {
          reader.feed(chunk);
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
          close(`the peer broke the protocol: ${error.message}`);
        }
      },
      onClose: (error) => close(error?.message ?? "the peer closed the connection"),
    };
  }).catch((error: Error) => close(error.message));

  return {
    pull(requests) {
      for (let start = 0; start < requests.length; start += REQUESTS_PER_FRAME) {
        send(encodeRequests(requests.slice(start, start + REQUESTS_PER_FRAME)));
      }
    },
    taken: (requestId, isComplete) =>
      send(encodeFromPuller({ kind: "taken", requestId, isComplete })),
    cancel: (requestId) => send(encodeFromPuller({ kind: "cancel", requestId })),
    destroy() {
      isOver = true;
      aborting.abort();
      connection?.destroy();
    },
  };
}

function firstMessage(identity: PullerIdentity, connection: TcpConnection): FromPuller {
  const version = PEER_PROTOCOL_VERSION;
  if ("ticket" in identity) return { kind: "ticket", version, ticket: identity.ticket };
  const { serverId, workerId = 0, port = 0, memberKey } = identity;
  const statement = membershipStatement(serverId, workerId);
  const proof =
    connection.certifiedRole === undefined
      ? proveKey(memberKey, connection, statement)
      : new Uint8Array(0);
  return { kind: "hello", version, serverId, workerId, port, proof };
}

const redirectCode = ({ mayRedirect, hasComeBack }: PullRequest): number =>
  mayRedirect ? (hasComeBack ? 2 : 1) : 0;

function encodeRequests(requests: readonly PullRequest[]): Uint8Array {
  return encodeFromPuller({
    kind: "pull",
    requests: {
      requestIds: Uint32Array.from(requests, ({ requestId }) => requestId),
      tasks: Uint32Array.from(requests, ({ task }) => task),
      attempts: Uint32Array.from(requests, ({ attempt }) => attempt),
      formats: Uint8Array.from(requests, ({ format }) => format),
      mayRedirect: Uint8Array.from(requests, redirectCode),
      fromBytes: Float64Array.from(requests, ({ fromBytes = 0 }) => fromBytes),
    },
  });
}
