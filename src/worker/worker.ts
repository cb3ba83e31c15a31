import { tmpdir } from "node:os";
import { assert } from "../core/base/assert.ts";
import { createDeferred } from "../core/base/deferred.ts";
import { bytesText } from "../core/base/units.ts";
import { HyperloomError } from "../core/model/errors.ts";
import type { ToWorker } from "../protocol/worker/messages.ts";
import { NotReachableError } from "../transport/connect-tcp.ts";
import { listenTcp, type TcpListener } from "../transport/listen-tcp.ts";
import { UntrustedPeerError } from "../transport/security/connect-securely.ts";
import { comeBack } from "./come-back.ts";
import type { TaskType } from "./extension.ts";
import { type Launcher, startLauncher } from "./launcher/launcher.ts";
import { findMemoryLimit } from "./memory/memory-limit.ts";
import { isInMemory, makeSpillPlace, type SpillPlace } from "./memory/spill-place.ts";
import { createSpiller } from "./memory/spiller.ts";
import { createWorkerMemory, type WorkerMemory } from "./memory/worker-memory.ts";
import { findLaunchers } from "./program-paths.ts";
import { createRegistration, listOffer, listResources } from "./registration.ts";
import { connectToServer, type ServerLink, type ServerLinkHandlers } from "./server-link.ts";
import { createStore, type Store } from "./store/store.ts";
import type { SharedFiles } from "./transfer/hand-over.ts";
import { createRedeemer } from "./transfer/redeem-ticket.ts";
import { createDataServer, type DataServer, type Membership } from "./transfer/serve-data.ts";
import { removeDeadDirectories } from "./work-directory/remove-dead.ts";
import { createWorkDirectory, type WorkDirectory } from "./work-directory/work-directory.ts";
import { createBody, type WorkerBody } from "./worker-body.ts";
import { passOf, type WorkerEnd, type WorkerOptions } from "./worker-options.ts";

/** How long a server that does not listen yet is tried. */
const RETRY_FOR_MS = 5000;
/** A server answers a registration at once; what does not, is something else. */
const WELCOME_TIMEOUT_MS = 10_000;
const PORT_TRIES_MAX = 5;

/** A worker that is registered. Disposal ends it, with all programs and all that it stored. */
export type Worker = AsyncDisposable & {
  readonly workerId: number;
  /** Where it serves data. */
  readonly host: string;
  readonly port: number;
  readonly directory: string;
  /**
   * Asks the server for no more tasks, and to take over what only this worker holds. Then the server
   * tells it to stop. False where no server is connected now.
   */
  drain(): boolean;
  /** Resolves when it has ended without being disposed of, and is cleaned up. */
  readonly ended: Promise<WorkerEnd>;
};

type Welcome = Extract<ToWorker, { kind: "welcome" }>;

