import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FLAG_CARRY, FLAG_RESULT } from "../../src/core/model/batches.ts";
import type { ClusterStatus } from "../../src/core/model/status.ts";
import { BUILTIN_SYMBOLS, CPUS, TASK_TYPE } from "../../src/core/model/symbols.ts";
import type { PlanEncoder } from "../../src/protocol/client/plan-encoder.ts";
import { type Server, startServer } from "../../src/server/server.ts";
import { textsOf } from "../core/scheduler/fake-cluster.ts";
import { connectRaw, type RawClient } from "./raw-client.ts";
import { type StubWorker, startStubWorker } from "./stub-worker.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const NOTHING = new Uint8Array(0);

let server: Server;
let clients: RawClient[];
let workers: StubWorker[];

const client = async (capabilities: readonly string[] = []): Promise<RawClient> => {
  const raw = connectRaw(server.port);
  clients.push(raw);
  raw.register(capabilities);
  expect((await raw.next()).kind).toBe("dictionary");
  return raw;
};

const worker = async (options: Parameters<typeof startStubWorker>[1] = {}): Promise<StubWorker> => {
  const stub = startStubWorker(server.port, options);
  workers.push(stub);
  await stub.take("welcome");
  return stub;
};

const oneConst = (encoder: PlanEncoder): void =>
  encoder.addTask(TASK_TYPE.const, text("x"), [], -1, true);

/** Asks for the counts until they are as expected. */
const untilStats = (raw: RawClient, workerCount: number, dataObjectCount: number): Promise<void> =>
  vi.waitFor(async () => {
    raw.request({ kind: "stats" });
    expect(await raw.next()).toEqual({ kind: "stats", workerCount, dataObjectCount });
  }, 5_000);

beforeEach(async () => {
  clients = [];
  workers = [];
  server = await startServer({ host: "127.0.0.1", port: 0, log: () => {} });
});

afterEach(async () => {
  for (const raw of clients) raw.close();
  for (const stub of workers) stub.close();
  await server[Symbol.asyncDispose]();
});

describe("registration", () => {
  test("is answered by all symbols", async () => {
    const raw = connectRaw(server.port);
    clients.push(raw);
    raw.register();
    expect(await raw.next()).toEqual({ kind: "dictionary", symbols: [...BUILTIN_SYMBOLS] });
  });

  test("of another version gets an error that names both, then the end", async () => {
    const raw = connectRaw(server.port);
    clients.push(raw);
    raw.raw(Uint8Array.of(4, 0, 0, 0, 0, 0, 0, 0, 0x08, 1, 0x10, 2));
    expect(await raw.next()).toMatchObject({
      kind: "error",
      error: { message: expect.stringMatching(/version 2.*version 1/) },
    });
    await raw.closed;
  });

  test("may come together with requests", async () => {
    const raw = connectRaw(server.port);
    clients.push(raw);
    raw.register();
    raw.request({ kind: "stats" });
    expect((await raw.next()).kind).toBe("dictionary");
    expect(await raw.next()).toEqual({ kind: "stats", workerCount: 0, dataObjectCount: 0 });
  });

  test("of a worker of another protocol is refused with what to do", async () => {
    const raw = connectRaw(server.port);
    clients.push(raw);
    raw.registerAs({ type: "worker", port: 1, workerProtocolVersion: 77 });
    expect(await raw.next()).toMatchObject({
      kind: "error",
      error: { message: expect.stringContaining("same version of HyperLoom") },
    });
    await raw.closed;
  });
});

