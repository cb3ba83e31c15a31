import { encodeUtf8 } from "../../core/base/utf8.ts";
import { kindOf } from "../../core/model/failures.ts";
import {
  type ClientRequest,
  decodeClientRequest,
  findRequestType,
} from "../../protocol/client/client-request.ts";
import {
  type ClientResponse,
  encodeClientResponse,
} from "../../protocol/client/client-response.ts";
import { REQUEST_FRAME } from "../../protocol/client/frame-limit.ts";
import type { FrameSplitter } from "../../protocol/client/frame-splitter.ts";
import { type HeldResults, joinHeldResults } from "../../protocol/client/held-results.ts";
import { type PlanContext, PlanRefusal } from "../../protocol/client/plan-context.ts";
import type { Register } from "../../protocol/client/register.ts";
import { encodeResultsFinished } from "../../protocol/client/results-finished.ts";
import { encodeTasksFinished } from "../../protocol/client/task-finished.ts";
import { MAX_PLAN_TASKS } from "../../protocol/limits.ts";
import { ProtocolError, unexpected } from "../../protocol/protocol-error.ts";
import { ByteWriter } from "../../protocol/wire/byte-writer.ts";
import type { TcpConnection } from "../../transport/tcp-connection.ts";
import { cancelTasks } from "../cancel-tasks.ts";
import type { Engine } from "../engine.ts";
import { explainTasks } from "../explain-tasks.ts";
import { createStatus } from "../status.ts";
import { startTrace } from "../trace/trace.ts";
import { announceSymbols } from "../workers/worker-session.ts";
import { findLoadable } from "./checkpoint-files.ts";
import type { CommandTaker } from "./command-taker.ts";
import { createDeliveries } from "./deliveries.ts";
import { encodeKeptClient } from "./kept-clients.ts";
import { createPlanRequests } from "./plan-requests.ts";
import { type ClientRole, isOfPlan, mayRequest } from "./request-roles.ts";

/** What this server takes beyond the original protocol; told to clients that do so themselves. */
const SERVER_CAPABILITIES = ["releases", "plan-chunks", "sessions", "cancel", "logs"];

const MAX_INT32 = 2 ** 31 - 1;

function checkPlanSize(idBase: number, taskCount: number): void {
  const count = Math.min(MAX_PLAN_TASKS, MAX_INT32 - idBase + 1);
  if (taskCount >= 1 && taskCount <= count) return;
  throw unexpected(`a plan of 1 to ${count} tasks from ${idBase} on`, `${taskCount}`);
}

/** A client that has registered. */
export type ClientSession = CommandTaker & {
  readonly id: number;
  /** Takes what came; the splitter holds what came with the registration. */
  onData(chunk: Uint8Array): void;
  onClose(error: Error | undefined): void;
  /** Its client has come back on another connection. */
  replace(): void;
};

