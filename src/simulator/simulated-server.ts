import { unreachable } from "../core/base/assert.ts";
import { decodeUtf8Lossy } from "../core/base/utf8.ts";
import type { Plan } from "../core/model/plan.ts";
import type { ResourceOffer } from "../core/model/resources.ts";
import { BUILTIN_SYMBOLS, RESOURCE_PREFIX, TASK_TYPE } from "../core/model/symbols.ts";
import type { SchedulerCommand } from "../core/scheduler/commands.ts";
import type { SchedulerEvent } from "../core/scheduler/events.ts";
import { checkSchedulerInvariants } from "../core/scheduler/invariants.ts";
import { finishRestore } from "../core/scheduler/restore/finish-restore.ts";
import { restoreRecord } from "../core/scheduler/restore/restore.ts";
import { createRestore } from "../core/scheduler/restore/restore-state.ts";
import { nextDueAtMs } from "../core/scheduler/retries.ts";
import { createSchedulerState, type SchedulerState } from "../core/scheduler/state.ts";
import { hasWork, stepScheduler } from "../core/scheduler/step.ts";
import { decodeClientRequest } from "../protocol/client/client-request.ts";
import { type ClientResponse, encodeClientResponse } from "../protocol/client/client-response.ts";
import { FRAME_HEADER_BYTES } from "../protocol/client/frame.ts";
import { joinHeldResults } from "../protocol/client/held-results.ts";
import type { PlanContext } from "../protocol/client/plan-context.ts";
import { MAX_FROM_WORKER_BODY_BYTES } from "../protocol/limits.ts";
import { ByteWriter } from "../protocol/wire/byte-writer.ts";
import { decodeFromWorker, encodeToWorker } from "../protocol/worker/codec.ts";
import { FrameReader } from "../protocol/worker/frame-reader.ts";
import type { FromWorker, PeerAddress, ToWorker } from "../protocol/worker/messages.ts";
import { readCarriedValue } from "./carried-values.ts";
import { CheckFailed } from "./checkers/observation.ts";
import type { Link } from "./link.ts";
import { SERVER_PULLER } from "./peer-network.ts";
import type { SimulatedValue } from "./values.ts";
import {
  createVirtualJournal,
  readDisk,
  type VirtualDisk,
  type VirtualJournal,
  type WriteEnd,
} from "./virtual-journal.ts";
import { GPUS, LICENSES } from "./workloads/mixtures.ts";
import { noteFrame, repeatLater, type World } from "./world.ts";

/** A frame for a client; the payload stands for the raw frames that follow a DATA message. */
export type ClientDelivery = {
  readonly frame: Uint8Array;
  readonly payload: SimulatedValue | undefined;
};

/** The scheduler with as much of a server around it as it takes to speak both protocols. */
export type SimulatedServer = {
  readonly state: SchedulerState;
  connectWorker(link: Link<Uint8Array>, offer: ResourceOffer): number;
  /** The worker is back on another connection; what came of it on the last one counts no more. */
  reconnectWorker(workerId: number, link: Link<Uint8Array>, offer: ResourceOffer): void;
  /** An operator wants the worker to leave. */
  drainWorker(workerId: number): void;
  onWorkerFrame(workerId: number, frame: Uint8Array): void;
  onWorkerEnd(workerId: number): void;
  /** Calls `onReady` when the next server would know the client. */
  connectClient(
    clientId: number,
    link: Link<ClientDelivery>,
    capabilities: { readonly takesCarried: boolean; readonly takesCanceled: boolean },
    onReady: () => void,
  ): void;
  onClientFrame(clientId: number, frame: Uint8Array): void;
  onClientEnd(clientId: number): void;
  /** The client is back, with what it has, which it says next. */
  reconnectClient(
    clientId: number,
    link: Link<ClientDelivery>,
    capabilities: { readonly takesCarried: boolean; readonly takesCanceled: boolean },
  ): void;
  /** The client was away when the server came, and does not come back. */
  forgetClient(clientId: number): void;
  /** Nothing happens here any more. */
  die(): void;
  isDead(): boolean;
  /** The second has passed. */
  tick(): void;
  /** Clients that the scheduler knows and that are not connected. */
  countStrayClients(): number;
};