describe("a plan", () => {
  test("is assigned, and its result told once", async () => {
    const stub = await worker();
    const raw = await client();
    raw.plan(oneConst, 7);
    const { batch } = await stub.take("assign");
    expect([...batch.clientTasks]).toEqual([7]);
    expect(new TextDecoder().decode(batch.details)).toBe("x");
    stub.finish(batch);
    stub.finish(batch);
    expect(await raw.next()).toEqual({ kind: "taskFinished", id: 7 });
    await untilStats(raw, 1, 1);
    raw.request({ kind: "release", id: 7 });
    expect((await stub.take("drop")).refs.tasks).toEqual(batch.tasks);
    await untilStats(raw, 1, 0);
  });

  test("gives small results to a client that takes them, unasked, in one message", async () => {
    const stub = await worker();
    const ours = await client(["carried-results"]);
    ours.plan((encoder) => {
      for (let i = 0; i < 3; i++) encoder.addTask(TASK_TYPE.const, text("x"), [], -1, true);
    }, 7);
    const { batch } = await stub.take("assign");
    expect([...batch.flags]).toEqual(Array(3).fill(FLAG_RESULT | FLAG_CARRY));
    stub.finish(batch, ["one", "two"]);
    const answer = await ours.next();
    if (answer.kind !== "resultsFinished") throw new Error(`got ${answer.kind}`);
    expect([...answer.ids]).toEqual([7, 8, 9]);
    expect(textsOf(answer.ids, answer.carried)).toEqual({ 7: "one", 8: "two" });
    await untilStats(ours, 1, 3);
    ours.request({ kind: "releaseMany", ids: Int32Array.of(7, 8, 9) });
    expect((await stub.take("drop")).refs.tasks.sort()).toEqual(batch.tasks);
    await untilStats(ours, 1, 0);
  });

  test("keeps small results for a client that fetches, and answers without the worker", async () => {
    const stub = await worker();
    const [old, other] = [await client(), await client()];
    old.plan(oneConst);
    stub.finish((await stub.take("assign")).batch, ["old"]);
    other.plan(oneConst);
    stub.finish((await stub.take("assign")).batch, ["other"]);
    for (const [raw, value] of [
      [old, "old"],
      [other, "other"],
    ] as const) {
      expect(await raw.next()).toEqual({ kind: "taskFinished", id: 0 });
      for (let i = 0; i < 2; i++) raw.request({ kind: "fetch", id: 0 });
      raw.request({ kind: "release", id: 0 });
      raw.request({ kind: "fetch", id: 0 });
      for (let i = 0; i < 2; i++) {
        expect(await raw.next()).toMatchObject({ kind: "data", id: 0, frameCount: 1 });
        expect(new TextDecoder().decode(await raw.nextFrame())).toBe(value);
      }
      expect(await raw.next()).toMatchObject({ error: { message: "Invalid id: 0" } });
    }
  });

  test("with an unknown input is refused by its id base, and the connection goes on", async () => {
    const raw = await client();
    raw.plan((encoder) => encoder.addTask(TASK_TYPE.merge, NOTHING, [3], -1, true), 40);
    expect(await raw.next()).toMatchObject({
      kind: "error",
      error: { id: 40, planRefused: true, message: expect.stringContaining("input 3") },
    });
    raw.plan((encoder) => encoder.addTask(999, NOTHING, [], -1, true), 50);
    expect(await raw.next()).toMatchObject({ kind: "error", error: { id: 50, planRefused: true } });
    await untilStats(raw, 0, 0);
  });

  test("of one client does not meet the same ids of another", async () => {
    const stub = await worker();
    const [a, b] = [await client(), await client()];
    a.plan(oneConst);
    const first = await stub.take("assign");
    b.plan(oneConst);
    const second = await stub.take("assign");
    stub.finish(second.batch);
    expect(await b.next()).toEqual({ kind: "taskFinished", id: 0 });
    a.request({ kind: "fetch", id: 0 });
    expect(await a.next()).toMatchObject({ error: { message: "Task is not finished" } });
    a.close();
    expect((await stub.take("cancel")).refs.tasks).toEqual(first.batch.tasks);
    await untilStats(b, 1, 1);
  });

  test("waits for a worker that comes later, and goes to another when its worker leaves", async () => {
    const raw = await client();
    raw.plan(oneConst);
    const stub = await worker();
    const first = await stub.take("assign");
    stub.close();
    const other = await worker();
    const second = await other.take("assign");
    expect(second.batch.attempts[0]).toBe((first.batch.attempts[0] ?? 0) + 1);
    other.finish(second.batch);
    expect(await raw.next()).toEqual({ kind: "taskFinished", id: 0 });
  });

  test("that asks for what only one worker has goes there", async () => {
    const plain = await worker();
    const gpus = await worker({
      resources: [
        { name: "loom/resource/gpus", amount: 2 },
        { name: "licenses", amount: 1 },
      ],
    });
    const raw = await client();
    raw.plan((encoder) => {
      const resource = encoder.symbolId("loom/resource/gpus");
      const request = encoder.requestIndex([{ resource, amount: 2 }]);
      encoder.addTask(TASK_TYPE.run, NOTHING, [], request, true);
      const other = encoder.symbolId("loom/resource/licenses");
      const both = encoder.requestIndex([
        { resource: other, amount: 1 },
        { resource: CPUS, amount: 1 },
      ]);
      encoder.addTask(TASK_TYPE.run, NOTHING, [], both, true);
    });
    const given = new Set<number>();
    while (given.size < 2) {
      for (const id of (await gpus.take("assign")).batch.clientTasks) given.add(id);
    }
    expect(plain.received.some(({ kind }) => kind === "assign")).toBe(false);
  });

  test("of an extension type goes to a worker that loaded it; until then clients are noticed", async () => {
    await worker();
    const raw = await client(["notices"]);
    raw.plan((encoder) =>
      encoder.addTask(encoder.symbolId("my/count"), text("config"), [], -1, true),
    );
    expect(await raw.next()).toMatchObject({
      kind: "notice",
      error: { id: 0, message: expect.stringContaining("my/count") },
    });
    const extended = await worker({ taskTypes: ["my/count"] });
    const { batch } = await extended.take("assign");
    expect(extended.received).toContainEqual(
      expect.objectContaining({ kind: "symbols", names: ["my/count"] }),
    );
    expect(batch.taskTypes[0]).toBe(BUILTIN_SYMBOLS.length);
  });
});

