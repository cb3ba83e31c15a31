import { setTimeout as delay } from "node:timers/promises";
import { RefList } from "../core/worker/outbox.ts";
import { findTaskState } from "../core/worker/state.ts";
import type { NamedAmount } from "../protocol/client/register.ts";
import type { FromWorker, PeerAddress, ToWorker } from "../protocol/worker/messages.ts";
import { UnconfirmedReports, withEnded } from "../protocol/worker/unconfirmed.ts";
import { startHeartbeat } from "../transport/heartbeat.ts";
import { createExecutor } from "./executors/executor.ts";
import { createFunctionTypes } from "./executors/functions/function-types.ts";
import { createPythonFinder, lookForPython } from "./executors/functions/python-interpreter.ts";
import { defaultRunnerMemory } from "./executors/functions/runner-memory.ts";
import { choosePinnedCpus } from "./executors/program/pinned-cpus.ts";
import { RunDirectories } from "./executors/program/run-directories.ts";
import { createSlots } from "./executors/slots.ts";
import type { TaskType } from "./extension.ts";
import { takeInventory } from "./inventory.ts";
import type { Launcher } from "./launcher/launcher.ts";
import { TaskLogs } from "./logs/task-logs.ts";
import { createMemoryTeller } from "./memory/memory-teller.ts";
import { createProcessWatch } from "./memory/process-watch.ts";
import type { WorkerMemory } from "./memory/worker-memory.ts";
import { createReportJoiner } from "./report-joiner.ts";
import { type Hands, runCommand } from "./run-command.ts";
import type { ServerLink } from "./server-link.ts";
import type { Store } from "./store/store.ts";
import { createPuller } from "./transfer/puller.ts";
import type { DataServer } from "./transfer/serve-data.ts";
import type { WorkDirectory } from "./work-directory/work-directory.ts";
import { passOf, type WorkerOptions } from "./worker-options.ts";
import { createSession, eventOf } from "./worker-session.ts";

/** Beats of the server that may be missing before it counts as gone. */
const SILENT_BEATS_MAX = 10;
/** Merges, splits and the like that move large data at a time, a buffer of 1 MiB each. */
const BULK_MAX = 8;
/** Time that canceled programs have from SIGTERM until SIGKILL. */
const KILL_GRACE_MS = 5_000;
/** How long the end waits for task types of extensions that do not stop. */
const END_TIMEOUT_MS = 2000;

export type BodyOptions = {
  readonly options: WorkerOptions;
  readonly welcome: Extract<ToWorker, { kind: "welcome" }>;
  readonly store: Store;
  readonly memory: WorkerMemory;
  readonly directory: WorkDirectory;
  readonly launcher: Promise<Launcher>;
  readonly customTypes: ReadonlyMap<string, TaskType>;
  readonly offer: readonly NamedAmount[];
  readonly dataServer: DataServer;
  /** Where it listens. */
  readonly dataPort: number;
  readonly onStop: () => void;
  readonly onSilent: (reason: string) => void;
};

type Welcome = BodyOptions["welcome"];

/** The brain of a welcomed worker, and all that carries out what it decides. */
export type WorkerBody = {
  onMessage(message: ToWorker): void;
  /** The server, or the one that took its place, has welcomed it on this connection. */
  attach(link: ServerLink, welcome: Welcome): void;
  /** The connection is gone: what runs goes on, and nothing is told. */
  detach(): void;
  /** Tells the server; false where none is connected. */
  tell(message: FromWorker): boolean;
  /** Ends all that runs and leaves nothing of it. */
  dispose(): Promise<void>;
};

