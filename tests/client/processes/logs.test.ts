import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client, LocalCluster, type LogChunk, tasks } from "../../../src/client/index.ts";

let cluster: LocalCluster;
let client: Client;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "hyperloom-logs-"));
  cluster = await LocalCluster.start({ workers: 1, cpus: 4, workDirectory: directory });
  client = await Client.connect(cluster.address);
}, 60_000);

afterAll(async () => {
  await client.close();
  await cluster.close();
  await rm(directory, { recursive: true });
});

const sh = (script: string) => tasks.run(["sh", "-c", script]);

async function readAll(chunks: AsyncIterable<LogChunk>) {
  const text = { stdout: "", stderr: "" };
  let skippedBytes = 0;
  for await (const chunk of chunks) {
    text[chunk.stream] += chunk.bytes.toString();
    skippedBytes += chunk.skippedBytes;
  }
  return { ...text, skippedBytes };
}

test("what a program writes is followed while it runs, and is there after its end", async () => {
  const go = join(directory, "go");
  const future = client.submit(
    sh(`echo one; echo oh >&2; while [ ! -e ${go} ]; do sleep 0.02; done; echo two; echo no >&2`),
  );
  const seen = { stdout: "", stderr: "" };
  for await (const { stream, bytes } of future.logs({ follow: true })) {
    seen[stream] += bytes.toString();
    if (seen.stdout.includes("one") && seen.stderr.includes("oh") && !existsSync(go)) {
      await writeFile(go, "");
    }
  }
  expect(seen.stderr).toBe("oh\nno\n");
  expect((await future.fetch()).toString()).toBe("one\ntwo\n");
  expect(await readAll(future.logs())).toMatchObject({ stderr: "oh\nno\n" });
}, 60_000);

test("a failed task's last words can be read, and of much its beginning and its end", async () => {
  const future = client.submit(sh("echo out; seq 10000000 >&2; exit 3"));
  await expect(future.wait()).rejects.toMatchObject({ exitCode: 3 });
  const log = await readAll(future.logs());
  expect(log.stdout).toBe("out\n");
  expect(log.stderr).toMatch(/^1\n2\n3\n/);
  expect(log.stderr).toMatch(/\n9999999\n10000000\n$/);
  expect(log.stderr.length).toBeLessThan(200_000);
  expect(log.skippedBytes).toBeGreaterThan(70_000_000);
}, 60_000);

test("what nobody wrote is nothing, and a task that is unknown has no log", async () => {
  const future = client.submit(sh("true"));
  await future.wait();
  expect(await readAll(future.logs({ follow: true }))).toEqual({
    stdout: "",
    stderr: "",
    skippedBytes: 0,
  });
  expect(await readAll(client.logs("no such task"))).toMatchObject({ stdout: "", stderr: "" });
}, 60_000);

test("a log that is followed from before its task begins ends with the task; others wait for nobody", async () => {
  const go = join(directory, "later");
  const first = sh(`while [ ! -e ${go} ]; do sleep 0.02; done`);
  const second = tasks.run(["sh", "-c", "echo begun >&2"], { stdin: first });
  const future = client.submit(second);
  expect(await readAll(future.logs())).toMatchObject({ stderr: "" });
  const following = readAll(future.logs({ follow: true, stream: "stderr" }));
  await writeFile(go, "");
  expect(await following).toMatchObject({ stderr: "begun\n" });
}, 60_000);

test("no files are left for it", async () => {
  const own = (await readdir(directory)).filter((name) => name.startsWith("worker-"));
  for (const name of own) {
    while ((await readdir(join(directory, name, "run"))).length > 0) await delay(10);
    const data = await readdir(join(directory, name, "data"));
    expect(data.filter((entry) => entry.includes("log"))).toEqual([]);
  }
}, 60_000);
