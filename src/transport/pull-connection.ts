import { encodeFromPuller } from "../protocol/peer/codec.ts";
import {
  type FORMAT_CLIENT_FRAMES,
  type FORMAT_TREE,
  type FromHolder,
  PEER_PROTOCOL_VERSION,
} from "../protocol/peer/messages.ts";
import { createPeerReader, type PayloadPosition } from "../protocol/peer/peer-reader.ts";
import { ProtocolError } from "../protocol/protocol-error.ts";
import { connectTcp } from "./connect-tcp.ts";
import type { TcpConnection } from "./tcp-connection.ts";

/** Requests in one frame, well below its limit in bytes. */
const REQUESTS_PER_FRAME = 16_384;
const PEER_TIMEOUT_MS = 10_000;

export type PullRequest = {
  /** The caller's number, which comes back with the answer. */
  readonly requestId: number;
  readonly task: number;
  readonly attempt: number;
  readonly format: typeof FORMAT_TREE | typeof FORMAT_CLIENT_FRAMES;
  /** Bytes of client frames to leave out at their start. Default 0. */
  readonly fromBytes?: number;
};

/** An answer to one request; an `object` or `object-frames` is followed by its payload. */
export type PullAnswer = Exclude<FromHolder, { readonly kind: "refused" }>;

/** What arrives, in the order of the requests. A ProtocolError that one throws closes the connection. */
export type PullHandlers = {
  readonly onAnswer: (answer: PullAnswer) => void;
  /** A view of a received chunk, valid until the next turn of the event loop and after if kept. */
  readonly onPayload: (bytes: Uint8Array, at: PayloadPosition) => void;
  /** The payload of the object announced last is complete. */
  readonly onObjectEnd: () => void;
  /** Called once, last, unless it was destroyed here: what is unanswered will not be answered. */
  readonly onClose: (reason: string) => void;
};

export type PullConnection = {
  /** Asks for objects. Requests made before the connection stands wait for it. */
  pull(requests: readonly PullRequest[]): void;
  /** See `FromPuller`: an answer comes nevertheless. */
  cancel(requestId: number): void;
  /** Stops the stream of answers, and with it the holder. */
  pause(): void;
  resume(): void;
  destroy(): void;
};

export type PullOptions = {
  readonly host: string;
  readonly port: number;
  /** Of the run of the server that both sides belong to. */
  readonly serverId: string;
};

/** Connects to a worker's data port and pulls objects from it. */
export function openPullConnection(
  { host, port, serverId }: PullOptions,
  handlers: PullHandlers,
): PullConnection {
  let connection: TcpConnection | undefined;
  let queued: Uint8Array[] = [
    encodeFromPuller({ kind: "hello", serverId, version: PEER_PROTOCOL_VERSION }),
  ];
  let isPaused = false;
  let isOver = false;
  const aborting = new AbortController();

  const close = (reason: string): void => {
    if (isOver) return;
    isOver = true;
    connection?.destroy();
    handlers.onClose(reason);
  };

  const reader = createPeerReader({
    onMessage: (message) => {
      if (message.kind === "refused") close(`refused: ${message.reason}`);
      else if (!isOver) handlers.onAnswer(message);
    },
    onPayload: (bytes, at) => {
      if (!isOver) handlers.onPayload(bytes, at);
    },
    onObjectEnd: () => {
      if (!isOver) handlers.onObjectEnd();
    },
  });

  const send = (frame: Uint8Array): void => {
    if (connection === undefined) queued.push(frame);
    else connection.send(frame);
  };

  const attach = (attached: TcpConnection): void => {
    connection = attached;
    for (const frame of queued) attached.send(frame);
    queued = [];
    if (isPaused) attached.pause();
  };

  const options = { host, port, timeoutMs: PEER_TIMEOUT_MS, signal: aborting.signal };
  connectTcp(options, (attached) => {
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
        const some = requests.slice(start, start + REQUESTS_PER_FRAME);
        send(
          encodeFromPuller({
            kind: "pull",
            requests: {
              requestIds: Uint32Array.from(some, ({ requestId }) => requestId),
              tasks: Uint32Array.from(some, ({ task }) => task),
              attempts: Uint32Array.from(some, ({ attempt }) => attempt),
              formats: Uint8Array.from(some, ({ format }) => format),
              fromBytes: Float64Array.from(some, ({ fromBytes = 0 }) => fromBytes),
            },
          }),
        );
      }
    },
    cancel: (requestId) => send(encodeFromPuller({ kind: "cancel", requestId })),
    pause() {
      isPaused = true;
      connection?.pause();
    },
    resume() {
      isPaused = false;
      connection?.resume();
    },
    destroy() {
      isOver = true;
      aborting.abort();
      connection?.destroy();
    },
  };
}
