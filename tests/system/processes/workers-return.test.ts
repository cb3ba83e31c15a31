import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { tasks } from "../../../src/client/index.ts";
import { type Program, runToEnd, start } from "../../cli/processes/programs.ts";
import { startCluster, type TestCluster } from "./cluster.ts";
import { startProxy, type TestProxy } from "./proxy.ts";

const linesOf = async (path: string): Promise<number> =>
  (await readFile(path, "utf8")).trim().split("\n").length;

/** Appends a line to the file whenever it is executed. */
const counted = (path: string, then = "echo done") =>
  tasks.run(["sh", "-c", `echo ran >> ${path}; ${then}`]);

/** A worker of the cluster whose connection to the server goes through a proxy. */
async function startBehind(
  cluster: TestCluster,
  { port }: TestProxy,
  args: readonly string[] = [],
): Promise<AsyncDisposable & { readonly program: Program }> {
  const flags = ["--exit-with-stdin", "--wdir", cluster.scratch, "--cpus", "2", ...args];
  const program = start("loom-worker", [...flags, "127.0.0.1", String(port)]);
  await program.waitFor(/joined the server/);
  return { program, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

const REATTACHES = ["--reattach-for", "60"];

describe("a worker whose connection breaks", () => {
  test("comes back with what it holds: nothing is run again", async () => {
    await using cluster = await startCluster({ workers: 0 });
    await using proxy = await startProxy(cluster.port);
    await using worker = await startBehind(cluster, proxy, REATTACHES);
    const client = await cluster.connect();
    const path = join(cluster.scratch, "runs");
    // Too large to ride along: only the worker has it.
    const future = client.submit(counted(path, "head -c 200000 /dev/zero"));
    await future.wait();
    proxy.cut();
    await worker.program.waitFor(/lost the server/);
    await cluster.server.waitFor(/worker left/);
    proxy.mend();
    await cluster.server.waitFor(/worker is back/);
    expect((await future.fetch()).toString().length).toBe(200_000);
    expect(await linesOf(path)).toBe(1);
  }, 60_000);

  test("goes on with what it runs, and tells of it when it is back", async () => {
    await using cluster = await startCluster({ workers: 0 });
    await using proxy = await startProxy(cluster.port);
    await using worker = await startBehind(cluster, proxy, REATTACHES);
    const client = await cluster.connect();
    const path = join(cluster.scratch, "runs");
    const go = join(cluster.scratch, "go");
    const wait = `while [ ! -e ${go} ]; do sleep 0.05; done; echo done`;
    const [early, late] = client.submit([counted(path, wait), counted(path, `${wait} late`)]);
    await vi.waitFor(async () => expect(await linesOf(path)).toBe(2), { timeout: 20_000 });
    proxy.cut();
    await worker.program.waitFor(/lost the server/);
    await cluster.server.waitFor(/worker left/);
    // One ends while nobody can be told.
    await writeFile(go, "");
    proxy.mend();
    await cluster.server.waitFor(/worker is back/);
    expect(String(await early?.gather())).toBe("done\n");
    expect(String(await late?.gather())).toBe("done late\n");
    expect(await linesOf(path)).toBe(2);
  }, 60_000);

  test("ends where another server is at its address", async () => {
    await using cluster = await startCluster({ workers: 0 });
    await using other = await startCluster({ workers: 0 });
    await using proxy = await startProxy(cluster.port);
    await using worker = await startBehind(cluster, proxy, REATTACHES);
    proxy.leadTo(other.port);
    proxy.cut();
    proxy.mend();
    const { code, stderr } = await worker.program.ended;
    expect(code).toBe(3);
    expect(stderr).toContain("does not know the cluster");
  }, 60_000);

  test("ends at once when its server is stopped", async () => {
    await using cluster = await startCluster({ workers: 0 });
    await using proxy = await startProxy(cluster.port);
    await using worker = await startBehind(cluster, proxy, REATTACHES);
    cluster.server.child.kill("SIGTERM");
    expect((await worker.program.ended).code).toBe(0);
  }, 60_000);
});

test("a worker that stood still comes back, and what others did meanwhile counts", async () => {
  await using cluster = await startCluster({ workers: 1, workerArgs: REATTACHES });
  const client = await cluster.connect();
  const path = join(cluster.scratch, "runs");
  const large = client.submit(counted(path, "head -c 200000 /dev/zero"));
  await large.wait();
  const [paused] = cluster.workers;
  paused?.program.child.kill("SIGSTOP");
  // Heartbeats alone tell: the connection stands.
  await cluster.server.waitFor(/silent for/);
  await cluster.startWorker(REATTACHES);
  const again = client.submit(tasks.run(["sh", "-c", "wc -c"], { stdin: large }));
  expect(String(await again.gather()).trim()).toBe("200000");
  paused?.program.child.kill("SIGCONT");
  await cluster.server.waitFor(/worker is back/);
  expect((await large.fetch()).toString().length).toBe(200_000);
  expect(await linesOf(path)).toBe(2);
}, 120_000);

test("a task that ends its workers fails with their story, and the others go on", async () => {
  await using cluster = await startCluster({ workers: 4, cpus: 1 });
  const client = await cluster.connect();
  // The parent of the program is the launcher, whose parent is the worker.
  const kill = "set -- $(cat /proc/$PPID/stat); kill -9 $4; sleep 60";
  const poison = client.submit(tasks.run(["sh", "-c", kill]));
  await expect(poison.wait()).rejects.toThrow(/3 workers were lost while it was executed/);
  expect(String(await client.submit(tasks.run(["echo", "alive"])).gather())).toBe("alive\n");
  expect((await client.stats()).workers).toBe(1);
}, 60_000);

test("a worker that an operator drains is shown so, and leaves when another one can take its data", async () => {
  await using cluster = await startCluster({ workers: 1 });
  const client = await cluster.connect();
  const future = client.submit(tasks.run(["head", "-c", "200000", "/dev/zero"]));
  await future.wait();
  const [worker] = (await client.status()).workers;
  const args = ["worker", "drain", worker?.name ?? "", "--server", cluster.address];
  const drained = await runToEnd("hyperloom", args);
  expect(drained).toMatchObject({ code: 0, stdout: expect.stringContaining("is draining") });
  expect(drained.stdout).toContain("No other worker can take its data over");
  const status = await runToEnd("hyperloom", ["status", "--server", cluster.address]);
  expect(status.stdout).toContain("(draining)");
  await cluster.startWorker();
  expect((await cluster.workers[0]?.program.ended)?.code).toBe(0);
  expect((await future.fetch()).toString().length).toBe(200_000);
  const unknown = await runToEnd("hyperloom", ["worker", "drain", "99", "-s", cluster.address]);
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining("no worker '99'") });
}, 60_000);

