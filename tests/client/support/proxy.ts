import { connect, createServer, type Socket } from "node:net";

/** Passes connections on to a port of this host, until it is told to cut them. */
export type CuttingProxy = AsyncDisposable & {
  readonly address: string;
  /** Connections that were accepted so far. */
  readonly accepted: number;
  /** Bytes that came from the server so far. */
  readonly receivedBytes: number;
  /** Breaks all connections. */
  cut(): void;
  /** While it refuses, nobody comes through. */
  refuses: boolean;
  /** Cuts as soon as so many more bytes have come from the server. */
  cutAfter(bytes: number): void;
};

export async function startProxy(port: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  const state = { accepted: 0, receivedBytes: 0, cutAt: Infinity };
  const server = createServer((inner) => {
    if (proxy.refuses) {
      inner.destroy();
      return;
    }
    state.accepted += 1;
    const outer = connect(port, "127.0.0.1");
    for (const socket of [inner, outer]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        inner.destroy();
        outer.destroy();
      });
    }
    inner.on("data", (chunk) => outer.write(chunk));
    outer.on("data", (chunk) => {
      state.receivedBytes += chunk.length;
      if (state.receivedBytes < state.cutAt) {
        inner.write(chunk);
        return;
      }
      state.cutAt = Infinity;
      inner.write(chunk.subarray(0, chunk.length >> 1), () => inner.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  const ownPort = typeof address === "object" && address !== null ? address.port : 0;
  const proxy = {
    address: `127.0.0.1:${ownPort}`,
    get accepted() {
      return state.accepted;
    },
    get receivedBytes() {
      return state.receivedBytes;
    },
    refuses: false,
    cut(): void {
      for (const socket of sockets) socket.destroy();
    },
    cutAfter(bytes: number): void {
      state.cutAt = state.receivedBytes + bytes;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return proxy;
}
