import { type AddressInfo, createServer, type Socket } from "node:net";
import { KEEP_ALIVE } from "./keep-alive.ts";
import { beginsWithTls, createTlsAcceptor } from "./security/accept-tls.ts";
import type { Credentials } from "./security/credentials.ts";
import { createStrangers } from "./security/strangers.ts";
import { attachConnection, type TcpConnection, type TcpHandlers } from "./tcp-connection.ts";

export type ListenOptions = {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** With it, TLS is spoken with whoever begins with that. Asked at each, for they are renewed. */
  readonly credentials?: (() => Credentials | undefined) | undefined;
};

export type TcpListener = AsyncDisposable & {
  readonly host: string;
  readonly port: number;
  /** Accepts no more; the connections that there are stay. */
  close(): void;
};

/**
 * Listens. Rejects with the operating system's error, such as `EADDRINUSE`. Disposal closes all its
 * connections. Each counts as a stranger, of whom there are not too many, until it is admitted.
 */
export async function listenTcp(
  { host, port, credentials }: ListenOptions,
  handlersOf: (connection: TcpConnection) => TcpHandlers,
): Promise<TcpListener> {
  const sockets = new Set<Socket>();
  const strangers = createStrangers();
  const acceptTls = credentials === undefined ? undefined : createTlsAcceptor(credentials);

  const secure = async (socket: Socket, admit: () => void): Promise<void> => {
    const ignore = (): void => {};
    socket.on("error", ignore);
    const isTls = await beginsWithTls(socket);
    if (!isTls) {
      socket.off("error", ignore);
      if (socket.destroyed) return;
      attachConnection(socket, handlersOf, undefined, { admit });
      socket.resume();
      return;
    }
    const secured = await acceptTls?.(socket);
    if (secured === undefined) return;
    attachConnection(secured.socket, handlersOf, undefined, { admit, role: secured.role });
  };

  const server = createServer(
    { noDelay: true, ...KEEP_ALIVE, highWaterMark: 256 * 1024 },
    (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      const admit = strangers.enter(socket.remoteAddress ?? "", () => socket.destroy());
      socket.once("close", admit);
      if (acceptTls === undefined) attachConnection(socket, handlersOf, undefined, { admit });
      else void secure(socket, admit);
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: 1024 }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
  // Later errors are of single accepts, such as too many open files: that peer sees a reset, others nothing.
  server.on("error", () => {});
  const { address, port: boundPort } = server.address() as AddressInfo;
  return {
    host: address,
    port: boundPort,
    close: () => void server.close(),
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