/**
 * Starts a worker in this process; resolves when the server has welcomed it. Rejects with a
 * HyperloomError: `server-unreachable`, `server-refused`, `work-directory-unusable`, `module-unusable`.
 */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { log, modules = [] } = options;
  const parentDirectory = options.parentDirectory ?? tmpdir();
  const customTypes = await loadCustomTypes(modules);
  const welcomed = createDeferred<Welcome>();
  const lost = createDeferred<WorkerEnd>();
  // It may be refused before anybody waits for the welcome.
  welcomed.promise.catch(() => {});
  let membership: Membership | undefined;
  let body: WorkerBody | undefined;
  let onWelcome = (_: Welcome): void => {};

  let onLost = (reason: string): void => lost.resolve({ kind: "server-lost", reason });
  let link = await reachServer(options, {
    onMessage: (message) => {
      // What comes with the welcome, in one piece, is for the body that the welcome makes.
      if (message.kind === "welcome") onWelcome(message);
      else body?.onMessage(message);
    },
    onEnd: (reason, isRefused) => {
      welcomed.reject(refusal(options, reason, isRefused));
      onLost(reason);
    },
  });

  const place = await openPlace(options, link, parentDirectory, (store, shared) =>
    createDataServer({ store, membership: () => membership, shared, log }),
  ).catch((error: unknown) => {
    link.connection.destroy();
    throw error;
  });
  const { listener, directory, spill, store, memory, dataServer } = place;
  const launcher = startPrograms(options, directory);
  const resources = listResources(options, memory.usage().limitBytes);
  const offer = listOffer(options, resources, customTypes.keys());

  const ending = new AbortController();
  const cleanUp = async (): Promise<void> => {
    ending.abort();
    // Whatever it executes is not to blame for its end.
    body?.tell({ kind: "leaving" });
    link.connection.end();
    await body?.dispose();
    await launcher.then(
      (started) => started[Symbol.asyncDispose](),
      () => {}, // it never started, which was logged
    );
    await listener[Symbol.asyncDispose]();
    await memory.dispose();
    store.values.files.closeAll();
    await spill.remove();
    await directory.remove();
    link.connection.destroy();
  };
  let cleaning: Promise<void> | undefined;
  const cleanUpOnce = (): Promise<void> => {
    cleaning ??= cleanUp();
    return cleaning;
  };

  const join = (welcome: Welcome): void => {
    membership = {
      serverId: welcome.serverId,
      memberKey: welcome.memberKey,
      redeem: createRedeemer(welcome.workerId, welcome.ticketKey),
    };
  };
  let last: Welcome | undefined;
  onWelcome = (welcome) => {
    if (body !== undefined) return;
    join(welcome);
    last = welcome;
    const onSilent = (reason: string): void => onLost(reason);
    const onStop = (): void => lost.resolve({ kind: "stopped" });
    const parts = {
      options,
      welcome,
      store,
      memory,
      directory,
      launcher,
      customTypes,
      offer,
    };
    body = createBody({ ...parts, dataServer, dataPort: listener.port, onStop, onSilent });
    body.attach(link, welcome);
    welcomed.resolve(welcome);
  };
  onLost = (reason) => {
    const end = (text: string): void => lost.resolve({ kind: "server-lost", reason: text });
    if (body === undefined || last === undefined || ending.signal.aborted) {
      end(reason);
      return;
    }
    const own = body;
    own.detach();
    link.connection.destroy();
    const { clusterId, workerId } = last;
    void comeBack(options, reason, {
      register: { ...registration, reattach: { clusterId, workerId } },
      signal: ending.signal,
      onWelcome: (attached, welcome) => {
        join(welcome);
        last = welcome;
        link = attached;
        own.attach(attached, welcome);
      },
      onMessage: own.onMessage,
      onLost: (text) => onLost(text),
    }).then((text) => {
      if (text !== undefined) end(text);
    });
  };
  const registration = createRegistration(options, listener.port, resources, customTypes.keys());
  link.register(registration);
  const timer = setTimeout(() => {
    welcomed.reject(refusal(options, "it does not answer a worker's registration", true));
  }, WELCOME_TIMEOUT_MS);
  const onAbort = (): void => welcomed.reject(options.signal?.reason);
  options.signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const { workerId } = await welcomed.promise;
    for (const parent of new Set([parentDirectory, spill.parent ?? parentDirectory])) {
      void removeDeadDirectories(parent, {
        onRemoved: (path) => log("info", "removed what a dead worker left", { path }),
        onError: (text) => log("warning", text),
      });
    }
    return {
      workerId,
      host: listener.host,
      port: listener.port,
      directory: directory.path,
      drain: () => body?.tell({ kind: "drain" }) ?? false,
      ended: lost.promise.then(async (end) => {
        await cleanUpOnce();
        return end;
      }),
      [Symbol.asyncDispose]: cleanUpOnce,
    };
  } catch (error) {
    await cleanUpOnce();
    throw error;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", onAbort);
  }
}

async function loadCustomTypes(modules: readonly string[]): Promise<ReadonlyMap<string, TaskType>> {
  if (modules.length === 0) return new Map();
  const { loadModules } = await import("./extensions/load-modules.ts");
  return loadModules(modules);
}

async function reachServer(
  options: WorkerOptions,
  handlers: ServerLinkHandlers,
): Promise<ServerLink> {
  const { serverHost, serverPort, signal } = options;
  const pass = passOf(options);
  const address = { host: serverHost, port: serverPort, retryForMs: RETRY_FOR_MS };
  try {
    return await connectToServer({ ...address, pass, ...(signal && { signal }) }, handlers);
  } catch (error) {
    if (error instanceof UntrustedPeerError) {
      throw new HyperloomError(
        "server-untrusted",
        `The server ${error.message}. Name its access file by --access-file.`,
        { cause: error },
      );
    }
    if (!(error instanceof NotReachableError)) throw error;
    throw new HyperloomError(
      "server-unreachable",
      `The server ${error.message}. Check that it runs, and its host and port.`,
      { cause: error },
    );
  }
}