const TASK_TYPES: ReadonlySet<number> = new Set(Object.values(TASK_TYPE));
const EXTENSIONS: readonly string[] = ["gpus", "licenses"].map((name) => RESOURCE_PREFIX + name);
const HEARTBEAT_MS = 1000;
const IDENTITY = { serverId: "sim", clusterId: "sim" };
const CONTINUE_AFTER_US = 10;
/** How long the workers of a server that died are waited for. */
const RECOVERY_MS = 10_000;
/** So little that both limits are met. */
const HELD_BYTES_MAX = 4096;
const GIVEN_BYTES_MAX = 32_768;

/** What may come to a worker twice. */
const REPEATABLE: ReadonlySet<ToWorker["kind"]> = new Set([
  "retract",
  "cancel",
  "drop",
  "peers",
  "peers-lost",
]);

export const planContext: PlanContext = {
  resolveSymbol: (name) => {
    const position = EXTENSIONS.indexOf(name);
    return position < 0 ? undefined : BUILTIN_SYMBOLS.length + position;
  },
  isTaskType: (symbolId) => TASK_TYPES.has(symbolId),
  isResource: (symbolId) => symbolId === 6 || symbolId === GPUS || symbolId === LICENSES,
};

type WorkerConnection = {
  /** Of a worker that is back, while it has not said what it holds. */
  awaitedOffer: ResourceOffer | undefined;
  receivedFrames: number;
  readonly link: Link<Uint8Array>;
  readonly address: PeerAddress;
  readonly reader: FrameReader;
  readonly greetedAtUs: number;
};

/** 1 for each task of the plan whose checkpoint file is there; undefined where there is none. */
function findLoadable(plan: Plan, world: World): Uint8Array | undefined {
  const paths = plan.checkpointPaths;
  if (paths === undefined) return undefined;
  return Uint8Array.from({ length: plan.taskCount }, (_, row) => {
    const start = paths.starts[row] ?? 0;
    const path = plan.bytes.subarray(start, start + (paths.lengths[row] ?? 0));
    return path.length > 0 && world.files.has(decodeUtf8Lossy(path)) ? 1 : 0;
  });
}

/** How a server is to end. */
export type ServerDeath = {
  readonly atWrite: number;
  readonly end: WriteEnd;
  readonly onDeath: () => void;
};

