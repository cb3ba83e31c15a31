import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Client, type Future, tasks } from "../../../src/client/index.ts";
import { startCluster, type TestCluster, type TestWorker, untilNothingIsLeft } from "./cluster.ts";

const OBJECT_BYTES = 20_000_000;

const on = (side: "left" | "right") => ({ resources: { cpus: 1, [side]: 1 } });

const createObject = (client: Client): Future<Buffer> =>
  client.submit(tasks.run(["head", "-c", String(OBJECT_BYTES), "/dev/zero"], on("left")));

const lengthOnTheRight = (client: Client, object: Future<Buffer>): Future<Buffer> =>
  client.submit(tasks.run(["wc", "-c"], { stdin: object, ...on("right") }));

/** The files of the worker's data directory. */
async function dataFiles(worker: TestWorker) {
  const directory = join(await worker.directory(), "data");
  const names = await readdir(directory);
  return Promise.all(names.map((name) => stat(join(directory, name))));
}

async function startSides(
  rightArgs: readonly string[] = [],
): Promise<{ cluster: TestCluster; left: TestWorker; right: TestWorker; client: Client }> {
  const cluster = await startCluster({ workers: 0 });
  const left = await cluster.startWorker(["--resource", "left=1"]);
  const right = await cluster.startWorker(["--resource", "right=1", ...rightArgs]);
  return { cluster, left, right, client: await cluster.connect() };
}

/** Bytes that the process has read by system calls, of files and sockets. */
async function readBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/io`, "utf8");
  return Number(/rchar: (\d+)/.exec(text)?.[1]);
}

test("workers of one host share a large object's file, which outlives the first of them", async () => {
  const { cluster, left, right, client } = await startSides();
  await using _ = cluster;
  const object = createObject(client);
  const copied = client.submit(tasks.array([object, object], on("right")));
  await copied.wait();
  const [leftFile] = await dataFiles(left);
  const [rightFile] = await dataFiles(right);
  expect(leftFile?.ino).toBe(rightFile?.ino);
  expect(rightFile).toMatchObject({ size: OBJECT_BYTES, nlink: 2 });
  left.program.child.kill("SIGKILL");
  await left.program.ended;
  expect(Number(await lengthOnTheRight(client, object).gather())).toBe(OBJECT_BYTES);
  client.release([object, copied]);
  await untilNothingIsLeft({ workers: [right] }, client);
});

test("a program on the second worker cannot change what the first one holds", async () => {
  const { cluster, left, client } = await startSides();
  await using _ = cluster;
  const object = createObject(client);
  const script = "chmod u+w in 2>/dev/null; printf x >> in 2>/dev/null; wc -c < in";
  const [inner] = [
    client.submit(tasks.run(["sh", "-c", script], { inputs: { in: object }, ...on("right") })),
  ];
  await inner.wait();
  const [file] = await dataFiles(left);
  expect(file?.size).toBe(OBJECT_BYTES);
});

test("workers on different file systems copy", async () => {
  // A file system in memory, which every Linux has there.
  const elsewhere = await mkdtemp("/dev/shm/hyperloom-test-");
  onTestFinished(() => rm(elsewhere, { recursive: true, force: true }));
  const { cluster, client } = await startSides(["--wdir", elsewhere]);
  await using _ = cluster;
  const object = createObject(client);
  expect(Number(await lengthOnTheRight(client, object).gather())).toBe(OBJECT_BYTES);
});

test("workers that are to share no files copy", async () => {
  const { cluster, left, right, client } = await startSides(["--no-shared-files"]);
  await using _ = cluster;
  const object = createObject(client);
  const copied = client.submit(tasks.array([object, object], on("right")));
  await copied.wait();
  const [[leftFile], [rightFile]] = [await dataFiles(left), await dataFiles(right)];
  expect([leftFile?.nlink, rightFile?.nlink, rightFile?.size]).toEqual([1, 1, OBJECT_BYTES]);
});

test("a large result does not pass through the server", async () => {
  const { cluster, client } = await startSides();
  await using _ = cluster;
  const object = createObject(client);
  await object.wait();
  const before = await readBytes(cluster.serverPid);
  expect((await object.fetch()).length).toBe(OBJECT_BYTES);
  const [first, second] = await Promise.all([object.fetch(), object.fetch()]);
  expect([first.length, second.length]).toEqual([OBJECT_BYTES, OBJECT_BYTES]);
  expect((await readBytes(cluster.serverPid)) - before).toBeLessThan(OBJECT_BYTES);
  const value = client.submit(tasks.array([object, tasks.const("small")], on("left")));
  const [large, small] = await value.gather();
  expect([large.length, small.toString()]).toEqual([OBJECT_BYTES, "small"]);
  object.release();
  await untilNothingIsLeft(cluster, client);
});
