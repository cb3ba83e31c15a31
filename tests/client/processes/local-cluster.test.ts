import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Client, LocalCluster, tasks } from "../../../src/client/index.ts";
import { until } from "../support/fake-server.ts";

const FIXTURE = join(import.meta.dirname, "../fixtures/start-cluster.mjs");
let workDirectory: string;

beforeEach(async () => {
  workDirectory = await mkdtemp(join(tmpdir(), "hyperloom-cluster-"));
});

afterEach(async () => {
  await rm(workDirectory, { recursive: true });
});

/** Of an orphan, the system may keep the entry of the process for a while after its end: state Z. */
function isAlive(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && !/\) Z /.test(readFileSync(stat, "utf8"));
}

test("starts workers with what was asked for, and ends them without leftovers", async () => {
  let pids: number[];
  {
    await using cluster = await LocalCluster.start({
      workers: 2,
      cpus: 3,
      resources: { gpus: 2 },
      workDirectory,
    });
    pids = [cluster.serverPid, ...cluster.workerPids];
    expect(pids.map(isAlive)).toEqual([true, true, true]);
    await using client = await Client.connect(cluster.address);
    const { workers } = await client.status();
    expect(workers.map(({ cpus, resources }) => [cpus, resources])).toEqual([
      [3, { gpus: 2, memory: expect.any(Number) }],
      [3, { gpus: 2, memory: expect.any(Number) }],
    ]);
    await cluster.addWorker({ cpus: 1 });
    expect(cluster.workerPids).toHaveLength(3);
    expect((await client.stats()).workers).toBe(3);
    pids.push(...cluster.workerPids.slice(2));
    expect((await client.submit(tasks.run("echo hi")).gather()).toString()).toBe("hi\n");
  }
  expect(pids.map(isAlive)).toEqual([false, false, false, false]);
  expect(await readdir(workDirectory)).toEqual([]);
});

test("ends with the process that started it, also when that is killed", async () => {
  const child = spawn(process.execPath, [FIXTURE, workDirectory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(child.stdout, "data");
  const pids = JSON.parse(String(line)) as number[];
  expect(pids.map(isAlive)).toEqual([true, true, true]);
  child.kill("SIGKILL");
  await until(() => !pids.some(isAlive));
  expect(await readdir(workDirectory)).toEqual([]);
});

test("does not keep a process alive that forgot to end it", async () => {
  const url = new URL("../../../dist/bin/client.js", import.meta.url).href;
  const script = `import { LocalCluster } from ${JSON.stringify(url)}; await LocalCluster.start();`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("says why it could not start", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  try {
    await expect(LocalCluster.start({ port })).rejects.toMatchObject({
      code: "port-in-use",
      message: expect.stringMatching(
        /loom-server\.js ended with exit status \d+.*\n.*port is taken/,
      ),
    });
  } finally {
    server.close();
  }
});

test("a worker that cannot start ends the start, with its reason", async () => {
  await expect(
    LocalCluster.start({ workers: 2, load: [join(workDirectory, "missing.mjs")] }),
  ).rejects.toMatchObject({
    code: "cluster-start-failed",
    message: expect.stringContaining("missing.mjs"),
  });
});

test("a start can be given up", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const starting = LocalCluster.start({ workers: 2, workDirectory, signal: controller.signal });
  controller.abort(reason);
  await expect(starting).rejects.toBe(reason);
  await expect(LocalCluster.start({ signal: controller.signal })).rejects.toBe(reason);
  expect(await readdir(workDirectory)).toEqual([]);
});

test.each([{ workers: -1 }, { workers: 1.5 }])("refuses %j", async (options) => {
  await expect(LocalCluster.start(options)).rejects.toMatchObject({ code: "invalid-argument" });
});
