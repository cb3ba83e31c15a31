import type { Confinement } from "../access/confinement.ts";
import type { Log } from "../core/base/log.ts";
import type { SchedulerCommand } from "../core/scheduler/commands.ts";
import type { SchedulerEvent } from "../core/scheduler/events.ts";
import { createSchedulerState, type SchedulerState } from "../core/scheduler/state.ts";
import { hasWork, stepScheduler } from "../core/scheduler/step.ts";
import { MAX_GIVEN_RESULTS_BYTES, MAX_HELD_RESULTS_BYTES } from "../protocol/limits.ts";
import type { Credentials } from "../transport/security/credentials.ts";
import type { CommandTaker } from "./clients/command-taker.ts";
import { createNamedPlans, type NamedPlans } from "./clients/named-plans.ts";
import { createSessionKeys, type SessionKeys } from "./clients/session-keys.ts";
import type { Journal } from "./journal/journal.ts";
import { createPythonAdvice, type PythonAdvice } from "./python-advice.ts";
import { createRetryTimer } from "./retry-timer.ts";
import { createSymbols, type Symbols } from "./symbols.ts";
import { createTaskLogs, type TaskLogs } from "./task-logs.ts";
import type { Trace } from "./trace/trace.ts";
import type { WorkerSession } from "./workers/worker-session.ts";

/** An event as shells make it: the engine adds the time. */
export type UntimedEvent = SchedulerEvent extends infer Event
  ? Event extends SchedulerEvent
    ? Omit<Event, "atMs">
    : never
  : never;

/** By what workers know the server, and each other. */
export type EngineSecurity = {
  /** A secret of the server and all workers. */
  readonly memberKey: Uint8Array;
  /** The server's own, of now; undefined where nobody beyond this machine takes part. */
  readonly credentials: () => Credentials | undefined;
};

/** The scheduler with everything around it that carries its commands out. */
export type Engine = {
  readonly state: SchedulerState;
  readonly symbols: Symbols;
  /** Clients that can be told something now, and the owners of named plans. */
  readonly clients: Map<number, CommandTaker>;
  readonly sessionKeys: SessionKeys;
  readonly namedPlans: NamedPlans;
  /** Of workers and clients. */
  readonly ids: { next: number };
  readonly workers: Map<number, WorkerSession>;
  /** Names this run of the server. */
  readonly serverId: string;
  /** Names what workers and clients may attach to again: the same in every run with the same journal. */
  readonly clusterId: string;
  /** Set once it is read, where one is kept. */
  journal: Journal | undefined;
  readonly security: EngineSecurity;
  /** Which files clients may name. */
  readonly files: Confinement;
  readonly startedAtMs: number;
  readonly log: Log;
  readonly pythonAdvice: PythonAdvice;
  readonly logs: TaskLogs;
  /** Writes down what happens, once a client asked for it. */
  trace: Trace | undefined;
  /** Lets the scheduler take one event, which is its own from now on, and carries out what it commands. */
  step(event: UntimedEvent): void;
  /** A client asked for the end of the server. */
  terminate(): void;
};

export type EngineOptions = {
  readonly unsatisfiableAfterMs: number;
  readonly clientGraceMs: number;
  readonly serverId: string;
  /** Of the journal, if one is kept. */
  readonly journaledClusterId: string | undefined;
  readonly security: EngineSecurity;
  /** Which files clients may name. */
  readonly files: Confinement;
  readonly log: Log;
  readonly onTerminate: () => void;
};

export function createEngine(options: EngineOptions): Engine {
  const symbols = createSymbols((firstId, name) => {
    engine.journal?.note({ kind: "symbols-named", firstId, names: [name] });
  });
  const state = createSchedulerState({
    unsatisfiableAfterMs: options.unsatisfiableAfterMs,
    clientGraceMs: options.clientGraceMs,
    heldBytesMax: MAX_HELD_RESULTS_BYTES,
    givenBytesMax: MAX_GIVEN_RESULTS_BYTES,
    symbolName: symbols.nameOf,
    keepsJournal: options.journaledClusterId !== undefined,
  });
  const { log } = options;
  const clients: Engine["clients"] = new Map();
  const workers: Engine["workers"] = new Map();
  const clusterId = options.journaledClusterId ?? options.serverId;
  const engine: Engine = {
    state,
    symbols,
    clients,
    workers,
    serverId: options.serverId,
    clusterId,
    sessionKeys: createSessionKeys(clusterId),
    namedPlans: createNamedPlans(),
    ids: { next: 1 },
    journal: undefined,
    security: options.security,
    files: options.files,
    startedAtMs: performance.now(),
    log,
    logs: createTaskLogs({ state, workers }),
    pythonAdvice: createPythonAdvice({ clients, workers, log }),
    trace: undefined,
    step(untimed) {
      // Added to the caller's fresh object: a copy of it would cost as much as a small step.
      const event = Object.assign(untimed, { atMs: performance.now() }) as SchedulerEvent;
      engine.trace?.onEvent(event);
      if (event.kind === "client-left") engine.logs.onClientLeft(event.clientId);
      for (const command of stepScheduler(state, event)) runCommand(engine, command);
      continueLater();
      retryTimer.update();
    },
    terminate: options.onTerminate,
  };
  const retryTimer = createRetryTimer(state, () => engine.step({ kind: "retries-due" }));
  let willContinue = false;
  /** What the step left over is done in turns of the loop, between those of everybody else. */
  const continueLater = (): void => {
    if (willContinue || !hasWork(state)) return;
    willContinue = true;
    setImmediate(() => {
      willContinue = false;
      engine.step({ kind: "work-continued" });
    });
  };
  return engine;
}