function refusal(
  { serverHost, serverPort }: WorkerOptions,
  reason: string,
  isRefused: boolean,
): HyperloomError {
  const server = `${serverHost}:${serverPort}`;
  return isRefused
    ? new HyperloomError("server-refused", `The server ${server} refused this worker: ${reason}`)
    : new HyperloomError("server-lost", `The server ${server} is lost: ${reason}`);
}

type Place = {
  readonly listener: TcpListener;
  readonly directory: WorkDirectory;
  readonly spill: SpillPlace;
  readonly store: Store;
  readonly memory: WorkerMemory;
  readonly dataServer: DataServer;
};

/** The store, and who watches over its memory. */
function createPlaceStore(
  { log, memoryBytes, memorySharers = 1, spillQuotaBytes, keepFreeBytes }: WorkerOptions,
  { dataDirectory }: WorkDirectory,
  { directory }: SpillPlace,
): Pick<Place, "store" | "memory"> {
  const { limitBytes, source } = findMemoryLimit({
    optionBytes: memoryBytes,
    sharers: memorySharers,
  });
  log("info", "memory is limited", { limit: bytesText(limitBytes), by: source, spills: directory });
  let memory: WorkerMemory | undefined;
  const store = createStore(
    dataDirectory,
    (text) => log("error", text),
    (values) => {
      const quotaBytes = spillQuotaBytes ?? Number.POSITIVE_INFINITY;
      const spiller = createSpiller({ values, directory, quotaBytes, keepFreeBytes });
      const made = createWorkerMemory({ values, limitBytes, spiller, log });
      if (isInMemory(dataDirectory) && !isInMemory(directory)) {
        values.files.overflow = { directory, isNeeded: () => !made.hasRoom() };
      }
      memory = made;
      return made;
    },
  );
  assert(memory !== undefined, "a store is made with its memory");
  return { store, memory };
}

/** Listens at a port, and makes the work directory that is named by it. */
async function openPlace(
  options: WorkerOptions,
  link: ServerLink,
  parentDirectory: string,
  createServer: (store: Store, shared: SharedFiles | undefined) => DataServer,
): Promise<Place> {
  const { host, log, sharesFiles = true, spillDirectory } = options;
  const pass = passOf(options);
  for (let tries = 1; ; tries++) {
    let dataServer: DataServer | undefined;
    const address = { host: host ?? link.connection.localHost, port: 0 };
    const credentials = pass.credentials && (() => pass.credentials);
    const listener = await listenTcp({ ...address, credentials }, (connection) => {
      if (dataServer !== undefined) return dataServer.serve(connection);
      connection.destroy();
      return { onData: () => {}, onClose: () => {} };
    });
    try {
      const directory = await createWorkDirectory(parentDirectory, listener.port);
      if (directory !== undefined) {
        const spill = await makeSpillPlace(directory, {
          parent: spillDirectory,
          port: listener.port,
          log,
        }).catch(async (error: unknown) => {
          await directory.remove();
          throw error;
        });
        const { store, memory } = createPlaceStore(options, directory, spill);
        dataServer = createServer(store, sharesFiles ? directory : undefined);
        return { listener, directory, spill, store, memory, dataServer };
      }
    } catch (error) {
      await listener[Symbol.asyncDispose]();
      throw error;
    }
    // A worker on another address of this host has the same port, and so the name.
    await listener[Symbol.asyncDispose]();
    if (tries === PORT_TRIES_MAX) {
      throw new HyperloomError(
        "work-directory-unusable",
        `Other workers have all names tried in '${parentDirectory}'. Choose another place with --wdir.`,
      );
    }
  }
}

function startPrograms(
  { log, launchers }: WorkerOptions,
  directory: WorkDirectory,
): Promise<Launcher> {
  const starting = (async () =>
    startLauncher({
      ...(launchers ?? findLaunchers()),
      dataDirectory: directory.dataDirectory,
      onLog: (text) => log("warning", text),
    }))();
  starting.then(
    ({ kind, protection }) =>
      log("info", "programs are started by a launcher", { launcher: kind, protection }),
    (error: Error) => log("error", "cannot start programs", { reason: error.message }),
  );
  return starting;
}
