import { encodeUtf8 } from "../../core/base/utf8.ts";
import { kindOf } from "../../core/model/failures.ts";
import type { SchedulerCommand } from "../../core/scheduler/commands.ts";
import { type ClientRequest, decodeClientRequest } from "../../protocol/client/client-request.ts";
import {
  type ClientResponse,
  encodeClientResponse,
} from "../../protocol/client/client-response.ts";
import { REQUEST_FRAME } from "../../protocol/client/frame-limit.ts";
import type { FrameSplitter } from "../../protocol/client/frame-splitter.ts";
import { type PlanContext, PlanRefusal } from "../../protocol/client/plan-context.ts";
import type { Register } from "../../protocol/client/register.ts";
import { encodeResultsFinished } from "../../protocol/client/results-finished.ts";
import { encodeTasksFinished } from "../../protocol/client/task-finished.ts";
import { MAX_PLAN_TASKS } from "../../protocol/limits.ts";
import { ProtocolError, unexpected } from "../../protocol/protocol-error.ts";
import { ByteWriter } from "../../protocol/wire/byte-writer.ts";
import type { TcpConnection } from "../../transport/tcp-connection.ts";
import type { Engine } from "../engine.ts";
import { explainTasks } from "../explain-tasks.ts";
import { createStatus } from "../status.ts";
import { startTrace } from "../trace/trace.ts";
import { announceSymbols } from "../workers/worker-session.ts";
import { findLoadable } from "./checkpoint-files.ts";
import { createDeliveries } from "./deliveries.ts";
import type { Deliver, DeliverHeld } from "./delivery.ts";

/** What this server takes beyond the original protocol; told to clients that do so themselves. */
const SERVER_CAPABILITIES = ["releases", "plan-chunks"];

const MAX_INT32 = 2 ** 31 - 1;

function checkPlanSize(idBase: number, taskCount: number): void {
  const count = Math.min(MAX_PLAN_TASKS, MAX_INT32 - idBase + 1);
  if (taskCount >= 1 && taskCount <= count) return;
  throw unexpected(`a plan of 1 to ${count} tasks from ${idBase} on`, `${taskCount}`);
}

type CommandOf<Kind extends SchedulerCommand["kind"]> = Extract<SchedulerCommand, { kind: Kind }>;

/** A client that has registered. */
export type ClientSession = {
  readonly id: number;
  /** Takes what came; the splitter holds what came with the registration. */
  onData(chunk: Uint8Array): void;
  onClose(error: Error | undefined): void;
  tellFinished(command: CommandOf<"notify-finished">): void;
  tellFailed(command: CommandOf<"notify-failed">): void;
  /** Something to know about one of its tasks, or in general. */
  tellNotice(clientTask: number | undefined, message: string): void;
  refuse(command: CommandOf<"refuse">): void;
  deliver(command: Deliver | DeliverHeld): void;
  end(): void;
};

export function startClientSession(
  engine: Engine,
  id: number,
  connection: TcpConnection,
  register: Register,
  splitter: FrameSplitter,
): ClientSession {
  const takesNotices = register.capabilities.includes("notices");
  const takesCarried = register.capabilities.includes("carried-results");
  splitter.limit = REQUEST_FRAME;
  let isOver = false;
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

  const leave = (reason: string): void => {
    if (isOver) return;
    isOver = true;
    engine.clients.delete(id);
    engine.pythonAdvice.onClientLeft(id);
    deliveries.abandon();
    engine.log("info", "client left", { client: id, reason });
    engine.step({ kind: "client-left", clientId: id });
  };

  const submit = (request: Extract<ClientRequest, { kind: "plan" }>): void => {
    for (const worker of engine.workers.values()) announceSymbols(engine, worker);
    const { plan } = request;
    engine.pythonAdvice.onPlan(id, plan);
    const done = (loadable: Uint8Array | undefined): void => {
      engine.trace?.onPlan(id, plan);
      engine.step({ kind: "plan-submitted", clientId: id, plan, loadable });
    };
    if (!request.loadCheckpoints || plan.checkpointPaths === undefined) {
      done(undefined);
      return;
    }
    isBusy = true;
    void findLoadable(plan).then((loadable) => {
      isBusy = false;
      if (isOver) return;
      done(loadable);
      takeRequests();
    });
  };

  const handle = (request: ClientRequest): void => {
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
        const query = request.query === "" ? `${id}/${request.id}` : request.query;
        send({ kind: "explanations", json: JSON.stringify(explainTasks(engine, query)) });
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
      case "terminate":
        engine.log("info", "terminated by a client", { client: id });
        engine.terminate();
        break;
      case "goodbye":
        deliveries.closeAfterSent();
        leave("it said goodbye");
        break;
      case "attach":
      case "listPlans":
      case "findPlan":
      case "forgetPlan":
      case "cancelPlan":
      case "attachPlan":
        throw unexpected("a request that this server takes", request.kind);
      default: {
        const unknown: never = request;
        throw new TypeError(`no such request: ${JSON.stringify(unknown)}`);
      }
    }
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

  const takeRequest = (frame: Uint8Array): void => {
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
    onClose: (error) => leave(error?.message ?? "connection closed"),
    tellFinished({ clientTasks, carried }) {
      const writer = new ByteWriter();
      if (takesCarried) encodeResultsFinished(writer, { ids: clientTasks, carried });
      else encodeTasksFinished(writer, clientTasks);
      deliveries.send(writer.take());
    },
    tellFailed({ clientTask, worker, attempts, label, failure, cause }) {
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
    deliver: (command) => deliveries.deliver(command),
    end: () => deliveries.closeAfterSent(),
  };

  engine.clients.set(id, session);
  engine.log("info", "client joined", { client: id, name: register.clientName });
  const capabilities = register.capabilities.length === 0 ? [] : SERVER_CAPABILITIES;
  send({ kind: "dictionary", symbols: engine.symbols.names, capabilities });
  engine.pythonAdvice.onClientJoined(id, register.versions ?? []);
  if (takesCarried) engine.step({ kind: "client-joined", clientId: id, takesCarried });
  return session;
}