describe("a failure", () => {
  test("is told with its story, once, and the connection stays usable", async () => {
    const stub = await worker();
    const raw = await client();
    raw.plan((encoder) => {
      encoder.addTask(TASK_TYPE.run, NOTHING, [], -1, true, "sort: a");
      encoder.addTask(TASK_TYPE.merge, NOTHING, [0], -1, true);
    });
    const { batch } = await stub.take("assign");
    const failure = { message: "Program terminated with status 3", exitCode: 3, stderr: "no" };
    const report = { task: batch.tasks[0] ?? 0, attempt: batch.attempts[0] ?? 0, failure };
    stub.send({ kind: "task-failed", ...report });
    stub.send({ kind: "task-failed", ...report });
    expect(await raw.next()).toMatchObject({
      kind: "taskFailed",
      error: {
        id: 0,
        worker: "127.0.0.1:1",
        message: failure.message,
        exitCode: 3,
        attempts: 1,
        label: "sort: a",
      },
    });
    raw.request({ kind: "release", id: 0 });
    raw.request({ kind: "release", id: 1 });
    await untilStats(raw, 1, 0);
  });
});

describe("requests about results", () => {
  test("that cannot be carried out get an error", async () => {
    const stub = await worker();
    const raw = await client();
    raw.request({ kind: "fetch", id: 5 });
    expect(await raw.next()).toMatchObject({ kind: "error", error: { message: "Invalid id: 5" } });
    raw.request({ kind: "release", id: -5 });
    expect(await raw.next()).toMatchObject({ kind: "error", error: { message: "Invalid id: -5" } });
    raw.plan((encoder) => {
      encoder.addTask(TASK_TYPE.const, text("x"), [], -1, false);
      encoder.addTask(TASK_TYPE.merge, NOTHING, [0], -1, true);
    });
    await stub.take("assign");
    raw.request({ kind: "fetch", id: 0 });
    expect(await raw.next()).toMatchObject({ error: { message: "Task is not result" } });
    raw.request({ kind: "fetch", id: 1 });
    expect(await raw.next()).toMatchObject({ error: { message: "Task is not finished" } });
  });
});

describe("broken messages", () => {
  test("end their connection and nothing else", async () => {
    const stub = await worker();
    const good = await client();
    for (const bytes of [
      Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff),
      Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255),
      Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0x08, 99),
    ]) {
      const raw = await client();
      raw.raw(bytes);
      expect((await raw.next()).kind).toBe("error");
      await raw.closed;
    }
    stub.socket.write(Uint8Array.of(1, 0, 0, 0, 99, 0, 0, 0));
    await untilStats(good, 0, 0);
  });
});

test("STATUS tells workers, tasks and what waits for nothing", async () => {
  const stub = await worker({ cpus: 3, resources: [{ name: "gpus", amount: 1 }] });
  const raw = await client();
  raw.plan(oneConst);
  await stub.take("assign");
  raw.request({ kind: "status" });
  const answer = await raw.next();
  const status = JSON.parse(answer.kind === "status" ? answer.json : "{}") as ClusterStatus;
  expect(status).toMatchObject({
    workers: [{ name: "127.0.0.1:1", cpus: 3, resources: { gpus: 1 }, tasksAssigned: 1 }],
    tasks: { assigned: 1, finished: 0 },
    clients: 1,
    unsatisfiable: [],
  });
});

test("TRACE writes submit, start, end, worker and label; a bad path is an error", async () => {
  const directory = await mkdtemp(join(tmpdir(), "hyperloom-trace-"));
  try {
    const stub = await worker();
    const raw = await client();
    for (const path of ["/dev/null/no", "/proc/no", "/no/such/parent", "relative"]) {
      raw.request({ kind: "trace", path });
      const error = { message: expect.stringContaining(path) };
      expect(await raw.next()).toMatchObject({ kind: "error", error });
    }
    raw.request({ kind: "trace", path: directory });
    raw.plan((encoder) => encoder.addTask(TASK_TYPE.run, NOTHING, [], -1, true, "step: one"), 3);
    const { batch } = await stub.take("assign");
    stub.send({ kind: "tasks-started", refs: batch });
    stub.finish(batch);
    expect(await raw.next()).toEqual({ kind: "taskFinished", id: 3 });
    await vi.waitFor(async () => {
      const lines = (await readFile(join(directory, "server.trace.jsonl"), "utf8"))
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { readonly event: string });
      const of = (event: string) => lines.find((line) => line.event === event);
      expect(of("submit")).toMatchObject({ firstId: 3, labels: ["step: one"] });
      expect(of("start")).toMatchObject({ ids: [3], worker: "127.0.0.1:1" });
      expect(of("end")).toMatchObject({ ids: [3], worker: "127.0.0.1:1", durationsUs: [5] });
    }, 5_000);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("TERMINATE stops the workers and ends the server", async () => {
  const stub = await worker();
  const raw = await client();
  raw.request({ kind: "terminate" });
  await server.ended;
  const disposed = server[Symbol.asyncDispose]();
  await stub.take("stop");
  stub.close();
  await disposed;
  await raw.closed;
  server = await startServer({ host: "127.0.0.1", port: server.port, log: () => {} });
});
