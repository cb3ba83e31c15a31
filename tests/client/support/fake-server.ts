import { createServer, type Server, type Socket } from "node:net";
import { BUILTIN_SYMBOLS, RESOURCE_PREFIX } from "../../../src/core/model/symbols.ts";
import {
  type ClientRequest,
  decodeClientRequest,
} from "../../../src/protocol/client/client-request.ts";
import {
  type ClientResponse,
  encodeClientResponse,
} from "../../../src/protocol/client/client-response.ts";
import { encodeFrameHeader } from "../../../src/protocol/client/frame.ts";
import { REGISTER_FRAME, REQUEST_FRAME } from "../../../src/protocol/client/frame-limit.ts";
import { FrameSplitter } from "../../../src/protocol/client/frame-splitter.ts";
import { decodeRegister, type Register } from "../../../src/protocol/client/register.ts";
import { ByteWriter } from "../../../src/protocol/wire/byte-writer.ts";

/** One connected client, as the fake server sees it. */
export type Peer = {
  readonly socket: Socket;
  readonly register: Register;
  send(response: ClientResponse): void;
  /** DATA and its frames. */
  sendData(id: number, dataType: number, frames: readonly Uint8Array[]): void;
};

export type FakeServerOptions = {
  /** Default: answers nothing. */
  readonly onRequest?: (request: ClientRequest, peer: Peer) => void;
  /** Default: sends the dictionary. */
  readonly onRegister?: (peer: Peer) => void;
  readonly symbols?: readonly string[];
};

export type FakeServer = AsyncDisposable & {
  readonly port: number;
  readonly address: string;
  readonly requests: ClientRequest[];
  readonly peers: Peer[];
};

/** A server of the client protocol that does what a test says, and computes nothing. */
export async function startFakeServer(options: FakeServerOptions = {}): Promise<FakeServer> {
  const { symbols = BUILTIN_SYMBOLS } = options;
  const requests: ClientRequest[] = [];
  const peers: Peer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    const splitter = new FrameSplitter(REGISTER_FRAME);
    let peer: Peer | undefined;
    socket.on("data", (chunk) => {
      splitter.push(chunk);
      for (let frame = splitter.next(); frame !== undefined; frame = splitter.next()) {
        if (peer === undefined) {
          peer = createPeer(socket, decodeRegister(frame));
          peers.push(peer);
          splitter.limit = REQUEST_FRAME;
          if (options.onRegister === undefined) peer.send({ kind: "dictionary", symbols });
          else options.onRegister(peer);
          continue;
        }
        const request = decodeClientRequest(frame, {
          resolveSymbol: (name) => EXTENSIONS + extensionNames(name),
          isTaskType: (id) => id >= EXTENSIONS || !symbols[id]?.startsWith(RESOURCE_PREFIX),
          isResource: (id) => id >= EXTENSIONS || symbols[id]?.startsWith(RESOURCE_PREFIX) === true,
        });
        requests.push(request);
        options.onRequest?.(request, peer);
      }
    });
  });
  const port = await listen(server);
  return {
    port,
    address: `127.0.0.1:${port}`,
    requests,
    peers,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const EXTENSIONS = 1000;
const names: string[] = [];

function extensionNames(name: string): number {
  if (!names.includes(name)) names.push(name);
  return names.indexOf(name);
}

function createPeer(socket: Socket, register: Register): Peer {
  return {
    socket,
    register,
    send(response) {
      const writer = new ByteWriter();
      encodeClientResponse(writer, response);
      socket.write(writer.take());
    },
    sendData(id, dataType, frames) {
      this.send({ kind: "data", id, dataType, frameCount: frames.length });
      for (const frame of frames) {
        socket.write(encodeFrameHeader(frame.length));
        socket.write(frame);
      }
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

/** Answers PLAN by finishing every result, and FETCH by the config of the task as raw data. */
export function finishEverything(): (request: ClientRequest, peer: Peer) => void {
  const configs = new Map<number, Uint8Array>();
  return (request, peer) => {
    if (request.kind === "plan") {
      const { idBase, taskCount, isResult, configs: ranges, bytes } = request.plan;
      for (let row = 0; row < taskCount; row++) {
        const start = ranges.starts[row] ?? 0;
        configs.set(idBase + row, bytes.slice(start, start + (ranges.lengths[row] ?? 0)));
        if (isResult[row] === 1) peer.send({ kind: "taskFinished", id: idBase + row });
      }
    } else if (request.kind === "fetch") {
      peer.sendData(request.id, 16, [configs.get(request.id) ?? new Uint8Array(0)]);
    } else if (request.kind === "stats") {
      peer.send({ kind: "stats", workerCount: 2, dataObjectCount: 3 });
    }
  };
}

/** Resolves when the condition holds; looks again every turn of the event loop, for at most 5 s. */
export async function until(condition: () => boolean): Promise<void> {
  const startMs = performance.now();
  while (!condition()) {
    if (performance.now() - startMs > 5000) throw new Error(`never true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
