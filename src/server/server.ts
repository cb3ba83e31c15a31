import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "../core/base/log.ts";
import { listenTcp } from "../transport/listen-tcp.ts";
import { acceptConnection } from "./accept-connection.ts";
import { closePullers } from "./clients/pullers.ts";
import { createEngine } from "./engine.ts";

const TICK_MS = 1_000;
/** How long workers may take to hear that they are to stop. */
const STOP_GRACE_MS = 1_000;

export type ServerOptions = {
  /** Address to listen on. */
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** How long a request that no worker can satisfy waits before its task fails; default 60 s. */
  readonly unsatisfiableAfterMs?: number;
  /** How long a client whose connection broke is waited for, and its plans go on; default 30 s. */
  readonly clientGraceMs?: number;
  readonly log: Log;
};

export type Server = AsyncDisposable & {
  readonly port: number;
  /** Resolves when a client has asked for the server's end. */
  readonly ended: Promise<void>;
};

/**
 * Starts a server. Rejects with the operating system's error when it cannot listen. Disposal stops
 * the workers and closes all connections.
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { log } = options;
  let onTerminate = (): void => {};
  const ended = new Promise<void>((resolve) => {
    onTerminate = resolve;
  });
  const engine = createEngine({
    unsatisfiableAfterMs: options.unsatisfiableAfterMs ?? 60_000,
    clientGraceMs: options.clientGraceMs ?? 30_000,
    serverId: randomUUID(),
    journal: undefined,
    log,
    onTerminate: () => onTerminate(),
  });
  const listener = await listenTcp({ host: options.host, port: options.port }, (connection) =>
    acceptConnection(engine, connection),
  );
  const tick = setInterval(() => engine.step({ kind: "time-passed" }), TICK_MS);
  log("info", "server listens", { host: listener.host, port: listener.port });
  return {
    port: listener.port,
    ended,
    async [Symbol.asyncDispose]() {
      clearInterval(tick);
      listener.close();
      for (const worker of engine.workers.values()) {
        worker.send({ kind: "stop" });
        worker.end();
      }
      for (const client of engine.clients.values()) client.end("It was stopped.");
      const deadlineMs = performance.now() + STOP_GRACE_MS;
      while (engine.workers.size > 0 && performance.now() < deadlineMs) await delay(5);
      closePullers(engine);
      engine.trace?.close();
      await listener[Symbol.asyncDispose]();
      log("info", "server ended");
    },
  };
}
