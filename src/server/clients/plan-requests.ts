import type { Plan } from "../../core/model/plan.ts";
import type { PlanAnswer } from "../../core/model/plan-summary.ts";
import type { ClientRequest } from "../../protocol/client/client-request.ts";
import type { ClientResponse } from "../../protocol/client/client-response.ts";
import type { NamedPlan } from "../../protocol/client/named-plan.ts";
import type { Engine } from "../engine.ts";
import type { CommandTaker } from "./command-taker.ts";
import {
  type Attachment,
  addNamedPlan,
  cancelNamedPlan,
  forgetNamedPlan,
  type NamedPlanEntry,
  requestResult,
  summarize,
} from "./named-plans.ts";

/** Bytes of rows and labels in one answer, well below the limit of a response. */
const DESCRIPTION_BYTES_MAX = 12 * 1024 * 1024;

type RequestOf<Kind extends ClientRequest["kind"]> = Extract<ClientRequest, { kind: Kind }>;
type AboutPlan = RequestOf<"listPlans" | "findPlan" | "forgetPlan" | "cancelPlan" | "attachPlan">;

/** What one client asks about plans that live without their clients. */
export type PlanRequests = {
  /** Submits the plan, or attaches to it if it was submitted before. */
  submit(plan: Plan, named: NamedPlan, loadable: Uint8Array | undefined): void;
  handle(request: AboutPlan): void;
  /** True if the id is of a task of a named plan, whose result is then asked for. */
  fetch(id: number): boolean;
  /** The task `id` of this client, if it is of a named plan, as the scheduler knows it. */
  find(id: number): { readonly ownerId: number; readonly task: number } | undefined;
  /** How the server names the task `id` of this client. */
  nameOf(id: number): string | undefined;
};

type Attached = Attachment & { readonly entry: NamedPlanEntry };

export function createPlanRequests(
  engine: Engine,
  options: {
    readonly clientName: string | undefined;
    readonly taker: CommandTaker;
    readonly isLive: () => boolean;
    readonly send: (response: ClientResponse) => void;
  },
): PlanRequests {
  const { isLive, send } = options;
  const { byName } = engine.namedPlans;
  const attached: Attached[] = [];

  const attach = (entry: NamedPlanEntry, idBase: number): void => {
    const attachment = { taker: options.taker, idBase, isLive, entry };
    attached.push(attachment);
    entry.attachments.add(attachment);
  };
  const refuse = (idBase: number, message: string): void =>
    send({ kind: "error", error: { id: idBase, message, planRefused: true } });
  /** What there is to tell of the plan is told to all that are attached; they ignore what they know. */
  const tellAll = (entry: NamedPlanEntry): void =>
    engine.step({ kind: "client-attached", clientId: entry.ownerId, held: undefined });
  const find = (id: number): Attached | undefined => {
    if (attached.length === 0) return undefined;
    return attached.find(
      ({ idBase, entry }) => id >= idBase && id < idBase + entry.origin.taskCount,
    );
  };
  const answerAbout = (entry: NamedPlanEntry, isWhole: boolean): void => {
    const answer: PlanAnswer = { plan: summarize(engine, entry) };
    const { roots, labels } = entry.origin;
    const labelBytes = labels.reduce((sum, label) => sum + 3 * label.length + 8, 0);
    const fits = 4 * roots.length + labelBytes <= DESCRIPTION_BYTES_MAX;
    send({
      kind: "plan",
      json: JSON.stringify(answer),
      roots: isWhole ? roots : new Int32Array(0),
      labels: isWhole && fits ? labels : [],
    });
  };
  const answerUnknown = (name: string): void => {
    const answer: PlanAnswer = { error: unknownPlan(name) };
    send({ kind: "plan", json: JSON.stringify(answer), roots: new Int32Array(0), labels: [] });
  };

  return {
    submit(plan, named, loadable) {
      const { idBase, taskCount } = plan;
      const known = byName.get(named.name);
      if (known !== undefined) {
        if (!isSame(known.origin.nonce, named.nonce)) {
          refuse(idBase, nameTaken(named.name));
          return;
        }
        attach(known, idBase);
        send({ kind: "planAccepted", id: idBase, taskCount });
        tellAll(known);
        return;
      }
      if (4 * named.roots.length > DESCRIPTION_BYTES_MAX) {
        refuse(idBase, `A plan with a name has at most ${DESCRIPTION_BYTES_MAX / 4} results.`);
        return;
      }
      const submittedAtMs = Date.now();
      const { clientName } = options;
      const entry = addNamedPlan(engine, {
        ...named,
        idBase,
        taskCount,
        submittedAtMs,
        clientName,
      });
      attach(entry, idBase);
      engine.trace?.onPlan(entry.ownerId, plan);
      engine.step({ kind: "plan-submitted", clientId: entry.ownerId, plan, loadable });
    },
    handle(request) {
      if (request.kind === "listPlans") {
        const plans = [...byName.values()].map((entry) => summarize(engine, entry));
        send({ kind: "plans", json: JSON.stringify(plans) });
        return;
      }
      const entry = byName.get(request.name);
      if (request.kind === "attachPlan") {
        if (entry === undefined) refuse(request.id, unknownPlan(request.name));
        else {
          attach(entry, request.id);
          tellAll(entry);
        }
        return;
      }
      if (entry === undefined) {
        answerUnknown(request.name);
        return;
      }
      if (request.kind === "cancelPlan") cancelNamedPlan(engine, entry);
      answerAbout(entry, request.kind === "findPlan");
      if (request.kind === "forgetPlan") forgetNamedPlan(engine, entry);
    },
    fetch(id) {
      const attachment = find(id);
      if (attachment === undefined) return false;
      const { entry, idBase } = attachment;
      requestResult(engine, entry, attachment, id - idBase + entry.origin.idBase);
      return true;
    },
    find(id) {
      const attachment = find(id);
      if (attachment === undefined) return undefined;
      const { entry, idBase } = attachment;
      return { ownerId: entry.ownerId, task: id - idBase + entry.origin.idBase };
    },
    nameOf(id) {
      const attachment = find(id);
      if (attachment === undefined) return undefined;
      const { entry, idBase } = attachment;
      return `${entry.ownerId}/${id - idBase + entry.origin.idBase}`;
    },
  };
}

const unknownPlan = (name: string): string =>
  `There is no plan '${name}'. See hyperloom plans for those that there are.`;

const nameTaken = (name: string): string =>
  `There is a plan '${name}' already. Attach to it, have it forgotten first, or take another name.`;

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length > 0 && a.length === b.length && a.every((byte, i) => byte === b[i]);
