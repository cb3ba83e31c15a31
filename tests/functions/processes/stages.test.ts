import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import {
  type AnyInput,
  type Client,
  type Future,
  type Task,
  TaskFailedError,
  tasks,
} from "../../../src/client/index.ts";
import { findMarked, until, untilGone } from "../../cli/processes/programs.ts";
import { startStubWorker } from "../../server/stub-worker.ts";
import {
  startCluster,
  type TestCluster,
  type TestWorker,
  untilNothingIsLeft,
} from "../../system/processes/cluster.ts";
import { isAlive } from "../../worker/launcher/workbench.ts";
import * as storing from "../modules/storing.ts";
import * as watched from "../modules/watched.ts";
import { PYTHON } from "./python/interpreter.ts";
import { pythonFunction } from "./python/python-calls.ts";
import { WATCHED } from "./python/watched.ts";

const FILE_BYTES = 2_000_000;

const { pass } = tasks.module(watched, new URL("../modules/watched.ts", import.meta.url));
const { store } = tasks.module(storing, new URL("../modules/storing.ts", import.meta.url));
const pythonPass = pythonFunction(WATCHED, "pass_on");
const pythonStore = pythonFunction<unknown[]>(WATCHED, "store");

/** Functions of a language that run where `target` is offered. */
type Language = {
  readonly name: string;
  readonly runner: string;
  readonly pass: (running: string, hold: string, input: Task<Buffer>) => Task<Buffer>;
  readonly store: (running: string, hold: string, checkpoint?: string) => Task<unknown>;
};
const resources = { target: 1 };
const LANGUAGES: readonly Language[] = [
  {
    name: "TypeScript",
    runner: "loom-runner.js",
    pass: (running, hold, input) => pass.with({ resources })(running, hold, input),
    store: (running, hold, checkpoint) =>
      store.with({ resources, ...(checkpoint !== undefined && { checkpoint }) })(running, hold),
  },
  {
    name: "Python",
    runner: "loom.runner",
    pass: (running, hold, input) => {
      const inputs: AnyInput[] = [input];
      return pythonPass({ args: [running, hold], inputs, resources });
    },
    store: (running, hold, checkpoint) =>
      pythonStore({
        args: [running, hold],
        resources,
        ...(checkpoint !== undefined && { checkpoint }),
      }),
  },
];

