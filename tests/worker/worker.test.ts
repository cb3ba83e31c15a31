import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { FLAG_LOAD_CHECKPOINT } from "../../src/core/model/batches.ts";
import { BUILTIN_SYMBOLS, DATA_TYPE, TASK_TYPE } from "../../src/core/model/symbols.ts";
import { encodeClientResponse } from "../../src/protocol/client/client-response.ts";
import { encodeRunConfig } from "../../src/protocol/client/run-config.ts";
import { FORMAT_CLIENT_FRAMES } from "../../src/protocol/peer/messages.ts";
import { ByteWriter } from "../../src/protocol/wire/byte-writer.ts";
import { openPullConnection } from "../../src/transport/pull-connection.ts";
import { findProcessStat, listPids } from "../../src/worker/launcher/process-stat.ts";
import { startWorker, type Worker } from "../../src/worker/worker.ts";
import type { WorkerOptions } from "../../src/worker/worker-options.ts";
import { type Builds, createBuilds, removeBuilds } from "./launcher/builds.ts";
import { type FakeSession, refs, startFakeServer } from "./support/fake-server.ts";
import { MEMBER_KEY, SERVER_ID } from "./support/test-peers.ts";
import { testDirectory } from "./support/test-store.ts";

let builds: Builds;
beforeAll(async () => {
  builds = await createBuilds();
}, 60_000);
afterAll(() => removeBuilds(builds));

type Bench = {
  readonly worker: Worker;
  readonly session: FakeSession;
  readonly parent: string;
  readonly logs: string[];
};

async function startBench(
  options: Partial<WorkerOptions> = {},
  server?: Awaited<ReturnType<typeof startFakeServer>>,
): Promise<Bench> {
  const { port, nextWorker } = server ?? (await startFakeServer());
  const parent = testDirectory();
  const logs: string[] = [];
  const worker = await startWorker({
    serverHost: "127.0.0.1",
    serverPort: port,
    cpus: 2,
    parentDirectory: parent,
    launchers: builds,
    log: (level, message, fields) =>
      void logs.push(`${level} ${message} ${JSON.stringify(fields)}`),
    ...options,
  });
  onTestFinished(() => worker[Symbol.asyncDispose]());
  return { worker, session: await nextWorker(), parent, logs };
}

/** The process that starts programs for the worker of the test, of which there is one. */
function findLauncher(): number {
  const pids = listPids().filter((pid) => findProcessStat(pid)?.parentPid === process.pid);
  const isLauncher = (pid: number): boolean =>
    /launcher/.test(readFileSync(`/proc/${pid}/cmdline`, "latin1"));
  const found = pids.filter(isLauncher);
  expect(found).toHaveLength(1);
  return found[0] ?? 0;
}

/** Resolves when the worker has done what it was told, and what that leads to at once. */
async function beats(session: FakeSession): Promise<void> {
  for (const sequence of [1, 2, 3]) {
    session.send({ kind: "heartbeat", sequence, receivedFrames: 0 });
    await session.take("heartbeat");
  }
}

/** Kinds of what came and was not taken, but for what a worker tells from time to time. */
const untaken = ({ received }: FakeSession): string[] =>
  received.map(({ kind }) => kind).filter((kind) => kind !== "memory");

const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const program = (...args: string[]): Uint8Array =>
  encodeRunConfig({
    args: args.map((arg) => Buffer.from(arg)),
    mapInputs: [],
    mapOutputs: [Buffer.from("+out")],
    env: [],
    timeLimitMs: undefined,
    paths: [],
  });

/** The object as a client would be sent it, without the length of its only frame. */
function pull(worker: Worker, task: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    const connection = openPullConnection(
      {
        host: worker.host,
        port: worker.port,
        identity: { serverId: SERVER_ID, memberKey: MEMBER_KEY },
      },
      {
        onAnswer: ({ kind }) => {
          if (kind === "missing") resolve("missing");
        },
        onPayload: (bytes) => void chunks.push(Uint8Array.from(bytes)),
        onObjectEnd: () => resolve(Buffer.concat(chunks).subarray(8).toString()),
        onClose: (reason) => reject(new Error(reason)),
      },
    );
    onTestFinished(() => connection.destroy());
    connection.pull([{ requestId: 1, task, attempt: 1, format: FORMAT_CLIENT_FRAMES }]);
  });
}

