import { connect, createServer, type Socket } from "node:net";

/** Passes bytes on between those who connect and a port of this machine, until it is told to cut. */
export type TestProxy = AsyncDisposable & {
  readonly port: number;
  /** Connections end; nobody comes through until `mend`. */
  cut(): void;
  mend(): void;
  /** Where those who connect are led from now on. */
  leadTo(port: number): void;
};

export async function startProxy(targetPort: number): Promise<TestProxy> {
  const sockets = new Set<Socket>();
  let target = targetPort;
  let isCut = false;
  const own = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((near) => {
    own(near);
    if (isCut) {
      near.destroy();
      return;
    }
    const far = own(connect({ port: target, host: "127.0.0.1" }));
    near.pipe(far).pipe(near);
    near.once("close", () => far.destroy());
    far.once("close", () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    cut: () => {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    mend: () => {
      isCut = false;
    },
    leadTo: (port) => {
      target = port;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
