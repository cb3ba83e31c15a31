import { afterEach, beforeEach, expect, test } from "vitest";
import { Client, tasks } from "../../src/client/index.ts";
import type { ClusterStatus } from "../../src/core/model/status.ts";
import type { ClientRequest } from "../../src/protocol/client/client-request.ts";
import { type FakeServer, type Peer, startFakeServer, until } from "./support/fake-server.ts";

let server: FakeServer;
let client: Client;
let notices: string[];
let onRequest: (request: ClientRequest, peer: Peer) => void;

beforeEach(async () => {
  notices = [];
  onRequest = () => {};
  server = await startFakeServer({ onRequest: (request, peer) => onRequest(request, peer) });
  client = await Client.connect(server.address, { onNotice: (text) => notices.push(text) });
});

afterEach(async () => {
  await client.close();
  await server[Symbol.asyncDispose]();
});

const task = () => tasks.custom("my/task");
const finish = (...ids: number[]): void => {
  for (const id of ids) server.peers[0]?.send({ kind: "taskFinished", id });
};

test("futures are yielded in the order in which they finish", async () => {
  const futures = client.submit([task(), task(), task()]);
  finish(1);
  await futures[1].wait();
  finish(2, 0);
  const order: number[] = [];
  for await (const done of client.asCompleted([...futures, futures[2]])) {
    expect(done.finished).toBe(true);
    order.push(done.id);
  }
  expect(order).toEqual([1, 2, 2, 0]);
});

test("the first failure is thrown by asCompleted, unless it is to be yielded", async () => {
  const [a, b, c] = client.submit([task(), task(), task()]);
  const yielded: number[] = [];
  const looping = (async () => {
    for await (const done of client.asCompleted([a, b, c])) yielded.push(done.id);
  })();
  finish(2);
  await c.wait();
  server.peers[0]?.send({ kind: "taskFailed", error: { id: a.id, message: "no" } });
  await expect(looping).rejects.toMatchObject({ code: "task-failed" });
  expect(yielded).toEqual([2]);
  const states: string[] = [];
  for await (const { state } of client.asCompleted([a, b, c], { yieldFailed: true })) {
    states.push(state);
  }
  expect(states).toEqual(["failed", "failed", "finished"]);
});

test("waiting ends with the signal's reason, and the futures go on", async () => {
  const futures = client.submit([task(), task()]);
  const controller = new AbortController();
  const { signal } = controller;
  const reason = new Error("lunch");
  const waiting = [
    futures[0].wait({ signal }),
    client.wait(futures, { signal }),
    client.gather(futures, { signal }),
    client.asCompleted(futures, { signal }).next(),
    client.stats({ signal }),
    client.status({ signal }),
    client.trace("/tmp", { signal }),
    client.terminate({ signal }),
  ].map((promise: Promise<unknown>) => expect(promise).rejects.toBe(reason));
  controller.abort(reason);
  await Promise.all(waiting);
  await expect(futures[0].wait({ signal })).rejects.toBe(reason);
  finish(0, 1);
  await client.wait(futures);
});

test("a hundred thousand futures are waited for in one go", async () => {
  const futures = client.submit(Array.from({ length: 100_000 }, task));
  const { signal } = new AbortController();
  const all = client.wait(futures, { signal });
  const each = Promise.all(futures.map((future) => future.wait({ signal })));
  let count = 0;
  const counting = (async () => {
    for await (const _ of client.asCompleted(futures)) count += 1;
  })();
  await until(() => server.requests.length === 1);
  finish(...futures.map(({ id }) => id).reverse());
  await Promise.all([all, each, counting]);
  expect(count).toBe(100_000);
  expect(client.progress).toEqual({
    tasksSubmitted: 100_000,
    resultsSubmitted: 100_000,
    resultsFinished: 100_000,
    resultsFailed: 0,
    resultsCanceled: 0,
    resultsReleasedEarly: 0,
  });
});

test("a pending result can be released, once, and then rejects", async () => {
  const [a, b] = client.submit([task(), task()]);
  const waiting = expect(a.wait()).rejects.toMatchObject({ code: "future-released" });
  a.release();
  a.release();
  await waiting;
  {
    using released = b;
    expect(released.pending).toBe(true);
  }
  await until(() => server.requests.length >= 3);
  finish(0, 1);
  onRequest = (request, peer) => {
    if (request.kind === "stats") peer.send({ kind: "stats", workerCount: 0, dataObjectCount: 0 });
  };
  await client.stats();
  expect(server.requests.slice(1, 3)).toEqual([
    { kind: "release", id: 0 },
    { kind: "release", id: 1 },
  ]);
  expect([a.state, b.state]).toEqual(["released", "released"]);
  expect(client.progress).toMatchObject({ resultsFinished: 0, resultsReleasedEarly: 2 });
});

test("statistics and status are answered in the order of the questions", async () => {
  const status: ClusterStatus = {
    workers: [],
    tasks: { waiting: 1, ready: 2, assigned: 3, running: 4, finished: 5, failed: 6 },
    clients: 1,
    dataObjects: 7,
    uptimeMs: 8,
    unsatisfiable: [{ resources: { gpus: 2 }, tasks: 1 }],
  };
  let count = 0;
  onRequest = (request, peer) => {
    if (request.kind === "stats") {
      count += 1;
      peer.send({ kind: "stats", workerCount: count, dataObjectCount: 0 });
    } else if (request.kind === "status") {
      peer.send({ kind: "status", json: JSON.stringify(status) });
    }
  };
  const [first, traced, second, told] = await Promise.all([
    client.stats(),
    client.trace("/tmp/trace"),
    client.stats(),
    client.status(),
  ]);
  expect([first.workers, traced, second.workers]).toEqual([1, undefined, 3]);
  expect(told).toEqual(status);
});

test("a trace that the server cannot write is refused", async () => {
  onRequest = (request, peer) => {
    if (request.kind === "trace") {
      peer.send({ kind: "error", error: { message: `cannot write ${request.path}` } });
    } else if (request.kind === "stats") {
      peer.send({ kind: "stats", workerCount: 1, dataObjectCount: 2 });
    }
  };
  await expect(client.trace("/no/such")).rejects.toMatchObject({
    code: "trace-refused",
    message: expect.stringContaining("/no/such"),
  });
  expect(await client.stats()).toEqual({ workers: 1, dataObjects: 2 });
});

test("terminate resolves when the server is gone", async () => {
  onRequest = (request, peer) => {
    if (request.kind === "terminate") peer.socket.end();
  };
  await client.terminate();
  expect(client.isClosed).toBe(true);
});

test("notices reach their callback, also one that throws later than the reader", async () => {
  server.peers[0]?.send({ kind: "notice", error: { message: "no worker has 3 gpus" } });
  await until(() => notices.length > 0);
  expect(notices).toEqual(["no worker has 3 gpus"]);
});

test("notices become warnings of the process by default", async () => {
  await using other = await Client.connect(server.address);
  expect(other.isClosed).toBe(false);
  const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
  server.peers[1]?.send({ kind: "notice", error: { message: "wait" } });
  expect(await warned).toMatchObject({ name: "HyperloomNotice", message: "wait" });
});