/** A worker of the test's that makes inputs and never sends them; until it is lost. */
async function startSilentSource(port: number) {
  const sockets: Socket[] = [];
  let onPull = (): void => {};
  const listener: Server = createServer((socket) => {
    sockets.push(socket.on("error", () => {}));
    // The first that it says.
    socket.once("data", () => onPull());
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const stub = startStubWorker(port, {
    cpus: 1,
    resources: [{ name: "source", amount: 1 }],
    dataPort: (listener.address() as AddressInfo).port,
  });
  const beats = (async () => {
    for (;;) stub.send(await stub.take("heartbeat"));
  })();
  beats.catch(() => {});
  await stub.take("welcome");
  const dispose = (): void => {
    stub.close();
    listener.close();
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(dispose);
  return {
    /** Resolves when a worker waits for data from here that it has not waited for before. */
    nextPull: () =>
      new Promise<void>((resolve) => {
        onPull = resolve;
      }),
    makeInput: async () => stub.finish((await stub.take("assign")).batch),
    lose: dispose,
  };
}

describe.each(LANGUAGES)("a function in $name", (language) => {
  let cluster: TestCluster;
  let observer: Client;
  /** By the names that the server calls them. */
  const targets = new Map<string, TestWorker>();
  let calls = 0;

  async function startTarget(): Promise<void> {
    const worker = await cluster.startWorker(["--resource", "target=1"]);
    const port = (await worker.directory()).split("-").at(-1);
    targets.set(`127.0.0.1:${port}`, worker);
  }

  beforeAll(async () => {
    cluster = await startCluster({ workers: 0, cpus: 1, workerArgs: ["--python", PYTHON] });
    observer = await cluster.connect();
    await Promise.all([startTarget(), startTarget()]);
  }, 60_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  function paths({ isHeld = true } = {}) {
    calls += 1;
    const running = join(cluster.scratch, `running-${calls}`);
    const hold = join(cluster.scratch, `hold-${calls}`);
    if (isHeld) writeFileSync(hold, "");
    return { running, hold, letGo: () => rmSync(hold, { force: true }) };
  }

  /** Process and worker of the call, once it is where it says so. */
  async function reach(running: string): Promise<{ pid: number; worker: TestWorker }> {
    await until(() => existsSync(running), `no call wrote ${running}`);
    const [pid, parent] = readFileSync(running, "utf8").split(" ").map(Number);
    const worker = [...targets.values()].find((target) => target.pid === parent);
    if (pid === undefined || worker === undefined) throw new Error(`no target has pid ${parent}`);
    return { pid, worker };
  }

  async function lose(worker: TestWorker): Promise<void> {
    for (const [name, target] of targets) if (target === worker) targets.delete(name);
    worker.program.child.kill("SIGKILL");
    await worker.program.ended;
    // Its runners end with it.
    await untilGone(worker.program.mark);
  }

  /** Functions run on both targets, in processes of now. */
  async function runOnBoth(client: Client): Promise<void> {
    const input = tasks.const("12345");
    const held = [paths(), paths()];
    const results = held.map(({ running, hold }) =>
      client.submit(language.pass(running, hold, input)),
    );
    const places = await Promise.all(held.map(({ running }) => reach(running)));
    expect(new Set(places.map(({ worker }) => worker)).size).toBe(2);
    for (const { letGo } of held) letGo();
    expect(await client.gather(results)).toEqual([Buffer.alloc(5, 1), Buffer.alloc(5, 1)]);
  }

  async function expectClean(client: Client): Promise<void> {
    await client.close();
    await untilNothingIsLeft({ workers: [...targets.values()] }, observer);
    await using other = await cluster.connect();
    await runOnBoth(other);
  }

  describe("that waits for its input", () => {
    /** A call whose input is at a worker that never sends it. */
    async function startFetching(client: Client) {
      const source = await startSilentSource(cluster.port);
      const { running, hold } = paths({ isHeld: false });
      const input = tasks.run(["head", "-c", "10", "/dev/zero"], { resources: { source: 1 } });
      const pulled = source.nextPull();
      const result = client.submit(language.pass(running, hold, input));
      await source.makeInput();
      await pulled;
      const { workers } = await observer.status();
      const given = workers.find(
        ({ name, tasksAssigned }) => tasksAssigned > 0 && targets.has(name),
      );
      const target = targets.get(given?.name ?? "");
      if (target === undefined)
        throw new Error(`nobody was given the call: ${JSON.stringify(workers)}`);
      return { source, running, result, target };
    }

    /** The input is made again elsewhere when its only holder is lost, and the call ends well. */
    async function endWell({ source, result }: Awaited<ReturnType<typeof startFetching>>) {
      source.lose();
      const real = await cluster.startWorker(["--resource", "source=1"]);
      expect(await result.gather()).toEqual(Buffer.alloc(10, 1));
      await lose(real);
    }

    test("is gone without a trace when it is released", async () => {
      await using client = await cluster.connect();
      const { source, running, result } = await startFetching(client);
      result.release();
      await expectClean(client);
      source.lose();
      expect(existsSync(running)).toBe(false);
    });

    test("does so elsewhere when its worker is killed", async () => {
      await using client = await cluster.connect();
      const call = await startFetching(client);
      const again = call.source.nextPull();
      await lose(call.target);
      await again;
      await endWell(call);
      await startTarget();
      await expectClean(client);
    });

    test("is called by another process when the warm one is killed, and its holder is lost", async () => {
      await using client = await cluster.connect();
      await runOnBoth(client);
      const runners = [...targets.values()].flatMap(({ program }) =>
        findMarked(program.mark).filter((pid) =>
          readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(language.runner),
        ),
      );
      expect(runners).toHaveLength(2);
      const call = await startFetching(client);
      for (const pid of runners) process.kill(pid, "SIGKILL");
      await until(() => !runners.some(isAlive), "a killed process goes on");
      await endWell(call);
      await expectClean(client);
    });
  });

  describe("that stores its result", () => {
    async function startStoring(client: Client) {
      const { running, hold, letGo } = paths();
      const result = client.submit(language.store(running, hold));
      const place = await reach(running);
      const data = join(await place.worker.directory(), "data");
      const sizes = readdirSync(data).map((name) => statSync(join(data, name)).size);
      expect(sizes, "a part of the result is stored").toContain(FILE_BYTES);
      return { running, letGo, result, data, ...place };
    }

    test("fails with its process when that is killed, and leaves nothing", async () => {
      await using client = await cluster.connect();
      const { result, pid, letGo } = await startStoring(client);
      process.kill(pid, "SIGKILL");
      const failure = await result.wait().catch((error: unknown) => error);
      letGo();
      expect(failure).toBeInstanceOf(TaskFailedError);
      expect(failure).toMatchObject({ attempts: 1, signal: "SIGKILL" });
      expect(isAlive(pid)).toBe(false);
      await expectClean(client);
    });

    test("is gone without a trace when it is released", async () => {
      await using client = await cluster.connect();
      const { result, pid, data, letGo } = await startStoring(client);
      result.release();
      await until(() => !isAlive(pid), `process ${pid} goes on`);
      const isStored = (name: string): boolean => statSync(join(data, name)).size === FILE_BYTES;
      await until(() => !readdirSync(data).some(isStored), "a part of the result is left");
      await expectClean(client);
      letGo();
    });

    test("does so elsewhere when its worker is killed", async () => {
      await using client = await cluster.connect();
      const { result, worker, running, letGo } = await startStoring(client);
      await lose(worker);
      letGo();
      const value = (await result.gather()) as readonly [Buffer, unknown];
      expect(Buffer.alloc(FILE_BYTES, 1).equals(value[0])).toBe(true);
      expect((await reach(running)).worker).not.toBe(worker);
      await startTarget();
      await expectClean(client);
    });
  });

  describe("that has its checkpoint written", () => {
    /** A call whose checkpoint is written but for its type: that file is a pipe that nobody reads. */
    async function startWriting(client: Client) {
      const { running, hold } = paths({ isHeld: false });
      const checkpoint = join(cluster.scratch, `point-${calls}`);
      const pipe = `${checkpoint}.loom.type.tmp`;
      execFileSync("mkfifo", [pipe]);
      const result = client.submit(language.store(running, hold, checkpoint));
      const place = await reach(running);
      const temporary = `${checkpoint}.loom.tmp`;
      const isWritten = (): boolean =>
        existsSync(temporary) && statSync(temporary).size > FILE_BYTES;
      await until(isWritten, "no checkpoint is written");
      const letGo = (): void => {
        const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
        onTestFinished(() => closeSync(reader));
      };
      return { running, result, checkpoint, temporary, pipe, letGo, ...place };
    }

    async function expectResult(result: Future<unknown>): Promise<void> {
      const [first] = (await result.gather()) as readonly [Buffer, unknown];
      expect(Buffer.alloc(FILE_BYTES, 1).equals(first)).toBe(true);
    }

    test("fails when it cannot be written, and leaves nothing", async () => {
      await using client = await cluster.connect();
      const { running, hold } = paths({ isHeld: false });
      const checkpoint = join(cluster.scratch, `point-${calls}`);
      mkdirSync(join(checkpoint, "taken"), { recursive: true });
      const result = client.submit(language.store(running, hold, checkpoint));
      const failure = await result.wait().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(TaskFailedError);
      expect(failure).toMatchObject({
        attempts: 1,
        message: expect.stringContaining(`Cannot write checkpoint '${checkpoint}'`),
      });
      expect(existsSync(`${checkpoint}.loom.tmp`)).toBe(false);
      await expectClean(client);
    });

    test("does not need its process any more", async () => {
      await using client = await cluster.connect();
      const { result, pid, letGo, checkpoint } = await startWriting(client);
      process.kill(pid, "SIGKILL");
      await until(() => !isAlive(pid), `process ${pid} goes on`);
      expect(result.finished).toBe(false);
      letGo();
      await expectResult(result);
      expect(statSync(checkpoint).size).toBeGreaterThan(FILE_BYTES);
      await expectClean(client);
    });

    test("is gone without a trace when it is released", async () => {
      await using client = await cluster.connect();
      const { result, letGo, temporary } = await startWriting(client);
      result.release();
      letGo();
      await expectClean(client);
      expect(existsSync(temporary)).toBe(false);
    });

    test("does so elsewhere when its worker is killed", async () => {
      await using client = await cluster.connect();
      const writing = await startWriting(client);
      rmSync(writing.pipe);
      rmSync(writing.running);
      await lose(writing.worker);
      await expectResult(writing.result);
      expect((await reach(writing.running)).worker).not.toBe(writing.worker);
      expect(statSync(writing.checkpoint).size).toBeGreaterThan(FILE_BYTES);
      expect(existsSync(writing.temporary)).toBe(false);
      await startTarget();
      await expectClean(client);
    });
  });
});
