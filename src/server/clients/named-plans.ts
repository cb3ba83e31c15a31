import { kindOf } from "../../core/model/failures.ts";
import type { PlanSummary } from "../../core/model/plan-summary.ts";
import type { SchedulerCommand } from "../../core/scheduler/commands.ts";
import { countResults } from "../../core/scheduler/report.ts";
import type { Engine } from "../engine.ts";
import type { CommandTaker } from "./command-taker.ts";
import { encodeKeptClient, type NamedPlanOrigin } from "./kept-clients.ts";

/** A client that is told of a named plan, whose tasks have other ids there. */
export type Attachment = {
  readonly taker: CommandTaker;
  /** The plan's first id at that client. */
  readonly idBase: number;
  /** The client is still there, on this connection. */
  readonly isLive: () => boolean;
};

/** A plan that lives without a client, until it is forgotten. For the scheduler it is a client of its own. */
export type NamedPlanEntry = {
  readonly ownerId: number;
  readonly origin: NamedPlanOrigin;
  readonly attachments: Set<Attachment>;
  /** Who asked for the bytes of a result, by the plan's own task id, oldest first. */
  readonly requests: Map<number, Attachment[]>;
  failure: string | undefined;
  isCanceled: boolean;
};

export type NamedPlans = {
  /** By name. */
  readonly byName: Map<string, NamedPlanEntry>;
};

export const createNamedPlans = (): NamedPlans => ({ byName: new Map() });

/** Makes the plan's owner known. The caller submits the plan in its name. */
export function addNamedPlan(engine: Engine, origin: NamedPlanOrigin): NamedPlanEntry {
  const ownerId = engine.ids.next++;
  const entry = putNamedPlan(engine, ownerId, origin);
  const session = encodeKeptClient({ kind: "named", plan: origin });
  engine.step({
    kind: "client-joined",
    clientId: ownerId,
    takesCarried: false,
    session,
    life: "named",
  });
  return entry;
}

/** Also for a plan that another run of the server had. */
export function putNamedPlan(
  engine: Engine,
  ownerId: number,
  origin: NamedPlanOrigin,
): NamedPlanEntry {
  const entry: NamedPlanEntry = {
    ownerId,
    origin,
    attachments: new Set(),
    requests: new Map(),
    failure: undefined,
    isCanceled: false,
  };
  engine.namedPlans.byName.set(origin.name, entry);
  engine.clients.set(ownerId, createOwner(engine, entry));
  return entry;
}

/** Ends the plan and all that is left of it. Whoever still waits for its results is told. */
export function forgetNamedPlan(engine: Engine, entry: NamedPlanEntry): void {
  engine.namedPlans.byName.delete(entry.origin.name);
  engine.step({ kind: "client-left", clientId: entry.ownerId });
  engine.clients.delete(entry.ownerId);
  refuseAll(entry, `The plan '${entry.origin.name}' was forgotten.`);
}

/** Stops what is unfinished of the plan; what is finished stays until it is forgotten. */
export function cancelNamedPlan(engine: Engine, { ownerId, origin }: NamedPlanEntry): void {
  const clientTasks = origin.roots.map((row) => origin.idBase + row);
  engine.step({ kind: "tasks-canceled", clientId: ownerId, clientTasks, isWholePlan: true });
}

function refuseAll({ attachments }: NamedPlanEntry, message: string): void {
  for (const { taker, idBase } of attachments) {
    taker.refuse({ kind: "refuse", clientId: 0, message, planIdBase: idBase });
  }
  attachments.clear();
}

export function summarize(engine: Engine, entry: NamedPlanEntry): PlanSummary {
  const { origin, failure, isCanceled } = entry;
  const results = new Set(origin.roots).size;
  const { finished } = countResults(engine.state, entry.ownerId);
  const isFinished = finished === results;
  const ended = failure === undefined ? (isFinished ? "finished" : "running") : "failed";
  return {
    name: origin.name,
    state: isCanceled ? "canceled" : ended,
    tasks: origin.taskCount,
    results,
    resultsFinished: finished,
    submittedAtMs: origin.submittedAtMs,
    client: origin.clientName,
    failure,
  };
}