export function startClientSession(
  engine: Engine,
  connection: TcpConnection,
  register: Register,
  splitter: FrameSplitter,
  role: ClientRole = "client",
): ClientSession {
  const takesNotices = register.capabilities.includes("notices");
  const takesCarried = register.capabilities.includes("carried-results");
  const takesCanceled = register.capabilities.includes("cancel");
  splitter.limit = REQUEST_FRAME;
  const mayReturn = register.capabilities.includes("sessions");
  const returningId = findReturning(engine, register);
  const id = returningId ?? engine.ids.next++;
  const hasReturned = returningId !== undefined;
  let isOver = false;
  /** It has come back and not said so far what it has. */
  let isReturning = hasReturned;
  const heldParts: HeldResults[] = [];
  /** A plan's checkpoints are being looked for; requests wait, for they may be about its tasks. */
  let isBusy = false;
  /** First id of the plan whose chunks are coming; -1 for none. */
  let openPlanBase = -1;

  const takesDirect = register.capabilities.includes("direct-data");
  const deliveries = createDeliveries(engine, id, connection, { takesDirect });
  const send = (response: ClientResponse): void => {
    const writer = new ByteWriter();
    encodeClientResponse(writer, response);
    deliveries.send(writer.take());
  };
  const sendError = (message: string, details: { id?: number; planRefused?: boolean } = {}) =>
    send({ kind: "error", error: { message, ...details } });

  const planContext: PlanContext = {
    resolveSymbol: (name) => engine.symbols.intern(name),
    isTaskType: engine.symbols.isTaskType,
    isResource: engine.symbols.isResource,
  };

  /** Says why, then closes: what follows on this connection cannot be understood. */
  const giveUp = (reason: string): void => {
    engine.log("warning", "client broke the protocol", { client: id, reason });
    sendError(reason);
    deliveries.closeAfterSent();
    leave("it broke the protocol");
  };

  /** True the first time. */
  const close = (): boolean => {
    if (isOver) return false;
    isOver = true;
    engine.clients.delete(id);
    engine.pythonAdvice.onClientLeft(id);
    deliveries.abandon();
    return true;
  };

  /** It is gone for good. */
  const leave = (reason: string): void => {
    if (!close()) return;
    engine.sessionKeys.forget(id);
    engine.log("info", "client left", { client: id, reason });
    engine.step({ kind: "client-left", clientId: id });
  };

  /** Its connection is gone, and it may come back. */
  const detach = (reason: string): void => {
    if (!close()) return;
    engine.log("info", "client is away", { client: id, reason });
    engine.step({ kind: "client-detached", clientId: id });
  };

  const farewell = (message: string): void => {
    if (mayReturn) send({ kind: "farewell", message });
    deliveries.closeAfterSent();
  };

  /** Why no plan can be taken now; the client may submit it again later. */
  const findObstacle = (): string | undefined => {
    const reason = mayReturn ? engine.journal?.failure : undefined;
    return reason === undefined
      ? undefined
      : `the server cannot write its journal (${reason}); submit it again when there is room`;
  };

  const submit = (request: Extract<ClientRequest, { kind: "plan" }>): void => {
    const obstacle = findObstacle();
    if (obstacle !== undefined) {
      const refusal = new PlanRefusal(obstacle);
      refusal.idBase = request.plan.idBase;
      throw refusal;
    }
    for (const worker of engine.workers.values()) announceSymbols(engine, worker);
    const { plan } = request;
    engine.pythonAdvice.onPlan(id, plan);
    const { named } = request;
    const done = (loadable: Uint8Array | undefined): void => {
      if (named !== undefined) {
        plans.submit(plan, named, loadable);
        return;
      }
      engine.trace?.onPlan(id, plan);
      engine.step({ kind: "plan-submitted", clientId: id, plan, loadable });
    };
    if (!request.loadCheckpoints || plan.checkpointPaths === undefined) {
      done(undefined);
      return;
    }
    isBusy = true;
    void findLoadable(plan, engine.files).then((loadable) => {
      isBusy = false;
      if (isOver) return;
      done(loadable);
      takeRequests();
    });
  };

  const refuseIfObstructed = (): void => {
    const message = findObstacle();
    if (message !== undefined) engine.step({ kind: "plan-refused", clientId: id, message });
  };

  const handle = (request: ClientRequest): void => {
    if (isReturning && request.kind !== "attach" && request.kind !== "goodbye") {
      throw unexpected("what a client has that comes back", request.kind);
    }
    switch (request.kind) {
      case "plan":
        if (openPlanBase !== -1) throw unexpected("chunks until the end of their plan", "a PLAN");
        submit(request);
        break;
      case "planBegin":
        if (openPlanBase !== -1) throw unexpected("the end of a plan before the next", "a new one");
        checkPlanSize(request.id, request.taskCount);
        openPlanBase = request.id;
        engine.step({
          kind: "plan-begun",
          clientId: id,
          idBase: request.id,
          taskCount: request.taskCount,
        });
        refuseIfObstructed();
        break;
      case "planChunk":
        if (openPlanBase === -1) throw unexpected("chunks after the begin of a plan", "one before");
        for (const worker of engine.workers.values()) announceSymbols(engine, worker);
        engine.trace?.onPlan(id, request.plan);
        engine.step({ kind: "plan-extended", clientId: id, plan: request.plan });
        break;
      case "planEnd":
        openPlanBase = -1;
        engine.step({ kind: "plan-completed", clientId: id });
        break;
      case "fetch":
        if (plans.fetch(request.id)) break;
        engine.step({ kind: "result-requested", clientId: id, clientTask: request.id });
        break;
      case "release":
        engine.step({
          kind: "results-released",
          clientId: id,
          clientTasks: Int32Array.of(request.id),
        });
        break;
      case "releaseMany":
        engine.step({ kind: "results-released", clientId: id, clientTasks: request.ids });
        break;
      case "stats":
        send({
          kind: "stats",
          workerCount: engine.workers.size,
          dataObjectCount: engine.state.objectCount,
        });
        break;
      case "status":
        send({ kind: "status", json: JSON.stringify(createStatus(engine)) });
        break;
      case "explain": {
        const own = plans.nameOf(request.id) ?? `${id}/${request.id}`;
        const query = request.query === "" ? own : request.query;
        send({ kind: "explanations", json: JSON.stringify(explainTasks(engine, query)) });
        break;
      }
      case "readLog": {
        const named = plans.find(request.id);
        const isOwn = named === undefined;
        const about = isOwn
          ? { client: id, clientTask: request.id }
          : { client: named.ownerId, clientTask: named.task };
        engine.logs.read(
          { ...request, ...about },
          () => !isOver,
          (part) => {
            if (!isOver) send({ kind: "logPart", request: request.request, part });
          },
        );
        break;
      }
      case "cancel": {
        const { ids, query, isWholePlan } = request;
        if (query !== "") {
          const canceled = cancelTasks(engine, query, isWholePlan);
          send({ kind: "cancelAnswer", json: JSON.stringify(canceled) });
        } else {
          cancelOwn(ids, isWholePlan);
        }
        break;
      }
      case "pullEnded":
        deliveries.onPullEnded(request.id, request.isComplete);
        break;
      case "trace": {
        const problem = startTrace(engine, request.path);
        if (problem !== undefined) sendError(problem);
        break;
      }
      case "drainWorker":
        engine.workers.get(request.id)?.drain();
        send({ kind: "status", json: JSON.stringify(createStatus(engine)) });
        break;
      case "terminate":
        engine.log("info", "terminated by a client", { client: id });
        engine.terminate();
        break;
      case "goodbye":
        deliveries.closeAfterSent();
        leave("it said goodbye");
        break;
      case "attach":
        takeHeld(request.held);
        break;
      case "listPlans":
      case "findPlan":
      case "forgetPlan":
      case "cancelPlan":
      case "attachPlan":
        plans.handle(request);
        break;
      default: {
        const unknown: never = request;
        throw new TypeError(`no such request: ${JSON.stringify(unknown)}`);
      }
    }
  };

  /** Those of named plans are, for the scheduler, of other clients. */
  const cancelOwn = (ids: Int32Array, isWholePlan: boolean): void => {
    const clientTasks = ids.filter((task) => {
      const named = plans.find(task);
      if (named === undefined) return true;
      engine.step({
        kind: "tasks-canceled",
        clientId: named.ownerId,
        clientTasks: Int32Array.of(named.task),
        isWholePlan,
      });
      return false;
    });
    engine.step({ kind: "tasks-canceled", clientId: id, clientTasks, isWholePlan });
  };

  const takeRequests = (): void => {
    try {
      while (!isOver && !isBusy) {
        const frame = splitter.next();
        if (frame === undefined) return;
        takeRequest(frame);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      giveUp(error.message);
    }
  };

  const takeHeld = (held: HeldResults): void => {
    heldParts.push(held);
    if (held.hasMore) return;
    if (!isReturning) throw unexpected("what a client has that comes back", "it once more");
    isReturning = false;
    openPlanBase = engine.state.clients.get(id)?.openPlan?.idBase ?? -1;
    engine.step({ kind: "client-attached", clientId: id, held: joinHeldResults(heldParts) });
  };

  const takeRequest = (frame: Uint8Array): void => {
    // Before it is decoded, for that gives numbers to the names in a plan.
    const type = role === "client" ? 0 : findRequestType(frame);
    if (!mayRequest(role, type)) {
      const planRefused = isOfPlan(type);
      sendError("A viewer may only look; this needs the role of a client", { planRefused });
      return;
    }
    try {
      handle(decodeClientRequest(frame, planContext));
    } catch (error) {
      // The frame was sound, so the connection goes on.
      if (!(error instanceof PlanRefusal)) throw error;
      if (openPlanBase !== -1) {
        engine.step({ kind: "plan-refused", clientId: id, message: error.message });
        return;
      }
      const details = error.idBase === undefined ? {} : { id: error.idBase };
      sendError(`Plan refused: ${error.message}`, { ...details, planRefused: true });
    }
  };

  const session: ClientSession = {
    id,
    onData(chunk) {
      if (isOver) return;
      splitter.push(chunk);
      takeRequests();
    },
    onClose: (error) => {
      const reason = error?.message ?? "connection closed";
      if (mayReturn) detach(reason);
      else leave(reason);
    },
    replace() {
      detach("it comes back on another connection");
      connection.destroy();
    },
    tellFinished({ clientTasks, carried }) {
      const writer = new ByteWriter();
      if (takesCarried) encodeResultsFinished(writer, { ids: clientTasks, carried });
      else encodeTasksFinished(writer, clientTasks);
      deliveries.send(writer.take());
    },
    tellCanceled: ({ clientTasks }) => send({ kind: "resultsCanceled", ids: clientTasks }),
    tellFailed({ clientTask, worker, attempts, label, failure, cause, planGoesOn }) {
      send({
        kind: "taskFailed",
        error: {
          id: clientTask,
          worker,
          message: failure.message,
          exitCode: failure.exitCode,
          signal: failure.signal,
          stderr: failure.stderr === undefined ? undefined : encodeUtf8(failure.stderr),
          attempts,
          label: label === "" ? undefined : label,
          causeId: cause,
          kind: kindOf(failure),
          planGoesOn,
          story: failure.story,
        },
      });
    },
    tellNotice(clientTask, message) {
      if (!takesNotices) return;
      const about = clientTask === undefined ? {} : { id: clientTask };
      send({ kind: "notice", error: { ...about, message } });
    },
    refuse({ message, clientTask, planIdBase }) {
      if (planIdBase !== undefined) sendError(message, { id: planIdBase, planRefused: true });
      else sendError(message, clientTask === undefined ? {} : { id: clientTask });
    },
    tellAccepted({ idBase, taskCount }) {
      send({ kind: "planAccepted", id: idBase, taskCount });
    },
    tellAttached({ unknownPlans, openPlan, openPlanTasks }) {
      openPlanBase = openPlan;
      send({ kind: "attached", unknownPlans, openPlan, openPlanTasks });
    },
    deliver: (command) => deliveries.deliver(command),
    expire() {
      // It came back at the last moment, and has not said so yet.
      farewell("this client was away for too long");
      close();
    },
    end(message) {
      if (message === undefined) deliveries.closeAfterSent();
      else farewell(message);
    },
  };
  const plans = createPlanRequests(engine, {
    clientName: register.clientName,
    taker: session,
    isLive: () => !isOver,
    send,
  });

  if (register.session !== undefined && !hasReturned) {
    isOver = true;
    engine.log("info", "client came back too late", { name: register.clientName });
    farewell(
      "it does not know this client any more, which was away for too long, or it was started anew",
    );
    return session;
  }
  if (hasReturned) {
    const former = engine.clients.get(id);
    if (former !== undefined && "replace" in former) (former as ClientSession).replace();
  }
  engine.clients.set(id, session);
  const name = register.clientName;
  engine.log("info", hasReturned ? "client is back" : "client joined", { client: id, name, role });
  const capabilities = register.capabilities.length === 0 ? [] : SERVER_CAPABILITIES;
  const { names } = engine.symbols;
  const secret = hasReturned ? register.sessionSecret : engine.sessionKeys.create(id);
  const greet = (): void => {
    if (!mayReturn || secret === undefined)
      send({ kind: "dictionary", symbols: names, capabilities });
    else {
      const ticket = {
        id: engine.sessionKeys.sessionOf(id),
        secret,
        graceMs: engine.state.options.clientGraceMs,
      };
      send({ kind: "dictionary", symbols: names, capabilities, session: ticket });
    }
    engine.pythonAdvice.onClientJoined(id, register.versions ?? []);
  };
  if (hasReturned) {
    greet();
    return session;
  }
  if (mayReturn && secret !== undefined) {
    const kept = encodeKeptClient({ kind: "session", secret });
    const joined = { clientId: id, takesCarried, session: kept, life: "session" } as const;
    engine.step({ kind: "client-joined", ...joined });
    // It may rely on its session once the next server would know it.
    isBusy = true;
    afterRecords(engine, () => {
      isBusy = false;
      if (isOver) return;
      greet();
      takeRequests();
    });
    return session;
  }
  greet();
  if (takesCarried || takesCanceled) {
    engine.step({ kind: "client-joined", clientId: id, takesCarried, takesCanceled });
  }
  return session;
}

/** Calls `action` once all is safe that was written down so far; at once where nothing is. */
function afterRecords(engine: Engine, action: () => void): void {
  const { journal, state } = engine;
  if (journal === undefined || state.journal === undefined) action();
  else journal.whenSafe(state.journal.recordCount, action);
}

/** The client that comes back; undefined for a new one, and for one that is not known any more. */
function findReturning(engine: Engine, register: Register): number | undefined {
  const { session, sessionSecret } = register;
  if (session === undefined || sessionSecret === undefined) return undefined;
  const id = engine.sessionKeys.find(session, sessionSecret);
  return id !== undefined && engine.state.clients.has(id) ? id : undefined;
}
