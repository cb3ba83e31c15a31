import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { KEEP_ALIVE } from "./keep-alive.ts";
import type { Receiver } from "./receiver.ts";
import {
  type ConnectSecurity,
  type SecuredSocket,
  secureConnection,
  UntrustedPeerError,
} from "./security/connect-securely.ts";
import {
  attachConnection,
  endsOf,
  type TcpConnection,
  type TcpHandlers,
} from "./tcp-connection.ts";

/** Nobody listens at the address, or no way leads there. */
export class NotReachableError extends Error {
  override readonly name = "NotReachableError";
}

export type ConnectOptions = {
  readonly host: string;
  readonly port: number;
  /** While nobody listens, tries again every 20 ms for so long. Default 0. */
  readonly retryForMs?: number;
  /** Time for one try; default 10 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Receives in place of the connection; a new one for each. */
  readonly receiver?: Receiver;
  /** Whom we trust. Without it, anybody who is there. */
  readonly security?: ConnectSecurity | undefined;
};

const RETRY_EVERY_MS = 20;
const CONNECT_TIMEOUT_MS = 10_000;

/** Connects. Throws a NotReachableError, an UntrustedPeerError, or the signal's reason. */
export async function connectTcp(
  options: ConnectOptions,
  handlersOf: (connection: TcpConnection) => TcpHandlers,
): Promise<TcpConnection> {
  const { host, port, retryForMs = 0, signal } = options;
  const startMs = performance.now();
  for (;;) {
    signal?.throwIfAborted();
    try {
      const { socket, role } = await openSecured(options);
      return attachConnection(socket, handlersOf, options.receiver, { role });
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof UntrustedPeerError) {
        throw new UntrustedPeerError(`${host}:${port} is not trusted: ${error.message}`, {
          cause: error,
        });
      }
      const refused = (error as NodeJS.ErrnoException).code === "ECONNREFUSED";
      if (!refused || performance.now() - startMs > retryForMs) {
        const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
        throw new NotReachableError(`${host}:${port} is not reachable: ${reason}`, {
          cause: error,
        });
      }
      await delay(RETRY_EVERY_MS, undefined, signal === undefined ? {} : { signal });
    }
  }
}

async function openSecured(options: ConnectOptions): Promise<SecuredSocket> {
  const { security, signal, timeoutMs = CONNECT_TIMEOUT_MS } = options;
  const socket = await openSocket(options);
  if (security === undefined) return { socket, role: undefined };
  const onAbort = (): void => void socket.destroy();
  // That it was broken meanwhile is seen below.
  const ignore = (): void => {};
  socket.on("error", ignore);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const secured = await secureConnection(socket, endsOf(socket), security, timeoutMs);
    // It would tell nobody any more that it is closed.
    if (secured.socket.destroyed) throw new Error("it closed the connection at once");
    return secured;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    socket.off("error", ignore);
  }
}

function openSocket(options: ConnectOptions): Promise<Socket> {
  const { host, port, timeoutMs, signal, receiver } = options;
  return new Promise((resolve, reject) => {
    const onread = receiver && { onread: receiver.onread };
    const socket = connect({ host, port, noDelay: true, ...KEEP_ALIVE, ...onread });
    const onAbort = (): void => void socket.destroy(new Error("aborted"));
    const limitMs = timeoutMs ?? CONNECT_TIMEOUT_MS;
    const timer = setTimeout(
      () => socket.destroy(new Error(`no answer in ${limitMs} ms`)),
      limitMs,
    );
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.once("connect", () => {
      settle();
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", (error) => {
      settle();
      reject(error);
    });
  });
}
