import { expect, onTestFinished, test } from "vitest";
import { TASK_TYPE } from "../../src/core/model/symbols.ts";
import type { SmallRequest } from "../../src/protocol/client/client-request.ts";
import { REQUEST_TYPE } from "../../src/protocol/client/message-types.ts";
import { mayRequest, ROLE_OF_REQUEST } from "../../src/server/clients/request-roles.ts";
import { startServer } from "../../src/server/server.ts";
import { connectRaw, type RawClient } from "./raw-client.ts";

const FOR_VIEWERS = ["explain", "findPlan", "goodbye", "listPlans", "stats", "status"];

test("viewers may only look", () => {
  const kinds = Object.keys(REQUEST_TYPE) as (keyof typeof REQUEST_TYPE)[];
  const allowed = kinds.filter((kind) => mayRequest("viewer", REQUEST_TYPE[kind]));
  expect(allowed.sort()).toEqual(FOR_VIEWERS);
  for (const kind of kinds) {
    expect(mayRequest("client", REQUEST_TYPE[kind])).toBe(true);
    expect(ROLE_OF_REQUEST[kind]).toBe(FOR_VIEWERS.includes(kind) ? "viewer" : "client");
  }
});

async function connectViewer(): Promise<RawClient> {
  const server = await startServer({ host: "127.0.0.1", port: 0, log: () => {} });
  onTestFinished(() => server[Symbol.asyncDispose]());
  const viewer = connectRaw(server.port);
  onTestFinished(viewer.close);
  viewer.registerAs({ role: "viewer", capabilities: ["notices"] });
  expect((await viewer.next()).kind).toBe("dictionary");
  return viewer;
}

const REFUSED: readonly SmallRequest[] = [
  { kind: "fetch", id: 0 },
  { kind: "release", id: 0 },
  { kind: "releaseMany", ids: Int32Array.of(0) },
  { kind: "planBegin", id: 0, taskCount: 1 },
  { kind: "planEnd" },
  { kind: "pullEnded", id: 0, isComplete: true },
  { kind: "trace", path: "/tmp" },
  { kind: "terminate" },
];

test("a viewer is told so for every request that is not for it, and can go on", async () => {
  const viewer = await connectViewer();
  for (const request of REFUSED) {
    viewer.request(request);
    expect(await viewer.next()).toMatchObject({
      kind: "error",
      error: { message: expect.stringContaining("A viewer may only look") },
    });
  }
  viewer.plan((encoder) => encoder.addTask(TASK_TYPE.const, new Uint8Array(0), [], -1, true));
  expect(await viewer.next()).toMatchObject({ kind: "error", error: { planRefused: true } });
  viewer.request({ kind: "stats" });
  expect(await viewer.next()).toMatchObject({ kind: "stats", dataObjectCount: 0 });
  viewer.request({ kind: "status" });
  expect((await viewer.next()).kind).toBe("status");
  viewer.request({ kind: "explain", id: 0, query: "anything" });
  expect((await viewer.next()).kind).toBe("explanations");
});
