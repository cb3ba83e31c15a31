import { afterEach, beforeEach, expect, test } from "vitest";
import {
  Client,
  HyperloomError,
  PlanFailedError,
  TaskFailedError,
  tasks,
} from "../../src/client/index.ts";
import { type FakeServer, type Peer, startFakeServer, until } from "./support/fake-server.ts";

let server: FakeServer;
let client: Client;
let notices: string[];
let answersStats: boolean;

beforeEach(async () => {
  notices = [];
  answersStats = true;
  server = await startFakeServer({
    onRequest(request, peer) {
      if (request.kind === "stats" && answersStats) {
        peer.send({ kind: "stats", workerCount: 1, dataObjectCount: 0 });
      }
    },
  });
  client = await Client.connect(server.address, { onNotice: (text) => notices.push(text) });
});

afterEach(async () => {
  await client.close();
  await server[Symbol.asyncDispose]();
});

function peer(): Peer {
  const [first] = server.peers;
  if (first === undefined) throw new Error("nobody is connected");
  return first;
}

const task = () => tasks.custom("my/task");

test("a failed task rejects with its story, the rest of its plan with that as the cause", async () => {
  const [finished, culprit, other] = client.submit([task(), task(), task()]);
  const elsewhere = client.submit(task());
  peer().send({ kind: "taskFinished", id: finished.id });
  await finished.wait();
  const waiting = [culprit, other].map((future) => future.wait().catch((error) => error));
  peer().send({
    kind: "taskFailed",
    error: {
      id: culprit.id,
      worker: "10.0.0.7:4000",
      message: "Program terminated with status 3",
      exitCode: 3,
      stderr: Buffer.from("no such file"),
      attempts: 2,
      label: "sort: 1",
    },
  });
  const [own, given] = await Promise.all(waiting);
  expect(own).toBeInstanceOf(TaskFailedError);
  expect(own).toMatchObject({
    code: "task-failed",
    taskId: culprit.id,
    label: "sort: 1",
    worker: "10.0.0.7:4000",
    exitCode: 3,
    signal: undefined,
    stderr: "no such file",
    attempts: 2,
    message: "Task 1 'sort: 1' failed on 10.0.0.7:4000: Program terminated with status 3",
  });
  expect("cause" in own).toBe(false);
  expect(given).toBeInstanceOf(PlanFailedError);
  expect(given).toBeInstanceOf(TaskFailedError);
  expect(given).toMatchObject({ code: "plan-failed", exitCode: 3, cause: own });
  expect(other).toMatchObject({ state: "failed", error: given });
  await expect(other.fetch()).rejects.toBe(given);
  expect(finished.state).toBe("finished");
  expect(elsewhere.state).toBe("pending");
  expect(client.progress).toMatchObject({ resultsFinished: 1, resultsFailed: 2 });
});

test("a task that is no result fails the plan too", async () => {
  const future = client.submit(tasks.merge([task()]));
  peer().send({ kind: "taskFailed", error: { id: 0, message: "no", signal: "SIGKILL" } });
  const error = await future.gather().catch((reason) => reason);
  expect(error).toBeInstanceOf(PlanFailedError);
  expect(error.cause).toMatchObject({ taskId: 0, signal: "SIGKILL", label: undefined });
});

test("nobody has to wait for what fails", async () => {
  const unhandled: unknown[] = [];
  const listener = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", listener);
  try {
    const futures = client.submit([task(), task()]);
    peer().send({ kind: "taskFailed", error: { id: 0, message: "no" } });
    await until(() => futures[1].failed);
    peer().socket.destroy();
    await until(() => client.isClosed);
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
  } finally {
    process.off("unhandledRejection", listener);
  }
});

test("late reports about a failed plan change nothing", async () => {
  const [a, b] = client.submit([task(), task()]);
  peer().send({ kind: "taskFailed", error: { id: a.id, message: "no" } });
  peer().send({ kind: "taskFinished", id: b.id });
  peer().send({ kind: "taskFailed", error: { id: b.id, message: "no either" } });
  peer().send({ kind: "taskFinished", id: 4711 });
  await client.stats();
  expect([a.state, b.state]).toEqual(["failed", "failed"]);
  expect(b.error?.cause).toBe(a.error);
  const later = client.submit(task());
  peer().send({ kind: "taskFinished", id: later.id });
  await later.wait();
});