/** A server; with a disk, one that keeps a journal there and takes the place of those before. */
export function createSimulatedServer(
  world: World,
  disk?: VirtualDisk,
  death?: ServerDeath,
): SimulatedServer {
  const { clock } = world;
  const state = createSchedulerState({
    givesAhead: world.givesAhead,
    heldBytesMax: HELD_BYTES_MAX,
    givenBytesMax: GIVEN_BYTES_MAX,
    workPerStep: world.workPerStep,
    keepsJournal: world.sabotage.onStep !== undefined || disk !== undefined,
    // Faults come by chance, so no task is to blame for them.
    crashLimit: 1_000_000,
  });
  let flushedCount = 0;
  const workers = new Map<number, WorkerConnection>();
  /** Workers that were drained and told to stop. */
  const dismissed = new Set<number>();
  /** Frames of the last connection of workers that were lost. */
  const lastReceived = new Map<number, number>();
  const clients = new Map<number, Link<ClientDelivery>>();
  const takers = new Set<number>();
  let nextWorkerId = 1;
  let isDead = false;
  let journal: VirtualJournal | undefined;
  /** What may be told only when so many records are safe. */
  const held: { readonly afterRecord: number; readonly action: () => void }[] = [];

  const whenSafe = (afterRecord: number | undefined, action: () => void): void => {
    if (isDead) return;
    if (afterRecord === undefined || afterRecord <= flushedCount || journal === undefined) action();
    else held.push({ afterRecord, action });
  };

  const onFlushed = (recordCount: number): void => {
    flushedCount = recordCount;
    step({ kind: "records-flushed", atMs: clock.nowMs(), recordCount });
    for (const entry of held.splice(0)) whenSafe(entry.afterRecord, entry.action);
  };

  const step = (event: SchedulerEvent): void => {
    if (isDead) return;
    const commands = stepScheduler(state, event);
    if (world.checksInvariants) checkSchedulerInvariants(state);

    for (const command of commands) carryOut(command);
    continueLater();
    wakeWhenDue();
    watchJournal(commands);
  };

  let wakesAtMs = Number.POSITIVE_INFINITY;
  const wakeWhenDue = (): void => {
    const dueAtMs = nextDueAtMs(state);
    if (dueAtMs === undefined || dueAtMs >= wakesAtMs) return;
    wakesAtMs = dueAtMs;
    clock.schedule(Math.max(1, Math.ceil(1_000 * dueAtMs - clock.nowUs())), () => {
      if (wakesAtMs === dueAtMs) wakesAtMs = Number.POSITIVE_INFINITY;
      step({ kind: "retries-due", atMs: clock.nowMs() });
    });
  };

  const watchJournal = (commands: readonly SchedulerCommand[]): void => {
    const { onStep } = world.sabotage;
    if (onStep === undefined) return;
    const records = commands.flatMap((command) =>
      command.kind === "record" ? [command.record] : [],
    );
    const recordCount = onStep(records, state);
    if (recordCount === flushedCount) return;
    flushedCount = recordCount;
    step({ kind: "records-flushed", atMs: clock.nowMs(), recordCount });
  };

  let willContinue = false;
  /** What a step left over comes after what has arrived by now, as in a turn of the server's loop. */
  const continueLater = (): void => {
    if (willContinue || !hasWork(state)) return;
    willContinue = true;
    clock.schedule(CONTINUE_AFTER_US, () => {
      willContinue = false;
      step({ kind: "work-continued", atMs: clock.nowMs() });
    });
  };

  const tell = (workerId: number, message: ToWorker): void => {
    const connection = workers.get(workerId);
    if (connection === undefined) return;
    for (const sent of world.sabotage.toWorker?.(message, workerId) ?? [message]) {
      connection.link.send(encodeToWorker(sent));
      if (REPEATABLE.has(sent.kind)) {
        repeatLater(world, () => connection.link.send(encodeToWorker(sent)));
      }
    }
  };

  const observeResponse = (clientId: number, response: ClientResponse): void => {
    if (response.kind === "taskFinished") {
      world.observe({ kind: "result-finished", clientId, clientTask: response.id });
    } else if (response.kind === "resultsFinished") {
      for (const clientTask of response.ids) {
        world.observe({ kind: "result-finished", clientId, clientTask });
      }
    } else if (response.kind === "resultsCanceled") {
      for (const clientTask of response.ids) {
        world.observe({ kind: "result-canceled", clientId, clientTask });
      }
    } else if (response.kind === "taskFailed") {
      const { id = 0, message } = response.error;
      world.observe({ kind: "task-failed", clientId, clientTask: id, message });
    } else if (response.kind === "error") {
      const { id, message, planRefused } = response.error;
      const planIdBase = planRefused === true ? id : undefined;
      world.observe({ kind: "request-refused", clientId, planIdBase, message });
    }
  };

  const respond = (clientId: number, response: ClientResponse, payload?: SimulatedValue): void => {
    const link = clients.get(clientId);
    if (link === undefined) return;
    for (const sent of world.sabotage.toClient?.(response, clientId) ?? [response]) {
      observeResponse(clientId, sent);
      const writer = new ByteWriter();
      encodeClientResponse(writer, sent);
      link.send({ frame: writer.take(), payload });
    }
  };

  /** Brings the object from a holder to the client, as the server's relay does. */
  const deliver = (command: SchedulerCommand & { readonly kind: "deliver" }): void => {
    const { clientId, clientTask, task, attempt } = command;
    const refs = { tasks: Uint32Array.of(task), attempts: Uint32Array.of(attempt) };
    const holder = command.holders.find((workerId) => workers.has(workerId));
    const giveUp = (reason: "missing" | "broken"): void => {
      const atMs = clock.nowMs();
      if (reason === "missing" && holder !== undefined) {
        step({ kind: "replicas-missing", atMs, workerId: holder, refs });
      }
      step({ kind: "delivery-failed", atMs, task, attempt });
    };
    if (holder === undefined) {
      clock.schedule(1, () => giveUp("broken"));
      return;
    }
    world.network.pull(SERVER_PULLER, holder, refs, {
      onArrived: (objects) => {
        for (const { value } of objects) {
          const frameCount = 1 + (value.items?.length ?? 0);
          respond(
            clientId,
            { kind: "data", id: clientTask, frameCount, dataType: value.dataType },
            value,
          );
        }
        step({ kind: "delivery-ended", atMs: clock.nowMs(), task, attempt });
      },
      onFailed: (_, reason) => giveUp(reason),
    });
  };

  const carryOut = (command: SchedulerCommand): void => {
    switch (command.kind) {
      case "assign":
        tell(command.workerId, { kind: "assign", batch: command.batch });
        break;
      case "retract":
      case "cancel":
      case "cancel-gracefully":
      case "drop":
        tell(command.workerId, { kind: command.kind, refs: command.refs });
        break;
      case "replicate":
        tell(command.workerId, { kind: "replicate", copies: command.copies });
        break;
      case "dismiss":
        dismissed.add(command.workerId);
        tell(command.workerId, { kind: "stop" });
        break;
      case "note-drain":
        break;
      case "notify-finished":
        whenSafe(command.afterRecord, () => {
          if (takers.has(command.clientId)) {
            const { clientTasks: ids, carried } = command;
            respond(command.clientId, { kind: "resultsFinished", ids, carried });
            return;
          }
          for (const id of command.clientTasks) {
            respond(command.clientId, { kind: "taskFinished", id });
          }
        });
        break;
      case "notify-canceled":
        respond(command.clientId, { kind: "resultsCanceled", ids: command.clientTasks });
        break;
      case "notify-failed": {
        const { clientTask: id, worker, attempts, label, cause: causeId } = command;
        const { message } = command.failure;
        const error = { id, worker, message, attempts, label, causeId };
        whenSafe(command.afterRecord, () =>
          respond(command.clientId, { kind: "taskFailed", error }),
        );
        break;
      }
      case "notify-notice": {
        const { clientTask: id, message } = command;
        respond(command.clientId, { kind: "notice", error: { id, message } });
        break;
      }
      case "refuse": {
        const { clientTask, planIdBase, message } = command;
        const planRefused = planIdBase !== undefined;
        const error = { id: planIdBase ?? clientTask, message, planRefused };
        respond(command.clientId, { kind: "error", error });
        break;
      }
      case "deliver-held": {
        const { clientId, clientTask: id, dataType, frameCount, bytes } = command;
        const payload = readCarriedValue(bytes);
        respond(clientId, { kind: "data", id, frameCount, dataType }, payload);
        break;
      }
      case "deliver":
        deliver(command);
        break;
      case "record":
        journal?.append(command.record);
        break;
      case "notify-accepted": {
        const { clientId, idBase: id, taskCount, afterRecord } = command;
        whenSafe(afterRecord, () => respond(clientId, { kind: "planAccepted", id, taskCount }));
        break;
      }
      case "attached": {
        const { kind, clientId, unknownPlans, openPlan, openPlanTasks } = command;
        respond(clientId, { kind, unknownPlans, openPlan, openPlanTasks });
        break;
      }
      case "end-client":
        break;
      default:
        unreachable(command);
    }
  };

  const nameOf = (workerId: number): string => `10.0.0.1:${1024 + workerId}`;

  /** What is said first on a worker's connection. `awaitedOffer`: it is to say what it holds. */
  const greet = (
    workerId: number,
    link: Link<Uint8Array>,
    awaitedOffer: ResourceOffer | undefined,
  ): void => {
    const address = { workerId, host: "10.0.0.1", port: 1024 + workerId };
    const others = [...workers.values()].map((other) => other.address);
    const reader = new FrameReader(MAX_FROM_WORKER_BODY_BYTES);
    const greetedAtUs = clock.nowUs();
    workers.set(workerId, { awaitedOffer, receivedFrames: 0, link, address, reader, greetedAtUs });
    // Where frames come twice, their number says nothing.
    const isCounted = world.conditions.repeatProbability === 0;
    const receivedFrames = isCounted ? (lastReceived.get(workerId) ?? 0) : 0;
    lastReceived.delete(workerId);
    const keys = { ticketKey: new Uint8Array(0), memberKey: new Uint8Array(0) };
    const heartbeatMs = HEARTBEAT_MS;
    tell(workerId, {
      kind: "welcome",
      workerId,
      ...IDENTITY,
      heartbeatMs,
      receivedFrames,
      ...keys,
    });
    tell(workerId, { kind: "symbols", firstId: BUILTIN_SYMBOLS.length, names: EXTENSIONS });
    tell(workerId, { kind: "peers", peers: others });
    tell(workerId, { kind: "heartbeat", sequence: 1, receivedFrames: 0 });
    for (const other of others) tell(other.workerId, { kind: "peers", peers: [address] });
  };

  const onWorkerMessage = (workerId: number, message: FromWorker): void => {
    const atMs = clock.nowMs();
    switch (message.kind) {
      case "tasks-finished":
        step({ kind: message.kind, atMs, workerId, finished: message.finished });
        break;
      case "task-failed": {
        const { kind, task, attempt, failure } = message;
        step({ kind, atMs, workerId, task, attempt, failure });
        break;
      }
      case "tasks-started":
      case "tasks-returned":
      case "replicas-added":
      case "checkpoints-written":
      case "checkpoints-missing":
        step({ kind: message.kind, atMs, workerId, refs: message.refs });
        break;
      case "inputs-unreachable":
        step({ kind: message.kind, atMs, workerId, ...message.unreachable });
        break;
      case "memory":
        step({ kind: "memory-changed", atMs, workerId, report: message.report });
        break;
      case "inventory": {
        const connection = workers.get(workerId);
        const offer = connection?.awaitedOffer;
        if (connection === undefined || offer === undefined) break;
        connection.awaitedOffer = undefined;
        const { objects, tasks } = message;
        world.observe({ kind: "worker-back", workerId });
        const name = nameOf(workerId);
        step({ kind: "worker-attached", atMs, workerId, name, offer, objects, tasks });
        break;
      }
      case "python-looked-for":
      case "drain":
      case "leaving":
      case "log-part":
      case "logs-kept":
        break;
      case "replication-failed":
        step({ kind: message.kind, atMs, workerId, refs: message.refs });
        break;
      case "heartbeat": {
        const roundTripMs = (clock.nowUs() - (workers.get(workerId)?.greetedAtUs ?? 0)) / 1000;
        step({ kind: "round-trip-measured", atMs, workerId, roundTripMs });
        break;
      }
      default:
        unreachable(message);
    }
  };

  if (disk !== undefined) {
    const { records, lastBytes } = readDisk(disk);
    const restore = createRestore(state);
    for (const record of records) {
      const request =
        record.kind === "plan-accepted"
          ? decodeClientRequest(record.frame, planContext)
          : undefined;
      const plan = request !== undefined && "plan" in request ? request.plan : undefined;
      restoreRecord(restore, record, plan);
    }
    finishRestore(restore, clock.nowMs(), RECOVERY_MS);
    nextWorkerId = restore.nextId;
    journal = createVirtualJournal(disk, clock, world.random, {
      previousBytes: lastBytes,
      nextId: nextWorkerId,
      nextSerial: state.nextSerial,
      diesAtWrite: death?.atWrite ?? -1,
      end: death?.end ?? "torn",
      onFlushed,
      onDeath: () => {
        isDead = true;
        death?.onDeath();
      },
    });
    // What the restore found is no news; what it reserves is.
    step({ kind: "time-passed", atMs: clock.nowMs() });
  }

  return {
    state,
    connectWorker: (link, offer) => {
      const workerId = nextWorkerId;
      nextWorkerId += 1;
      greet(workerId, link, undefined);
      world.observe({ kind: "worker-joined", workerId, offer });
      // The shell that made this worker joins it to the network first; see the caller.
      clock.schedule(0, () => {
        if (workers.has(workerId)) {
          const name = nameOf(workerId);
          step({ kind: "worker-joined", atMs: clock.nowMs(), workerId, name, offer });
        }
      });
      return workerId;
    },
    reconnectWorker: (workerId, link, offer) => {
      const last = workers.get(workerId);
      if (last !== undefined) {
        last.link.cut();
        lastReceived.set(workerId, last.receivedFrames);
      }
      workers.delete(workerId);
      greet(workerId, link, offer);
    },
    drainWorker: (workerId) => {
      tell(workerId, { kind: "draining" });
      step({ kind: "worker-draining", atMs: clock.nowMs(), workerId });
    },
    onWorkerFrame: (workerId, frame) => {
      const connection = workers.get(workerId);
      if (connection === undefined) return;
      noteFrame(world, SERVER_PULLER, frame);
      for (const { kind, body } of connection.reader.feed(frame)) {
        connection.receivedFrames += 1;
        onWorkerMessage(workerId, decodeFromWorker(kind, body));
      }
    },
    onWorkerEnd: (workerId) => {
      const connection = workers.get(workerId);
      if (connection === undefined) return;
      workers.delete(workerId);
      connection.link.cut();
      lastReceived.set(workerId, connection.receivedFrames);
      const hasLeft = dismissed.has(workerId);
      for (const other of workers.keys()) {
        tell(other, { kind: "peers-lost", workers: Uint32Array.of(workerId) });
      }
      step({ kind: "worker-lost", atMs: clock.nowMs(), workerId, hasLeft });
    },
    connectClient: (clientId, link, { takesCarried, takesCanceled }, onReady) => {
      clients.set(clientId, link);
      if (takesCarried) takers.add(clientId);
      const isKept = world.sabotage.onStep !== undefined || disk !== undefined;
      const session = isKept ? new Uint8Array(0) : undefined;
      if (!takesCarried && !takesCanceled && session === undefined) {
        onReady();
        return;
      }
      const joined = { clientId, takesCarried, takesCanceled, session };
      const life = disk === undefined ? {} : ({ life: "session" } as const);
      step({ kind: "client-joined", atMs: clock.nowMs(), ...joined, ...life });
      whenSafe(state.journal?.recordCount, onReady);
    },
    reconnectClient: (clientId, link, { takesCarried, takesCanceled }) => {
      if (!state.clients.has(clientId)) {
        throw new CheckFailed(`the server does not know client ${clientId} any more`);
      }
      clients.set(clientId, link);
      if (takesCarried) takers.add(clientId);
      void takesCanceled;
    },
    forgetClient: (clientId) => {
      step({ kind: "client-left", atMs: clock.nowMs(), clientId });
    },
    die: () => {
      isDead = true;
      journal?.close();
    },
    isDead: () => isDead,
    onClientFrame: (clientId, frame) => {
      if (isDead) return;
      noteFrame(world, SERVER_PULLER, frame);
      const request = decodeClientRequest(frame.subarray(FRAME_HEADER_BYTES), planContext);
      const atMs = clock.nowMs();
      if (request.kind === "plan") {
        const { plan } = request;
        const loadable = request.loadCheckpoints ? findLoadable(plan, world) : undefined;
        step({ kind: "plan-submitted", atMs, clientId, plan, loadable });
      } else if (request.kind === "planBegin") {
        const { id: idBase, taskCount } = request;
        step({ kind: "plan-begun", atMs, clientId, idBase, taskCount });
      } else if (request.kind === "planChunk") {
        step({ kind: "plan-extended", atMs, clientId, plan: request.plan });
      } else if (request.kind === "planEnd") {
        step({ kind: "plan-completed", atMs, clientId });
      } else if (request.kind === "release") {
        world.observe({ kind: "result-released", clientId, clientTask: request.id });
        const clientTasks = Int32Array.of(request.id);
        step({ kind: "results-released", atMs, clientId, clientTasks });
      } else if (request.kind === "releaseMany") {
        for (const clientTask of request.ids) {
          world.observe({ kind: "result-released", clientId, clientTask });
        }
        step({ kind: "results-released", atMs, clientId, clientTasks: request.ids });
      } else if (request.kind === "cancel") {
        const { ids: clientTasks, isWholePlan } = request;
        world.observe({ kind: "cancel-requested", clientId, clientTasks, isWholePlan });
        step({ kind: "tasks-canceled", atMs, clientId, clientTasks, isWholePlan });
      } else if (request.kind === "attach") {
        step({ kind: "client-attached", atMs, clientId, held: joinHeldResults([request.held]) });
      } else if (request.kind === "fetch") {
        step({ kind: "result-requested", atMs, clientId, clientTask: request.id });
      }
    },
    onClientEnd: (clientId) => {
      if (isDead) return;
      clients.get(clientId)?.cut();
      if (!clients.delete(clientId)) return;
      world.observe({ kind: "client-left", clientId });
      step({ kind: "client-left", atMs: clock.nowMs(), clientId });
    },
    tick: () => step({ kind: "time-passed", atMs: clock.nowMs() }),
    countStrayClients: () => [...state.clients.keys()].filter((id) => !clients.has(id)).length,
  };
}
