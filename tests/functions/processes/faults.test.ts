import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type AnyInput,
  type Client,
  type Future,
  readCount,
  type Task,
  TaskFailedError,
  tasks,
} from "../../../src/client/index.ts";
import { findMarked, until, untilGone } from "../../cli/processes/programs.ts";
import {
  startCluster,
  type TestCluster,
  type TestWorker,
  untilNothingIsLeft,
} from "../../system/processes/cluster.ts";
import { isAlive } from "../../worker/launcher/workbench.ts";
import * as watched from "../modules/watched.ts";
import { PYTHON } from "./python/interpreter.ts";
import { pythonFunction } from "./python/python-calls.ts";
import { WATCHED } from "./python/watched.ts";

/** Large enough that to send or to write it takes a while. */
const SIZE_BYTES = 64_000_000;
const DEADLINE_MS = 20_000;

const javascript = tasks.module(watched, new URL("../modules/watched.ts", import.meta.url));
const python = pythonFunction(WATCHED, "pass_on");

/** The function that runs where `target` is offered, and how a process that runs such is told. */
type Language = {
  readonly name: string;
  readonly runner: string;
  readonly pass: (running: string, hold: string, input: Task<Buffer>) => Task<Buffer>;
};
const resources = { target: 1 };
const LANGUAGES: readonly Language[] = [
  {
    name: "TypeScript",
    runner: "loom-runner.js",
    pass: (running, hold, input) => javascript.pass.with({ resources })(running, hold, input),
  },
  {
    name: "Python",
    runner: "loom.runner",
    pass: (running, hold, input) => {
      const inputs: AnyInput[] = [input];
      return python({ args: [running, hold], inputs, resources });
    },
  },
];

/** The first thing that is found, looked for as often as can be. */
async function find<T>(what: string, look: () => T | undefined): Promise<T> {
  const deadlineMs = performance.now() + DEADLINE_MS;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (performance.now() > deadlineMs) throw new Error(`never saw ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe.each(LANGUAGES)("a function in $name", ({ runner, pass }) => {
  let cluster: TestCluster;
  let observer: Client;
  /** Those that run functions, with their directories of data. */
  const targets: { readonly worker: TestWorker; readonly data: string }[] = [];
  let calls = 0;

  async function startTarget(): Promise<void> {
    const worker = await cluster.startWorker(["--resource", "target=1"]);
    targets.push({ worker, data: join(await worker.directory(), "data") });
  }

  beforeAll(async () => {
    cluster = await startCluster({
      workers: 0,
      cpus: 1,
      workerArgs: ["--python", PYTHON],
    });
    observer = await cluster.connect();
    await cluster.startWorker(["--resource", "source=1"]);
    await Promise.all([startTarget(), startTarget()]);
  }, 60_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  /** A call whose input is made on one worker and whose other place is another. */
  function call(client: Client, { isHeld = false, sizeBytes = SIZE_BYTES } = {}) {
    calls += 1;
    const running = join(cluster.scratch, `running-${calls}`);
    const hold = join(cluster.scratch, `hold-${calls}`);
    if (isHeld) writeFileSync(hold, "");
    const input = tasks.run(["head", "-c", String(sizeBytes), "/dev/zero"], {
      resources: { source: 1 },
    });
    const result: Future<Buffer> = client.submit(pass(running, hold, input));
    return { result, running, letGo: () => rmSync(hold, { force: true }) };
  }
  type Call = ReturnType<typeof call>;

  const runnersOf = ({ program }: TestWorker): number[] =>
    findMarked(program.mark).filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(runner);
      } catch {
        return false; // It ended while we looked.
      }
    });

  /** Resolves with where the call runs, as soon as it does. */
  function reachRunning({ running }: Call): Promise<TestWorker> {
    return find("a call that runs", () => {
      if (!existsSync(running)) return undefined;
      const [, parent] = readFileSync(running, "utf8").split(" ");
      return targets.find(({ worker }) => worker.pid === Number(parent))?.worker;
    });
  }

  const sizeOf = async (client: Client, result: Future<Buffer>): Promise<number> =>
    readCount(await client.submit(tasks.size(result)).gather());

  /** The client's last: nothing of it is left, and functions run on both workers. */
  async function expectClean(client: Client): Promise<void> {
    await client.close();
    await untilNothingIsLeft({ workers: cluster.workers.filter(isRunning) }, observer);
    await using other = await cluster.connect();
    await runOnBoth(other);
  }
  const isRunning = ({ program: { child } }: TestWorker): boolean =>
    child.exitCode === null && child.signalCode === null;

  async function runOnBoth(client: Client): Promise<void> {
    const held = [1, 2].map(() => call(client, { isHeld: true, sizeBytes: 10 }));
    const places = await Promise.all(held.map((one) => reachRunning(one)));
    expect(new Set(places).size).toBe(2);
    for (const { letGo } of held) letGo();
    const values = await client.gather(held.map(({ result }) => result));
    expect(values).toEqual([Buffer.alloc(10, 1), Buffer.alloc(10, 1)]);
  }

  test("is called by another process when the one that waits for it is killed", async () => {
    await using client = await cluster.connect();
    await runOnBoth(client);
    const before = targets.flatMap(({ worker }) => runnersOf(worker));
    expect(before).toHaveLength(2);
    const one = call(client);
    for (const pid of before) process.kill(pid, "SIGKILL");
    expect(await sizeOf(client, one.result)).toBe(SIZE_BYTES);
    expect(before.filter(isAlive)).toEqual([]);
    await expectClean(client);
  });

  test("fails with its process when that is killed, and leaves nothing", async () => {
    await using client = await cluster.connect();
    const one = call(client, { isHeld: true });
    const worker = await reachRunning(one);
    const pids = runnersOf(worker);
    for (const pid of pids) process.kill(pid, "SIGKILL");
    const failure = await one.result.wait().catch((error: unknown) => error);
    await until(() => !pids.some(isAlive), `processes go on: ${pids}`);
    one.letGo();
    expect(failure).toBeInstanceOf(TaskFailedError);
    expect(failure).toMatchObject({ attempts: 1, signal: "SIGKILL" });
    expect(String(failure)).toMatch(/process that ran the function was killed by SIGKILL/);
    await expectClean(client);
  });

  test("that is released while it runs is gone without a trace", async () => {
    await using client = await cluster.connect();
    const one = call(client, { isHeld: true });
    await reachRunning(one);
    one.result.release();
    const pid = Number(readFileSync(one.running, "utf8").split(" ")[0]);
    await until(() => !isAlive(pid), `process ${pid} goes on`);
    // The client is still there, so it is the release that has removed everything.
    await until(
      () => targets.every(({ data }) => readdirSync(data).length === 0),
      "there are files left",
    );
    await expectClean(client);
    one.letGo();
  });

  // The last, as workers end.
  test("runs elsewhere when its worker is killed", async () => {
    await using client = await cluster.connect();
    const one = call(client, { isHeld: true });
    const worker = await reachRunning(one);
    worker.program.child.kill("SIGKILL");
    await worker.program.ended;
    one.letGo();
    targets.splice(
      targets.findIndex((target) => target.worker === worker),
      1,
    );
    expect(await sizeOf(client, one.result)).toBe(SIZE_BYTES);
    const [, parent] = readFileSync(one.running, "utf8").split(" ");
    expect(Number(parent)).toBe(targets[0]?.worker.pid);
    await untilGone(worker.program.mark);
    await startTarget();
    await expectClean(client);
  });
});
