import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type Confinement, UNCONFINED } from "../access/confinement.ts";
import type { Log } from "../core/base/log.ts";
import { listenTcp, type TcpListener } from "../transport/listen-tcp.ts";
import { createMemberKey } from "../transport/security/connection-proof.ts";
import type { Credentials } from "../transport/security/credentials.ts";
import type { TcpConnection, TcpHandlers } from "../transport/tcp-connection.ts";
import { acceptConnection } from "./accept-connection.ts";
import type { Doorkeeping } from "./admit.ts";
import { closePullers } from "./clients/pullers.ts";
import { createEngine, type Engine } from "./engine.ts";
import { openJournal } from "./journal/open-journal.ts";
import { restoreEngine } from "./journal/restore-engine.ts";
import { createRefusalLog } from "./refusal-log.ts";

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
  /** Which files clients may name; default: all. */
  readonly files?: Confinement | undefined;
  /** Who is let in beside this user's own processes on this machine. */
  readonly access?: ServerAccess | undefined;
  /** Directory of the journal; absent: everything is in memory, and ends with the server. */
  readonly journal?: string | undefined;
  readonly log: Log;
};

export type ServerAccess = {
  /** By which the holders of access files are known on this machine. */
  readonly keys: Doorkeeping["keys"];
  /** The server's own certificate, of now; without it, all other machines are refused. */
  readonly credentials?: (() => Credentials | undefined) | undefined;
  /** A second port, in the clear, for clients that show nothing of who they are. */
  readonly insecureLegacyPort?: number | undefined;
};

export type Server = AsyncDisposable & {
  readonly port: number;
  /** Names this run. */
  readonly serverId: string;
  /** Names what outlives it. */
  readonly clusterId: string;
  /** Resolves when a client has asked for the server's end. */
  readonly ended: Promise<void>;
};

/**
 * Starts a server. Rejects with the operating system's error when it cannot listen. Disposal stops
 * the workers and closes all connections.
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { log, access } = options;
  const credentials = access?.credentials ?? (() => undefined);
  let onTerminate = (): void => {};
  let isTerminated = false;
  const ended = new Promise<void>((resolve) => {
    onTerminate = resolve;
  });
  const opened =
    options.journal === undefined
      ? undefined
      : await openJournal({ directory: options.journal, log, onLost: () => onJournalLost() });
  const onJournalLost = (): void => {
    log("error", "another server has taken the journal: this one ends");
    onTerminate();
  };
  const engine = createEngine({
    unsatisfiableAfterMs: options.unsatisfiableAfterMs ?? 60_000,
    clientGraceMs: options.clientGraceMs ?? 30_000,
    serverId: randomUUID(),
    journaledClusterId: opened?.clusterId,
    security: { memberKey: createMemberKey(access?.keys.worker), credentials },
    files: options.files ?? UNCONFINED,
    log,
    onTerminate: () => {
      isTerminated = true;
      onTerminate();
    },
  });
  if (opened !== undefined) {
    await restoreEngine(engine, opened).catch(async (error: unknown) => {
      await opened.release();
      throw error;
    });
  }
  const doorkeeping: Doorkeeping = {
    clusterId: engine.clusterId,
    keys: access?.keys ?? {},
    isLegacyPort: false,
    logRefusal: createRefusalLog(log),
  };
  const listener = await listenTcp(
    { host: options.host, port: options.port, credentials: access?.credentials },
    (connection) => acceptConnection(engine, connection, doorkeeping),
  );
  const legacyListener = await listenLegacy(options, (connection) =>
    acceptConnection(engine, connection, { ...doorkeeping, isLegacyPort: true }),
  ).catch(async (error: unknown) => {
    await listener[Symbol.asyncDispose]();
    throw error;
  });
  const tick = setInterval(() => engine.step({ kind: "time-passed" }), TICK_MS);
  log("info", "server listens", { host: listener.host, port: listener.port });
  if (opened === undefined) {
    log("info", "no journal is kept: plans and results are lost when the server ends");
  }
  return {
    port: listener.port,
    serverId: engine.serverId,
    clusterId: engine.clusterId,
    ended,
    async [Symbol.asyncDispose]() {
      clearInterval(tick);
      listener.close();
      legacyListener?.close();
      const { journal } = engine;
      // With a journal another server goes on, unless a client asked for the end of all.
      const goesOn = journal !== undefined && !isTerminated;
      if (isTerminated) endClients(engine);
      // What follows is no news for the next server.
      await journal?.[Symbol.asyncDispose]();
      for (const worker of engine.workers.values()) {
        if (!goesOn) worker.send({ kind: "stop" });
        worker.end();
      }
      for (const client of engine.clients.values()) {
        client.end(goesOn ? undefined : "It was stopped.");
      }
      const deadlineMs = performance.now() + STOP_GRACE_MS;
      while (engine.workers.size > 0 && performance.now() < deadlineMs) await delay(5);
      closePullers(engine);
      engine.trace?.close();
      await listener[Symbol.asyncDispose]();
      await legacyListener?.[Symbol.asyncDispose]();
      log("info", "server ended");
    },
  };
}

/** Nothing of theirs is left for another server. */
function endClients(engine: Engine): void {
  for (const clientId of [...engine.state.clients.keys()]) {
    engine.step({ kind: "client-left", clientId });
  }
}

async function listenLegacy(
  { host, access, log }: ServerOptions,
  handlersOf: (connection: TcpConnection) => TcpHandlers,
): Promise<TcpListener | undefined> {
  const port = access?.insecureLegacyPort;
  if (port === undefined) return undefined;
  const listener = await listenTcp({ host, port }, handlersOf);
  log("warning", "INSECURE: whoever reaches the legacy port can run programs on the workers", {
    host: listener.host,
    port: listener.port,
  });
  return listener;
}
