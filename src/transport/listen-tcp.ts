import { type AddressInfo, createServer, type Socket } from "node:net";
import { attachConnection, type TcpConnection, type TcpHandlers } from "./tcp-connection.ts";

export type ListenOptions = {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
};

export type TcpListener = AsyncDisposable & {
  readonly host: string;
  readonly port: number;
  /** Accepts no more; the connections that there are stay. */
  close(): void;
};

/** Listens. Rejects with the operating system's error, such as `EADDRINUSE`. Disposal closes all its connections. */
export async function listenTcp(
  { host, port }: ListenOptions,
  handlersOf: (connection: TcpConnection) => TcpHandlers,
): Promise<TcpListener> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true, highWaterMark: 256 * 1024 }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    attachConnection(socket, handlersOf);
  });
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