describe("a worker that is drained by SIGTERM", () => {
  test("hands over what only it has, and leaves; nothing is run again", async () => {
    await using cluster = await startCluster({ workers: 1 });
    const client = await cluster.connect();
    const path = join(cluster.scratch, "runs");
    const go = join(cluster.scratch, "go");
    const done = client.submit([
      counted(path, "head -c 200000 /dev/zero"),
      counted(path, "head -c 100 /dev/zero"),
    ]);
    for (const future of done) await future.wait();
    const running = client.submit(
      counted(path, `while [ ! -e ${go} ]; do sleep 0.05; done; head -c 300000 /dev/zero`),
    );
    await vi.waitFor(async () => expect(await linesOf(path)).toBe(3), { timeout: 20_000 });
    const [leaving] = cluster.workers;
    await cluster.startWorker();
    leaving?.program.child.kill("SIGTERM");
    await cluster.server.waitFor(/worker is draining/);
    await writeFile(go, "");
    expect((await leaving?.program.ended)?.code).toBe(0);
    const sizes = [];
    for (const future of [...done, running]) sizes.push((await future.fetch()).toString().length);
    expect(sizes).toEqual([200_000, 100, 300_000]);
    expect(await linesOf(path)).toBe(3);
  }, 60_000);

  test("ends by itself in time where nobody takes over what it has, or at a second signal", async () => {
    await using cluster = await startCluster({ workers: 0 });
    const worker = await cluster.startWorker(["--drain-for", "600"]);
    const client = await cluster.connect();
    const future = client.submit(tasks.run(["head", "-c", "200000", "/dev/zero"]));
    await future.wait();
    worker.program.child.kill("SIGTERM");
    await cluster.server.waitFor(/no other worker can take them over/);
    worker.program.child.kill("SIGTERM");
    expect((await worker.program.ended).code).toBe(0);
    const short = await cluster.startWorker(["--drain-for", "0.2"]);
    await future.wait();
    short.program.child.kill("SIGTERM");
    expect((await short.program.ended).code).toBe(0);
  }, 60_000);
});