describe("a worker", () => {
  test("registers with all that it offers", async () => {
    const { session, worker } = await startBench({
      cpus: 3,
      resources: [{ name: "gpus", amount: 2 }],
      memoryBytes: 2 ** 30,
      name: "my worker",
    });
    const { taskTypes, resources, cpus, port, workerName, dataTypes } = session.register;
    expect({ resources, cpus, port, workerName }).toEqual({
      resources: [
        { name: "loom/resource/gpus", amount: 2 },
        { name: "loom/resource/memory", amount: 1024 },
      ],
      cpus: 3,
      port: worker.port,
      workerName: "my worker",
    });
    expect(taskTypes.slice().sort()).toEqual(
      BUILTIN_SYMBOLS.filter((name) => /^loom\/(base|data|array|run|py)\//.test(name)).sort(),
    );
    expect(dataTypes).toContain("loom/pyobj");
  });

  test("executes, reports, holds and drops", async () => {
    const { session, worker } = await startBench();
    session.assign(
      { task: 1, type: TASK_TYPE.const, config: "Hello " },
      { task: 2, type: TASK_TYPE.const, config: "world!" },
    );
    const { finished } = await session.take("tasks-finished");
    expect([...finished.tasks]).toEqual([1, 2]);
    expect([...finished.sizesBytes]).toEqual([6, 6]);
    expect([...finished.dataTypes]).toEqual([DATA_TYPE.data, DATA_TYPE.data]);
    const inputs = [1, 2].map((task) => ({ task, holder: worker.workerId }));
    session.assign({ task: 3, type: TASK_TYPE.merge, inputs });
    await session.take("tasks-finished");
    expect(await pull(worker, 3)).toBe("Hello world!");
    session.send({ kind: "drop", refs: refs(3) });
    await expect.poll(() => pull(worker, 3)).toBe("missing");
    expect(await pull(worker, 1)).toBe("Hello ");
  });

  test("reports what a task did wrong, and goes on", async () => {
    const { session, worker } = await startBench();
    session.assign({ task: 1, type: TASK_TYPE.arrayMake }, { task: 2, type: TASK_TYPE.dget });
    const failed = await session.take("task-failed");
    expect(failed).toMatchObject({
      task: 2,
      failure: { message: expect.stringContaining("loom/scheduler/dget") },
    });
    const inputs = [{ task: 1, holder: worker.workerId }];
    session.assign({ task: 3, type: TASK_TYPE.get, inputs, config: u64(0) });
    expect(await session.take("task-failed")).toMatchObject({
      task: 3,
      attempt: 1,
      failure: { message: "index 0 is out of range: the length is 0" },
    });
    session.assign({ task: 4, type: TASK_TYPE.run, config: "this is no config", cpus: 1 });
    expect((await session.take("task-failed")).failure.message).toMatch(/cannot be decoded/);
    session.assign({ task: 5, type: TASK_TYPE.run, config: program("echo", "hi"), cpus: 1 });
    await session.take("tasks-finished");
    await session.take("tasks-finished");
    expect(await pull(worker, 5)).toBe("hi\n");
  });

  test("kills what is canceled, with its directory, and never speaks of it", async () => {
    const { session, worker } = await startBench();
    const config = program("sh", "-c", "sleep 1000 & wait");
    session.assign({ task: 1, type: TASK_TYPE.run, config, cpus: 1 });
    await session.take("tasks-started");
    const run = join(worker.directory, "run");
    await expect.poll(() => readdirSync(run).length).toBe(1);
    session.send({ kind: "cancel", refs: refs(1) });
    await expect.poll(() => readdirSync(run)).toEqual([]);
    session.assign({ task: 2, type: TASK_TYPE.const });
    await session.take("tasks-finished");
    expect(untaken(session)).toEqual([]);
  });

  test("a cpu is free only when the program that is killed has ended", async () => {
    const { session } = await startBench({ cpus: 1 });
    const config = program("sleep", "1000");
    session.assign({ task: 1, type: TASK_TYPE.run, config, cpus: 1 });
    await session.take("tasks-started");
    const launcher = findLauncher();
    process.kill(launcher, "SIGSTOP");
    try {
      session.send({ kind: "cancel", refs: refs(1) });
      session.assign({ task: 2, type: TASK_TYPE.const, cpus: 1 });
      await beats(session);
      expect(untaken(session)).toEqual([]);
    } finally {
      process.kill(launcher, "SIGCONT");
    }
    expect((await session.take("tasks-finished")).finished.tasks).toEqual(Uint32Array.of(2));
  });

  test("a program runs with the number of cpus that it was given", async () => {
    const { session, worker } = await startBench({ cpus: 1 });
    session.assign({ task: 1, type: TASK_TYPE.run, config: program("nproc"), cpus: 1 });
    await session.take("tasks-finished");
    expect(await pull(worker, 1)).toBe("1\n");
  });

  test("fetches inputs from another worker, and says what it cannot get", async () => {
    const server = await startFakeServer();
    const holder = await startBench({}, server);
    const other = await startBench({}, server);
    holder.session.assign({ task: 1, type: TASK_TYPE.const, config: "far away" });
    await holder.session.take("tasks-finished");
    const { host, port, workerId } = holder.worker;
    other.session.send({ kind: "peers", peers: [{ workerId, host, port }] });
    const merge = { type: TASK_TYPE.merge };
    other.session.assign(
      { ...merge, task: 2, inputs: [{ task: 1, holder: workerId }] },
      { ...merge, task: 3, inputs: [{ task: 9, holder: workerId }] },
    );
    expect((await other.session.take("replicas-added")).refs).toEqual(refs(1));
    await other.session.take("tasks-finished");
    expect(await pull(other.worker, 2)).toBe("far away");
    const { unreachable } = await other.session.take("inputs-unreachable");
    expect(unreachable).toEqual({
      refs: refs(3),
      inputs: refs(9),
      holders: Uint32Array.of(workerId),
    });
  });

  test("many quick tasks and a canceled one among them", async () => {
    const { session } = await startBench();
    const count = 20_000;
    session.assign(
      ...Array.from({ length: count }, (_, task) => ({ task, type: TASK_TYPE.const, config: "x" })),
    );
    session.send({ kind: "cancel", refs: refs(count - 1) });
    let finishedCount = 0;
    while (finishedCount < count - 1) {
      const { finished } = await session.take("tasks-finished");
      finishedCount += finished.tasks.length;
    }
    expect(finishedCount).toBeLessThanOrEqual(count);
  });

  test("answers heartbeats", async () => {
    const { session } = await startBench();
    session.send({ kind: "heartbeat", sequence: 77, receivedFrames: 0 });
    expect(await session.take("heartbeat")).toEqual({ kind: "heartbeat", sequence: 77 });
  });
});

describe("checkpoints", () => {
  test("are written after the task is reported, and loaded instead of computed", async () => {
    const { session, worker } = await startBench();
    const checkpoint = join(testDirectory(), "point");
    session.assign({ task: 1, type: TASK_TYPE.const, config: "kept", checkpoint });
    await session.take("tasks-finished");
    expect((await session.take("checkpoints-written")).refs).toEqual(refs(1));
    expect(readFileSync(checkpoint, "utf8")).toBe("kept");
    writeFileSync(checkpoint, "loaded");
    const flags = FLAG_LOAD_CHECKPOINT;
    const load = { type: TASK_TYPE.run, checkpoint, flags, inputs: [{ task: 99, holder: 5 }] };
    session.assign({ ...load, task: 2 });
    await session.take("tasks-finished");
    expect(await pull(worker, 2)).toBe("loaded");
    session.send({ kind: "drop", refs: refs(1, 2) });
    await expect.poll(() => pull(worker, 2)).toBe("missing");
    expect(readFileSync(checkpoint, "utf8")).toBe("loaded");
    session.assign({ ...load, task: 3, checkpoint: `${checkpoint}-missing` });
    expect((await session.take("checkpoints-missing")).refs).toEqual(refs(3));
  });

  test("that cannot be written fail their task", async () => {
    const { session } = await startBench();
    const checkpoint = join(testDirectory(), "missing", "point");
    session.assign({ task: 1, type: TASK_TYPE.const, checkpoint });
    await session.take("tasks-finished");
    expect(await session.take("task-failed")).toMatchObject({
      task: 1,
      failure: { message: expect.stringMatching(/^Cannot write checkpoint .*ENOENT/) },
    });
  });
});

test("a cpu is free only when a canceled task of a module's type has ended", async () => {
  const directory = testDirectory();
  const path = join(directory, "types.mjs");
  const hold = join(directory, "hold");
  writeFileSync(hold, "");
  writeFileSync(
    path,
    `import { existsSync } from "node:fs";
    export const keep = { name: "my/keep", [Symbol.for("hyperloom/task-type")]: true,
      execute: async () => {
        while (existsSync(${JSON.stringify(hold)})) await new Promise((r) => setTimeout(r, 1));
        return "";
      } };`,
  );
  const { session } = await startBench({ modules: [path], cpus: 1 });
  const type = BUILTIN_SYMBOLS.length;
  session.send({ kind: "symbols", firstId: type, names: ["my/keep"] });
  session.assign({ task: 1, type, cpus: 1 });
  await session.take("tasks-started");
  session.send({ kind: "cancel", refs: refs(1) });
  session.assign({ task: 2, type: TASK_TYPE.const, cpus: 1 });
  await beats(session);
  expect(untaken(session)).toEqual([]);
  rmSync(hold);
  expect((await session.take("tasks-finished")).finished.tasks).toEqual(Uint32Array.of(2));
});

test("task types of a module are offered and run", async () => {
  const path = join(testDirectory(), "types.mjs");
  writeFileSync(
    path,
    `export const count = { name: "my/count", [Symbol.for("hyperloom/task-type")]: true,
      execute: async ({ inputs, config, log }) => {
        log("counting");
        return String(inputs.length) + Buffer.from(config);
      } };`,
  );
  const { session, worker, logs } = await startBench({ modules: [path] });
  expect(session.register.taskTypes).toContain("my/count");
  expect(session.register.resources).toMatchObject([{ name: "loom/resource/memory" }]);
  const type = BUILTIN_SYMBOLS.length;
  session.send({ kind: "symbols", firstId: type, names: ["my/count"] });
  session.assign({ task: 1, type, config: "!" });
  await session.take("tasks-finished");
  expect(await pull(worker, 1)).toBe("0!");
  expect(logs.join("\n")).toContain("counting");
});

describe("the end", () => {
  test.each<[string, (session: FakeSession) => void, object]>([
    ["the server says so", (session) => session.send({ kind: "stop" }), { kind: "stopped" }],
    ["the server is gone", ({ connection }) => connection.destroy(), { kind: "server-lost" }],
    [
      "the server talks nonsense",
      ({ connection }) => connection.send(Buffer.alloc(64, 0xff)),
      { kind: "server-lost", reason: expect.stringContaining("broke the protocol") },
    ],
  ])("%s: programs end, and nothing is left", async (_, act, end) => {
    const { session, worker, parent } = await startBench();
    session.assign(
      { task: 1, type: TASK_TYPE.const, config: Buffer.alloc(2_000_000) },
      { task: 2, type: TASK_TYPE.run, config: program("sleep", "1000"), cpus: 1 },
    );
    await session.take("tasks-started");
    await session.take("tasks-finished");
    expect(readdirSync(join(worker.directory, "data"))).toHaveLength(1);
    act(session);
    expect(await worker.ended).toMatchObject(end);
    await expect.poll(() => readdirSync(parent)).toEqual([]);
  });

  test("a server that falls silent counts as gone", async () => {
    const { worker } = await startBench({}, await startFakeServer({ heartbeatMs: 10 }));
    expect(await worker.ended).toEqual({ kind: "server-lost", reason: "it was silent for 100 ms" });
  });
});

describe("a start that fails", () => {
  const failing = async (options: Partial<WorkerOptions>): Promise<unknown> =>
    startBench(options).catch((error: unknown) => error);

  test("the server refuses, with its reason", async () => {
    const server = await startFakeServer({
      greet: ({ connection }) => {
        const writer = new ByteWriter();
        encodeClientResponse(writer, { kind: "error", error: { message: "not today" } });
        connection.send(writer.take());
        connection.end();
      },
    });
    const parent = testDirectory();
    const failed = await startBench({ parentDirectory: parent }, server).catch((error) => error);
    expect(failed).toMatchObject({ name: "HyperloomError", code: "server-refused" });
    expect(failed.message).toContain("refused this worker: not today");
    await expect.poll(() => readdirSync(parent)).toEqual([]);
  });

  test("the work directory cannot be made", async () => {
    const file = join(testDirectory(), "file");
    writeFileSync(file, "");
    expect(await failing({ parentDirectory: file })).toMatchObject({
      code: "work-directory-unusable",
    });
  });

  test("a module is unusable", async () => {
    expect(await failing({ modules: ["/no/such.mjs"] })).toMatchObject({ code: "module-unusable" });
  });

  test("it is no longer wanted", async () => {
    const aborting = new AbortController();
    const server = await startFakeServer({ greet: () => aborting.abort(new Error("enough")) });
    const parent = testDirectory();
    const starting = startBench({ parentDirectory: parent, signal: aborting.signal }, server);
    await expect(starting).rejects.toThrow("enough");
    await expect.poll(() => readdirSync(parent)).toEqual([]);
  });
});

test("a worker removes what a dead one left", async () => {
  const parent = testDirectory();
  const { worker } = await startBench({ parentDirectory: parent });
  const left = `${worker.directory}1`;
  mkdirSync(join(left, "data"), { recursive: true });
  await startBench({ parentDirectory: parent });
  await expect.poll(() => existsSync(left)).toBe(false);
  expect(existsSync(worker.directory)).toBe(true);
});