test("a plan that needs a failed one fails with the first failure as its cause", async () => {
  const [culprit, given] = client.submit([task(), task()]);
  const sent = client.submit(tasks.merge([given]));
  peer().send({ kind: "taskFailed", error: { id: culprit.id, message: "no" } });
  peer().send({
    kind: "taskFailed",
    error: { id: sent.id, message: "an input failed", causeId: culprit.id },
  });
  await until(() => sent.failed);
  expect(sent.error).toBeInstanceOf(TaskFailedError);
  expect(sent.error?.cause).toBe(culprit.error);

  const unsent = client.submit(tasks.merge([given]));
  expect(unsent.state).toBe("failed");
  expect(unsent.error).toBeInstanceOf(PlanFailedError);
  expect(unsent.error?.cause).toBe(culprit.error);
  await client.stats();
  expect(server.requests.filter(({ kind }) => kind === "plan")).toHaveLength(2);
});

test("a refused plan rejects all its futures, and only those", async () => {
  const before = client.submit(task());
  const [a, b] = client.submit([task(), task()]);
  const refusal = { id: a.id, planRefused: true, message: "task 2: unknown task type" };
  peer().send({ kind: "error", error: refusal });
  await expect(b.wait()).rejects.toMatchObject({
    code: "plan-refused",
    message: expect.stringContaining("task 2: unknown task type"),
  });
  expect(a.error).toBe(b.error);
  expect(before.pending).toBe(true);
});

test("a plan refused because an input had just failed tells that failure", async () => {
  const input = client.submit(task());
  const future = client.submit(tasks.merge([input]));
  peer().send({ kind: "taskFailed", error: { id: input.id, message: "no" } });
  const refusal = { id: future.id, planRefused: true, message: "unknown id 0" };
  peer().send({ kind: "error", error: refusal });
  await until(() => future.failed);
  expect(future.error?.cause).toBe(input.error);
});

test("losing the server rejects everything that waits, and all that is asked later", async () => {
  answersStats = false;
  const [finished, pending] = client.submit([task(), task()]);
  peer().send({ kind: "taskFinished", id: finished.id });
  await finished.wait();
  const lost = expect.objectContaining({
    code: "server-lost",
    message: expect.stringMatching(/^The server at 127\.0\.0\.1:\d+ is lost: .*submit again/),
  });
  const waiting = [
    pending.wait(),
    pending.gather(),
    finished.fetch(),
    client.wait([finished, pending]),
    client.fetch([finished, pending]),
    client.status(),
    client.trace("/tmp"),
    client.asCompleted([pending]).next(),
    finished.stream().toArray(),
  ].map((promise: Promise<unknown>) => expect(promise).rejects.toEqual(lost));
  await until(() => server.requests.some(({ kind }) => kind === "trace"));
  peer().socket.destroy();
  await Promise.all(waiting);
  expect(client.isClosed).toBe(true);
  expect(pending.error).toEqual(lost);
  await expect(finished.wait()).resolves.toBeUndefined();
  await expect(finished.fetch()).rejects.toEqual(lost);
  await expect(client.stats()).rejects.toEqual(lost);
  await expect(client.submit(task()).wait()).rejects.toEqual(lost);
  client.release([finished, pending]);
});

test("an error that is about no request is told, and is why the server is lost", async () => {
  const future = client.submit(task());
  peer().send({ kind: "error", error: { message: "Frame too long" } });
  peer().socket.end();
  await expect(future.wait()).rejects.toMatchObject({
    code: "server-lost",
    message: expect.stringContaining("Frame too long"),
  });
  expect(notices).toEqual(["Frame too long"]);
});

test("bytes that are not the protocol end the connection", async () => {
  const future = client.submit(task());
  peer().socket.write(Buffer.from("0200000000000000ffff", "hex"));
  await expect(future.wait()).rejects.toMatchObject({ code: "protocol-broken" });
});

test("a closed client rejects what waits and refuses new work", async () => {
  const future = client.submit(task());
  const waiting = expect(future.wait()).rejects.toMatchObject({ code: "client-closed" });
  await client.close();
  await client.close();
  await waiting;
  expect(() => client.submit(task())).toThrow(HyperloomError);
  await expect(client.stats()).rejects.toMatchObject({ code: "client-closed" });
});