/** Asks for the bytes of a result in the name of the plan. */
export function requestResult(
  engine: Engine,
  entry: NamedPlanEntry,
  attachment: Attachment,
  task: number,
): void {
  const waiting = entry.requests.get(task);
  if (waiting === undefined) entry.requests.set(task, [attachment]);
  else waiting.push(attachment);
  engine.step({ kind: "result-requested", clientId: entry.ownerId, clientTask: task });
}

type Deliverable = Extract<SchedulerCommand, { kind: "deliver" | "deliver-held" }>;

/** Passes what the scheduler says to the plan's owner on to whoever is attached. */
function createOwner(engine: Engine, entry: NamedPlanEntry): CommandTaker {
  const { attachments, origin } = entry;
  const toAll = (tell: (attachment: Attachment, offset: number) => void): void => {
    for (const attachment of attachments) {
      if (attachment.isLive()) tell(attachment, attachment.idBase - origin.idBase);
      else attachments.delete(attachment);
    }
  };
  const nextRequester = (task: number): Attachment | undefined => {
    const waiting = entry.requests.get(task);
    const next = waiting?.shift();
    if (waiting?.length === 0) entry.requests.delete(task);
    return next?.isLive() ? next : undefined;
  };
  return {
    tellFinished(command) {
      toAll(({ taker }, offset) => {
        const clientTasks = command.clientTasks.map((task) => task + offset);
        taker.tellFinished({ ...command, clientTasks });
      });
    },
    // Its plan fails instead.
    tellCanceled() {},
    tellFailed(command) {
      const { clientTask, cause } = command;
      entry.failure ??= command.failure.message;
      if (kindOf(command.failure) === "canceled") entry.isCanceled = true;
      toAll(({ taker }, offset) => {
        taker.tellFailed({
          ...command,
          clientTask: clientTask + offset,
          cause: cause === undefined ? undefined : cause + offset,
        });
      });
    },
    tellNotice(clientTask, message) {
      toAll(({ taker }, offset) => {
        taker.tellNotice(clientTask === undefined ? undefined : clientTask + offset, message);
      });
    },
    tellAccepted(command) {
      toAll(({ taker }, offset) => {
        taker.tellAccepted({ ...command, idBase: command.idBase + offset });
      });
    },
    refuse(command) {
      if (command.planIdBase !== undefined) {
        entry.failure ??= command.message;
        toAll(({ taker, idBase }) => taker.refuse({ ...command, planIdBase: idBase }));
        // A plan that was refused whole has never been.
        if (command.planIdBase === origin.idBase)
          queueMicrotask(() => forgetRefused(engine, entry));
        return;
      }
      if (command.clientTask === undefined) return;
      const requester = nextRequester(command.clientTask);
      if (requester === undefined) return;
      const clientTask = command.clientTask + requester.idBase - origin.idBase;
      requester.taker.refuse({ ...command, clientTask });
    },
    deliver(command: Deliverable) {
      const requester = nextRequester(command.clientTask);
      if (requester !== undefined) {
        const clientTask = command.clientTask + requester.idBase - origin.idBase;
        requester.taker.deliver({ ...command, clientTask });
      } else if (command.kind === "deliver") {
        const { task, attempt } = command;
        queueMicrotask(() => engine.step({ kind: "delivery-ended", task, attempt }));
      }
    },
    tellAttached() {},
    expire() {},
    end() {},
  };
}

function forgetRefused(engine: Engine, entry: NamedPlanEntry): void {
  if (engine.namedPlans.byName.get(entry.origin.name) !== entry) return;
  engine.namedPlans.byName.delete(entry.origin.name);
  engine.clients.delete(entry.ownerId);
  engine.step({ kind: "client-left", clientId: entry.ownerId });
}