export function createBody(body: BodyOptions): WorkerBody {
  const { options, welcome, store, directory, launcher, customTypes, dataServer } = body;
  const { log, isPinning = true, sharesFiles = true } = options;
  const atMs = (): number => performance.now();
  let link: ServerLink | undefined;
  let heartbeat: Disposable | undefined;
  let isFirstAttachment = true;
  /** The next message of peers names all that there are. */
  let isFirstOfPeers = true;
  let isDraining = false;
  const unconfirmed = new UnconfirmedReports();
  const sendNow = (message: FromWorker): void => {
    unconfirmed.note(message);
    link?.send(message);
  };
  const join = createReportJoiner(sendNow);
  /** Attempts that have left logs: told before their end is, after which the server may know them no more. */
  const keptLogs = new RefList();
  const tellLogs = (): void => {
    if (keptLogs.length > 0) join({ kind: "logs-kept", refs: keptLogs.take() });
  };
  const send = (message: FromWorker): void => {
    tellLogs();
    join(message);
  };
  const logs = new TaskLogs((task, attempt) => {
    // Of one that was killed, nothing else may be told.
    if (keptLogs.length === 0) setImmediate(tellLogs);
    keptLogs.push(task, attempt);
  });
  let isDisposed = false;

  const session = createSession({
    workerId: welcome.workerId,
    offer: body.offer,
    runCommand: (state, command) => runCommand(hands, state, command),
  });
  const { dispatch } = session;

  const identity = {
    serverId: welcome.serverId,
    workerId: welcome.workerId,
    port: body.dataPort,
    memberKey: welcome.memberKey,
  };
  const puller = createPuller({
    store,
    identity,
    security: { ...passOf(options).securityFor("worker"), provesItself: true },
    sharesFiles,
    onFetched: (refs) => dispatch({ kind: "objects-fetched", atMs: atMs(), refs }),
    onFailed: (refs, peer) => dispatch({ kind: "fetch-failed", atMs: atMs(), refs, peer }),
    onRefused: (refs, failure) =>
      dispatch({ kind: "objects-refused", atMs: atMs(), refs, failure }),
    log,
  });

  const ending = new AbortController();
  const { python } = options;
  const findPython = createPythonFinder({ python, log, signal: ending.signal });
  const tellPython = async (): Promise<void> => {
    const found = await lookForPython(findPython);
    if (!isDisposed) send({ kind: "python-looked-for", python: found });
  };

  const runDirectories = new RunDirectories(directory.runDirectory, (text) => log("error", text));

  const { limitBytes } = body.memory.usage();
  const watch = createProcessWatch(limitBytes, body.memory.setProcessBytes);

  const executor = createExecutor({
    store,
    tools: {
      files: options.files,
      values: store.values,
      logs,
      memory: store.memory,
      programs: {
        values: store.values,
        launcher: () => launcher,
        directories: runDirectories,
        watch,
        logs,
        killGraceMs: options.killGraceMs ?? KILL_GRACE_MS,
        cpuIds: isPinning ? choosePinnedCpus(options.cpus, welcome.workerId) : [],
      },
      functionTypes: createFunctionTypes({
        values: store.values,
        findPython,
        watch,
        runnerMemoryBytes:
          options.runnerMemoryBytes ?? defaultRunnerMemory(options.cpus, limitBytes),
        log,
      }),
      bulk: createSlots(BULK_MAX),
      customType: (taskType) => customTypes.get(session.symbol(taskType) ?? ""),
      symbol: session.symbol,
      symbolId: session.symbolId,
      log,
    },
    isWanted: (task, attempt) => findTaskState(session.state, task, attempt) === "running",
    onFinished: (finished) => dispatch({ kind: "tasks-executed", atMs: atMs(), finished }),
    onFailed: (task, attempt, failure) =>
      dispatch({ kind: "task-execution-failed", atMs: atMs(), task, attempt, failure }),
    onRedirected: (task, attempt, request) =>
      dispatch({ kind: "task-redirected", atMs: atMs(), task, attempt, request }),
    onKilled: (refs) => dispatch({ kind: "executions-killed", atMs: atMs(), refs }),
    onPostponed: (refs) => dispatch({ kind: "tasks-postponed", atMs: atMs(), refs }),
    onCheckpointNotFound: (refs) => dispatch({ kind: "checkpoints-not-found", atMs: atMs(), refs }),
    onCheckpointWritten: (refs) => dispatch({ kind: "checkpoints-written", atMs: atMs(), refs }),
    // The task is over for the brain; only the server waits for its checkpoint.
    onCheckpointFailed: (task, attempt, failure) =>
      send({ kind: "task-failed", task, attempt, failure }),
    log,
  });

  const tellMemory = createMemoryTeller(body.memory, send);
  body.memory.onLevel = tellMemory;

  const hands: Hands = { store, executor, puller, dataServer, send };

  const losePeers = (peers: readonly number[]): void => {
    peers.forEach(puller.removePeer);
    peers.forEach(dataServer.onPeerLost);
  };

  const takePeers = (peers: readonly PeerAddress[]): void => {
    if (isFirstOfPeers) {
      isFirstOfPeers = false;
      const present = new Set(peers.map(({ workerId }) => workerId));
      const lost = puller.peers().filter((workerId) => !present.has(workerId));
      losePeers(lost);
      if (lost.length > 0) {
        dispatch({ kind: "peers-lost", atMs: atMs(), peers: Uint32Array.from(lost) });
      }
    }
    peers.forEach(puller.addPeer);
  };

  /** All that this server, or the one before it, may not know. */
  const tellAll = ({ workerId, serverId, memberKey, receivedFrames }: Welcome): void => {
    Object.assign(identity, { workerId, serverId, memberKey });
    dispatch({ kind: "reattached", atMs: atMs(), workerId });
    unconfirmed.confirm(receivedFrames);
    const messages = unconfirmed.restart();
    const parts = takeInventory(session.state, store, (tasks) => withEnded(tasks, messages));
    for (const message of [...parts, ...messages]) sendNow(message);
    if (isDraining) sendNow({ kind: "drain" });
    tellMemory();
  };

  return {
    attach: (attached, welcomed) => {
      link = attached;
      isFirstOfPeers = true;
      heartbeat = startHeartbeat(attached.connection, {
        intervalMs: welcomed.heartbeatMs,
        silentBeatsMax: SILENT_BEATS_MAX,
        // It answers those of the server.
        beat: () => {},
        onSilent: (silentMs) => body.onSilent(`it was silent for ${silentMs} ms`),
      });
      if (!isFirstAttachment) tellAll(welcomed);
      isFirstAttachment = false;
    },
    detach: () => {
      heartbeat?.[Symbol.dispose]();
      link = undefined;
    },
    tell: (message) => {
      if (message.kind === "drain") isDraining = true;
      if (isDisposed || link === undefined) return false;
      send(message);
      return true;
    },
    onMessage: (message) => {
      if (isDisposed) return;
      const event = eventOf(message, atMs());
      if (message.kind === "peers-lost") losePeers([...message.workers]);
      if (message.kind === "peers") takePeers(message.peers);
      else if (message.kind === "read-log") {
        const { request, task, attempt, stream, position } = message;
        const isRunning = findTaskState(session.state, task, attempt) === "running";
        const part = logs.read(task, attempt, stream, position, isRunning);
        send({ kind: "log-part", request, part });
      } else if (message.kind === "forget-logs") {
        message.refs.tasks.forEach((task, i) => {
          logs.forget(task, message.refs.attempts[i] as number);
        });
      } else if (message.kind === "draining") {
        isDraining = true;
        log("info", "is draining: it gets no more tasks, and leaves when it is needed no more");
      } else if (message.kind === "symbols") session.addSymbols(message);
      else if (message.kind === "heartbeat") {
        unconfirmed.confirm(message.receivedFrames);
        send({ kind: "heartbeat", sequence: message.sequence });
        tellMemory();
      } else if (message.kind === "find-python") void tellPython();
      else if (message.kind === "stop") body.onStop();
      if (event !== undefined) dispatch(event);
    },
    async dispose() {
      isDisposed = true;
      ending.abort();
      heartbeat?.[Symbol.dispose]();
      puller.dispose();
      watch.stop();
      await Promise.race([executor.dispose(), delay(END_TIMEOUT_MS, undefined, { ref: false })]);
      await runDirectories.clear();
    },
  };
}
