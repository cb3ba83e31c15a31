import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  startCluster,
  type TestCluster,
  untilNothingIsLeft,
} from "../../system/processes/cluster.ts";
import { isAlive, waitFor, waitForEnd } from "../../worker/launcher/workbench.ts";
import { PYTHON, runScript } from "./python/interpreter.ts";

const ROOT = join(import.meta.dirname, "../../..");
const workerArgs = ["--python", PYTHON];

type Holding = AsyncDisposable & { readonly pids: readonly number[] };

/** Starts a client whose functions never end; resolves when they run. */
async function hold(
  cluster: TestCluster,
  options: { readonly count?: number; readonly way: string; readonly end: string },
): Promise<Holding> {
  const { count = 1, way, end } = options;
  const child = spawn(
    PYTHON,
    [
      join(import.meta.dirname, "python/hold.py"),
      ...[cluster.port, cluster.scratch, count, way, end].map(String),
    ],
    {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, PYTHONPATH: join(ROOT, "python") },
    },
  );
  const ended = once(child, "close");
  const [line] = (await Promise.race([once(child.stdout, "data"), ended])) as [Buffer];
  return {
    pids: JSON.parse(String(line)) as number[],
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

describe("an end", () => {
  test.each(["spin", "regex", "sleep"])(
    "of the worker by kill -9 ends a function that does %s",
    async (way) => {
      await using cluster = await startCluster({ workers: 1, workerArgs });
      await using holding = await hold(cluster, { count: 2, way, end: "stay" });
      expect(holding.pids).toHaveLength(2);
      process.kill(cluster.workers[0]?.pid ?? 0, "SIGKILL");
      const startMs = performance.now();
      await waitForEnd(holding.pids);
      expect(performance.now() - startMs).toBeLessThan(200);
    },
  );

  test("of the worker by SIGINT, too, which does not wait for them", async () => {
    await using cluster = await startCluster({ workers: 1, workerArgs });
    await using holding = await hold(cluster, { way: "regex", end: "stay" });
    process.kill(cluster.workers[0]?.pid ?? 0, "SIGINT");
    await waitForEnd(holding.pids);
    await cluster.workers[0]?.program.ended;
  });

  test.each(["release", "leave"])("of what a client wants: %s", async (end) => {
    await using cluster = await startCluster({ workers: 1, workerArgs });
    await using holding = await hold(cluster, { way: "child", end });
    const child = Number(
      await waitFor("the child's pid", () =>
        readFile(join(cluster.scratch, "held-0.child"), "utf8").catch(() => undefined),
      ),
    );
    const startMs = performance.now();
    await waitForEnd([...holding.pids, child]);
    expect(performance.now() - startMs).toBeLessThan(1000);
    await untilNothingIsLeft(cluster, await cluster.connect());
  });

  test("of four runners that start at once leaves heartbeats alone", async () => {
    await using cluster = await startCluster({ workers: 1, cpus: 4, workerArgs });
    await using holding = await hold(cluster, { count: 4, way: "spin", end: "stay" });
    expect(holding.pids.filter(isAlive)).toHaveLength(4);
    const client = await cluster.connect();
    expect((await client.stats()).workers).toBe(1);
  });
});

describe("limits", () => {
  test("a function past its time limit fails; options behind the arguments are read", async () => {
    await using cluster = await startCluster({ workers: 1, workerArgs });
    const told = await runScript<Record<string, unknown>>("limits.py", [cluster.port, "late"]);
    expect(told).toMatchObject({
      late: expect.stringContaining("The function exceeded its time limit of 300 ms"),
      in_time: "quick",
      wrong: expect.stringContaining("time_limit_ms is -1"),
      other_version: expect.stringMatching(
        /pickled by Python 2\.7\.18, and this worker runs functions by Python 3\..*--python/,
      ),
      other_object: expect.stringMatching(
        /The Python object cannot be used: pickled by Python 2\.7\.18, and this worker .*--python/,
      ),
      plain_object: "dict",
      future_pickle: expect.stringMatching(
        /The Python object cannot be unpickled on this worker, which has Python 3\..* protocol 99/s,
      ),
      versions: expect.stringContaining("the client has Python 9.9 and cloudpickle 8.8"),
    });
    await untilNothingIsLeft(cluster, await cluster.connect());
  });

  test.each([1, 2, 4])("1,000 functions on %i cpus never use more", async (cpus) => {
    await using cluster = await startCluster({ workers: 1, cpus, workerArgs });
    const told = await runScript("limits.py", [cluster.port, "many", cpus]);
    expect(told).toEqual({ count: 1000, greatest: cpus });
    await untilNothingIsLeft(cluster, await cluster.connect());
  });
});

describe("the interpreter", () => {
  /** A script that stands for a Python, and does what the shell text says. */
  async function fakePython(cluster: TestCluster, name: string, text: string): Promise<string> {
    const path = join(cluster.scratch, name);
    await writeFile(path, `#!/bin/sh\n${text}\n`);
    await chmod(path, 0o755);
    return path;
  }
  const run = async (cluster: TestCluster): Promise<string> => {
    const { late } = await runScript<{ late: string }>("limits.py", [cluster.port, "late"]);
    return late;
  };

  test("is the first that works, and the log says which and why", async () => {
    await using cluster = await startCluster({ workers: 0 });
    const broken = await fakePython(
      cluster,
      "broken",
      "echo 'No module named cloudpickle' >&2; exit 1",
    );
    const good = await fakePython(cluster, "good", `exec ${PYTHON} "$@"`);
    const worker = await cluster.startWorker(["--python", broken], {
      HYPERLOOM_PYTHON: good,
      VIRTUAL_ENV: "/nowhere",
    });
    expect(await run(cluster)).toContain("time limit");
    const [line] = await worker.program.waitFor(/runs Python functions.*/);
    expect(line).toContain(`python=${good} source=HYPERLOOM_PYTHON`);
  });
});
