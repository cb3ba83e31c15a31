import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Client, LocalCluster, type Task, tasks } from "../../../src/client/index.ts";
import { until } from "../support/fake-server.ts";
import { type CuttingProxy, startProxy } from "../support/proxy.ts";

const GENEROUS_MS = 60_000;
let cluster: LocalCluster;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hyperloom-sessions-"));
  cluster = await LocalCluster.start({ workers: 2, cpus: 2 });
}, GENEROUS_MS);

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(":") + 1));

type Connected = AsyncDisposable & { proxy: CuttingProxy; client: Client; notices: string[] };

async function connectThroughProxy(reconnectForMs?: number): Promise<Connected> {
  const proxy = await startProxy(portOf(cluster.address));
  const notices: string[] = [];
  const client = await Client.connect(proxy.address, {
    onNotice: (message) => notices.push(message),
    ...(reconnectForMs === undefined ? {} : { reconnectForMs }),
  });
  return {
    proxy,
    client,
    notices,
    async [Symbol.asyncDispose]() {
      await client.close();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

/** Asks until it is so. */
async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** A program that goes on once the file of this name is there. */
const gate = (name: string): { readonly task: Task<Buffer>; open(): Promise<void> } => {
  const path = join(folder, name);
  const task = tasks.run([
    "sh",
    "-c",
    `while [ ! -e '${path}' ]; do sleep 0.02; done; echo ${name}`,
  ]);
  return { task, open: () => writeFile(path, "") };
};

describe("a client whose connection breaks", { timeout: GENEROUS_MS }, () => {
  test("goes on with its futures, which were finished meanwhile", async () => {
    await using connected = await connectThroughProxy();
    const { client, proxy, notices } = connected;
    const { task, open } = gate("meanwhile");
    const future = client.submit(task);
    const value = future.fetch();
    await client.stats();
    proxy.refuses = true;
    proxy.cut();
    await until(() => notices.length === 1);
    expect(notices[0]).toMatch(/broke: .* Trying for 30 s to come back/);
    await open();
    proxy.refuses = false;
    expect((await value).toString()).toBe("meanwhile\n");
    expect(client.progress.resultsFinished).toBe(1);
    expect(notices[1]).toMatch(/found again/);
  });

  test("has its questions, plans and fetches of that time answered", async () => {
    await using connected = await connectThroughProxy();
    const { client, proxy } = connected;
    const kept = client.submit(tasks.const("kept"));
    const large = client.submit(tasks.run(["head", "-c", "3000000", "/dev/zero"]));
    const gone = client.submit(tasks.const("a"));
    await client.wait([kept, large, gone]);
    proxy.refuses = true;
    proxy.cut();
    const answers = [client.stats(), client.status(), client.explain("1"), large.fetch()] as const;
    const late = client.submit(tasks.merge([gone, tasks.const("b")]));
    gone.release();
    const later = client.submit(tasks.merge([late, kept]));
    late.release();
    proxy.refuses = false;
    const [stats, status, explanations, bytes] = await Promise.all(answers);
    expect([stats.workers, status.workers.length, explanations.length]).toEqual([2, 2, 1]);
    expect(bytes.length).toBe(3_000_000);
    expect((await later.fetch()).toString()).toBe("abkept");
  });

  test("streams a result to its end", async () => {
    await using connected = await connectThroughProxy();
    const { client, proxy } = connected;
    const future = client.submit(tasks.run(["seq", "1", "450000"]));
    const expected = await future.fetch();
    proxy.cutAfter(expected.length / 2);
    const chunks: Buffer[] = [];
    for await (const chunk of future.stream()) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).equals(expected)).toBe(true);
    expect(proxy.accepted).toBe(2);
  });

  test("sends a large plan to its end, wherever it was cut", async () => {
    await using connected = await connectThroughProxy();
    const { client, proxy } = connected;
    const count = 40_000;
    const parts = Array.from({ length: count }, (_, i) => tasks.const(`${i},`));
    const future = client.submit(tasks.merge(parts));
    setImmediate(() => proxy.cut());
    const cuts = setInterval(() => proxy.cut(), 150);
    const value = future.fetch();
    await until(() => proxy.accepted >= 3);
    clearInterval(cuts);
    expect((await value).toString()).toBe(
      Array.from({ length: count }, (_, i) => `${i},`).join(""),
    );
  });

  test("is told of a failure that it missed", async () => {
    await using connected = await connectThroughProxy();
    const { client, proxy } = connected;
    const { task, open } = gate("failing");
    const future = client.submit(tasks.merge([task, tasks.run(["sh", "-c", "exit 3"])]));
    proxy.refuses = true;
    proxy.cut();
    await open();
    proxy.refuses = false;
    await expect(future.wait()).rejects.toMatchObject({ code: "plan-failed", exitCode: 3 });
  });

  test("releases on the server what it released while it was away", async () => {
    await using connected = await connectThroughProxy();
    const { client, proxy } = connected;
    await using other = await Client.connect(cluster.address);
    const before = (await other.stats()).dataObjects;
    const futures = client.submit([tasks.const("x"), tasks.const("y"), tasks.const("z")]);
    await client.wait(futures);
    expect((await other.stats()).dataObjects).toBe(before + 3);
    proxy.refuses = true;
    proxy.cut();
    client.release(futures.slice(0, 2));
    proxy.refuses = false;
    await client.stats();
    expect((await other.stats()).dataObjects).toBe(before + 1);
  });

  test("gives up after its time, and says so", async () => {
    await using connected = await connectThroughProxy(300);
    const { client, proxy } = connected;
    const future = client.submit(gate("never").task);
    await client.stats();
    proxy.refuses = true;
    proxy.cut();
    await expect(future.wait()).rejects.toMatchObject({ code: "server-lost" });
    expect(() => client.submit(tasks.const("x")).error).not.toThrow();
    expect(client.isClosed).toBe(true);
  });

  test("leaves nothing behind when it is closed", async () => {
    await using other = await Client.connect(cluster.address);
    const before = await other.status();
    const connected = await connectThroughProxy();
    const future = connected.client.submit(gate("left").task);
    await eventually(async () => (await other.status()).tasks.running > before.tasks.running);
    await connected[Symbol.asyncDispose]();
    expect(future.state).toBe("failed");
    await eventually(async () => (await other.status()).tasks.running <= before.tasks.running);
    expect((await other.status()).clients).toBe(before.clients);
  });
});
