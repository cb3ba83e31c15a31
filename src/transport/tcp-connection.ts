import type { Socket } from "node:net";
import type { Role } from "../core/model/roles.ts";
import type { Receiver } from "./receiver.ts";
import type { ConnectionEnds } from "./security/addresses.ts";
import { atTurnEnd } from "./turn-end.ts";

/** Small sends of one turn of the event loop are joined up to this size before they are written. */
const JOIN_BYTES = 256 * 1024;

/** After so long without a byte the peer's machine is asked whether it is there, then ten times, once a second. */
const KEEP_ALIVE_MS = 15_000;

/** How long a peer may take to close its side after we ended ours. */
const LINGER_MS = 1000;

/** What a connection tells its owner. Neither may throw. */
export type TcpHandlers = {
  /** The next received bytes; the chunk belongs to the handler, unless the connection has a `Receiver`. */
  readonly onData: (chunk: Uint8Array) => void;
  /** Called once, last: the peer ended, the connection broke (`error`), or it was destroyed here. */
  readonly onClose: (error: Error | undefined) => void;
};

/** A byte stream to a peer, with its back-pressure in view. */
export type TcpConnection = AsyncDisposable & {
  /** The peer, as `address:port`. */
  readonly remote: string;
  readonly remoteHost: string;
  readonly remotePort: number;
  /** The address of this machine that the connection goes through. */
  readonly localHost: string;
  readonly localPort: number;
  /** What the peer's certificate says; undefined on a connection without TLS. */
  readonly certifiedRole: Role | undefined;
  /** The peer has shown that it belongs here: it is counted among strangers no more. */
  admit(): void;
  readonly isClosed: boolean;
  /** Bytes given to `send` that the operating system has not taken yet. */
  readonly unsentBytes: number;
  /** Bytes received in all. */
  readonly receivedBytes: number;
  /**
   * Queues the bytes, which must not change until they are sent. What is sent while one event is
   * handled is written at once when that is done, and what other events of the same turn of the
   * event loop send is written together at its end. Ignored after the connection closed.
   */
  send(bytes: Uint8Array): void;
  /**
   * Resolves when at most `unsentBytes` of what has been sent up to now are still unsent, or the
   * connection is closed; never rejects.
   */
  drained(unsentBytes?: number): Promise<void>;
  /** Stops and continues `onData`; while stopped, the peer is slowed down. */
  pause(): void;
  resume(): void;
  /** Closes once everything queued is sent. What still arrives is thrown away. */
  end(): void;
  /** Closes now; what is unsent is lost. */
  destroy(): void;
};

export const endsOf = (socket: Socket): ConnectionEnds => ({
  localHost: socket.localAddress ?? "unknown",
  localPort: socket.localPort ?? 0,
  remoteHost: socket.remoteAddress ?? "unknown",
  remotePort: socket.remotePort ?? 0,
});

/** What is known of a socket beside itself. */
export type PeerFacts = {
  readonly role?: Role | undefined;
  readonly admit?: () => void;
};

/** Takes over a connected socket. `handlers` is asked for once, with the connection. */
export function attachConnection(
  socket: Socket,
  handlersOf: (connection: TcpConnection) => TcpHandlers,
  receiver?: Receiver,
  { role, admit = () => {} }: PeerFacts = {},
): TcpConnection {
  const { remoteHost, remotePort, localHost, localPort } = endsOf(socket);
  const remote = `${remoteHost}:${remotePort}`;
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let isFlushScheduled = false;
  let wroteThisTurn = false;
  let queuedBytes = 0;
  let writtenBytes = 0;
  let receivedBytes = 0;
  let ending = false;
  let closed = false;
  let failure: Error | undefined;
  /** Oldest first; their targets rise as the limits allow, so all are looked at. */
  let waiting: { readonly targetBytes: number; readonly resolve: () => void }[] = [];

  const write = (bytes: Uint8Array): void => {
    const { length } = bytes;
    socket.write(bytes, () => {
      writtenBytes += length;
      if (waiting.length === 0) return;
      const still = waiting.filter(({ targetBytes }) => targetBytes > writtenBytes);
      const done = waiting.filter(({ targetBytes }) => targetBytes <= writtenBytes);
      waiting = still;
      for (const { resolve } of done) resolve();
    });
  };

  const flush = (): void => {
    if (closed || pending.length === 0) return;
    const [first] = pending;
    if (pending.length === 1 && first !== undefined) write(first);
    else if (pendingBytes <= JOIN_BYTES) write(Buffer.concat(pending, pendingBytes));
    else {
      socket.cork();
      for (const bytes of pending) write(bytes);
      socket.uncork();
    }
    pending = [];
    pendingBytes = 0;
  };

  /** An answer to the only event of a turn goes out without a wait for the turn's end. */
  const flushPromptly = (): void => {
    isFlushScheduled = false;
    if (closed || pending.length === 0) return;
    wroteThisTurn = true;
    setImmediate(flushLate);
    flush();
  };
  const flushLate = (): void => {
    wroteThisTurn = false;
    flush();
  };

  const connection: TcpConnection = {
    remote,
    remoteHost,
    remotePort,
    localHost,
    localPort,
    certifiedRole: role,
    admit,
    get isClosed() {
      return closed;
    },
    get unsentBytes() {
      return queuedBytes - writtenBytes;
    },
    get receivedBytes() {
      return receivedBytes;
    },
    send(bytes) {
      if (closed || ending || bytes.length === 0) return;
      pending.push(bytes);
      pendingBytes += bytes.length;
      queuedBytes += bytes.length;
      if (pendingBytes > JOIN_BYTES) flush();
      else if (!isFlushScheduled && !wroteThisTurn) {
        isFlushScheduled = true;
        atTurnEnd(flushPromptly);
      }
    },
    drained(unsentBytes = 0) {
      const targetBytes = queuedBytes - unsentBytes;
      if (closed || targetBytes <= writtenBytes) return Promise.resolve();
      return new Promise((resolve) => waiting.push({ targetBytes, resolve }));
    },
    pause: () => void (ending || (receiver ?? socket).pause()),
    resume: () => void (receiver ?? socket).resume(),
    end() {
      if (ending || closed) return;
      flush();
      ending = true;
      // Closing at once would reset the connection, and the peer might not read our last words.
      socket.once("finish", () => {
        const timer = setTimeout(() => socket.destroy(), LINGER_MS);
        socket.once("close", () => clearTimeout(timer));
      });
      socket.end();
      socket.resume();
    },
    destroy: () => void socket.destroy(),
    async [Symbol.asyncDispose]() {
      if (closed) return;
      const gone = new Promise<void>((resolve) => socket.once("close", () => resolve()));
      socket.destroy();
      await gone;
    },
  };

  socket.setNoDelay(true);
  // A peer that vanished without a word is found within half a minute, also where nothing is to be said.
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  const { onData, onClose } = handlersOf(connection);
  const take = (chunk: Uint8Array): void => {
    if (ending) return;
    receivedBytes += chunk.length;
    onData(chunk);
  };
  if (receiver === undefined) socket.on("data", take);
  else receiver.start(socket, take);
  socket.on("error", (error) => {
    failure = error;
  });
  // A peer that only ended its side has left; nothing is of use to it any more.
  socket.on("end", () => {
    if (!ending) socket.destroy();
  });
  socket.on("close", () => {
    closed = true;
    pending = [];
    const all = waiting;
    waiting = [];
    for (const { resolve } of all) resolve();
    onClose(failure);
  });
  return connection;
}
