import { REQUEST_TYPE } from "../../protocol/client/message-types.ts";

/** What a connection that registered as a client may be. */
export type ClientRole = "client" | "viewer";

/**
 * Which role each request needs; the only place that says so. Viewers see what the cluster does, and
 * nothing of the data: neither results nor what programs wrote. Nothing of them is ever run.
 */
export const ROLE_OF_REQUEST: Readonly<Record<keyof typeof REQUEST_TYPE, ClientRole>> = {
  plan: "client",
  planBegin: "client",
  planChunk: "client",
  planEnd: "client",
  fetch: "client",
  release: "client",
  releaseMany: "client",
  pullEnded: "client",
  cancel: "client",
  readLog: "client",
  stats: "viewer",
  status: "viewer",
  explain: "viewer",
  trace: "client",
  terminate: "client",
  goodbye: "viewer",
  attach: "client",
  listPlans: "viewer",
  findPlan: "viewer",
  forgetPlan: "client",
  cancelPlan: "client",
  drainWorker: "client",
  attachPlan: "client",
};

const FOR_VIEWERS: ReadonlySet<number> = new Set(
  Object.entries(ROLE_OF_REQUEST)
    .filter(([, role]) => role === "viewer")
    .map(([kind]) => REQUEST_TYPE[kind as keyof typeof REQUEST_TYPE]),
);

/** Whether the role may make a request of this number on the wire. */
export const mayRequest = (role: ClientRole, type: number): boolean =>
  role === "client" || FOR_VIEWERS.has(type);

/** Whether whoever submits a plan waits for the answer. */
export const isOfPlan = (type: number): boolean =>
  type === REQUEST_TYPE.plan || type === REQUEST_TYPE.planChunk;