/** Carries out one command. A session that is gone by now needs nothing any more: its end is an event of its own. */
function runCommand(engine: Engine, command: SchedulerCommand): void {
  switch (command.kind) {
    case "record":
      engine.journal?.append(command.record);
      break;
    case "assign":
      engine.trace?.onAssigned(command);
      engine.workers.get(command.workerId)?.send({ kind: "assign", batch: command.batch });
      break;
    case "retract":
    case "cancel":
    case "cancel-gracefully":
    case "drop":
      engine.workers.get(command.workerId)?.send({ kind: command.kind, refs: command.refs });
      break;
    case "replicate":
      engine.workers.get(command.workerId)?.send({ kind: "replicate", copies: command.copies });
      break;
    case "dismiss":
      engine.workers.get(command.workerId)?.dismiss();
      break;
    case "note-drain":
      engine.log("warning", "worker cannot leave", {
        worker: command.workerId,
        reason: command.message,
      });
      break;
    case "notify-finished":
      whenSafe(engine, command, (client) => client.tellFinished(command));
      break;
    case "notify-canceled":
      engine.log("info", "results canceled", {
        client: command.clientId,
        count: command.clientTasks.length,
        first: command.clientTasks[0],
      });
      engine.clients.get(command.clientId)?.tellCanceled(command);
      break;
    case "notify-failed":
      if (command.isAgain) {
        whenSafe(engine, command, (client) => client.tellFailed(command));
        break;
      }
      engine.trace?.onFailed(command);
      engine.log("info", "task failed", {
        client: command.clientId,
        task: command.clientTask,
        label: command.label === "" ? undefined : command.label,
        worker: command.worker,
        reason: firstLine(command.failure.message),
      });
      whenSafe(engine, command, (client) => client.tellFailed(command));
      break;
    case "notify-accepted":
      whenSafe(engine, command, (client) => client.tellAccepted(command));
      break;
    case "attached":
      engine.clients.get(command.clientId)?.tellAttached(command);
      break;
    case "end-client":
      engine.log("info", "client did not come back", { client: command.clientId });
      engine.sessionKeys.forget(command.clientId);
      engine.logs.onClientLeft(command.clientId);
      engine.clients.get(command.clientId)?.expire();
      break;
    case "notify-notice":
      engine.log("warning", "task waits", {
        client: command.clientId,
        task: command.clientTask,
        reason: command.message,
      });
      engine.clients.get(command.clientId)?.tellNotice(command.clientTask, command.message);
      break;
    case "refuse":
      engine.clients.get(command.clientId)?.refuse(command);
      break;
    case "deliver-held":
      engine.clients.get(command.clientId)?.deliver(command);
      break;
    case "deliver": {
      const { task, attempt } = command;
      const client = engine.clients.get(command.clientId);
      if (client !== undefined) client.deliver(command);
      // Not now: the scheduler is in the middle of a step's commands.
      else queueMicrotask(() => engine.step({ kind: "delivery-ended", task, attempt }));
      break;
    }
    default: {
      const unknown: never = command;
      throw new TypeError(`no such command: ${JSON.stringify(unknown)}`);
    }
  }
}

/** Tells the client, if it is there, once what that rests on is written down. */
function whenSafe(
  engine: Engine,
  { clientId, afterRecord }: { readonly clientId: number; readonly afterRecord?: number },
  tell: (client: CommandTaker) => void,
): void {
  const action = (): void => {
    const client = engine.clients.get(clientId);
    if (client !== undefined) tell(client);
  };
  if (engine.journal === undefined || afterRecord === undefined) action();
  else engine.journal.whenSafe(afterRecord, action);
}

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";
