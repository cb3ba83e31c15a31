import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { type Client, type Future, tasks } from "../../../src/client/index.ts";
import { connectRaw } from "../../server/raw-client.ts";
import { memoryBytes, startCluster, type TestCluster, untilNothingIsLeft } from "./cluster.ts";

const MIB = 1024 * 1024;
const OBJECT_BYTES = 300 * 1000 * 1000;
/** What the processes may use beyond what the data costs them. */
const SLACK_BYTES = 64 * MIB;

/** How much more memory server and workers use at their peaks than they did when it was asked first. */
async function watchMemory(cluster: TestCluster) {
  const pids = [cluster.serverPid, ...cluster.workers.map(({ pid }) => pid)];
  const before = await Promise.all(pids.map((pid) => memoryBytes(pid, "VmRSS")));
  return async () => {
    const peaks = await Promise.all(pids.map((pid) => memoryBytes(pid, "VmHWM")));
    const grown = peaks.map((peak, i) => peak - (before[i] ?? 0));
    return { server: grown[0] ?? 0, worker: Math.max(...grown.slice(1)) };
  };
}

/** A cluster with an object of 300 MB on one worker, made by a program, and used by one on the other. */
async function startWithObject() {
  const cluster = await startCluster({ workers: 0 });
  await cluster.startWorker(["--resource", "left=1"]);
  await cluster.startWorker(["--resource", "right=1"]);
  const client = await cluster.connect();
  // Whatever is loaded late is loaded now.
  const small = tasks.run(["echo", "x"], { resources: { cpus: 1, left: 1 } });
  const both = client.submit(
    tasks.run(["cat"], { stdin: small, resources: { cpus: 1, right: 1 } }),
  );
  await both.gather();
  const grown = await watchMemory(cluster);
  const object = client.submit(
    tasks.run(["head", "-c", String(OBJECT_BYTES), "/dev/zero"], {
      resources: { cpus: 1, left: 1 },
    }),
  );
  return { cluster, client, object, grown };
}

const lengthOn = (client: Client, object: Future<Buffer>, resources: Record<string, number>) =>
  client.submit(tasks.run(["wc", "-c"], { stdin: object, resources }));

test("300 MB pass from worker to worker and to the client, and nobody holds them twice", async () => {
  const { cluster, client, object, grown } = await startWithObject();
  await using _ = cluster;
  const length = await lengthOn(client, object, { cpus: 1, right: 1 }).gather();
  expect(Number(length)).toBe(OBJECT_BYTES);
  let received = 0;
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      received += chunk.length;
      done();
    },
  });
  await object.fetch({ to: sink });
  expect(received).toBe(OBJECT_BYTES);
  const { server, worker } = await grown();
  expect(server).toBeLessThan(SLACK_BYTES);
  expect(worker).toBeLessThan(1.1 * OBJECT_BYTES + SLACK_BYTES);
  object.release();
  await untilNothingIsLeft(cluster, client);
}, 120_000);

test("a client that reads 1 MB/s slows the worker down, and the server holds little", async () => {
  const { cluster, grown } = await startWithObject();
  await using _ = cluster;
  const raw = connectRaw(cluster.port);
  raw.register();
  await raw.next();
  raw.plan((encoder) => {
    const config = Uint8Array.from([
      0x0a,
      4,
      ...Buffer.from("head"),
      0x0a,
      2,
      ...Buffer.from("-c"),
    ]);
    const rest = ["300000000", "/dev/zero"].flatMap((arg) => [
      0x0a,
      arg.length,
      ...Buffer.from(arg),
    ]);
    const output = [0x1a, 4, ...Buffer.from("+out")];
    encoder.addTask(13, Uint8Array.from([...config, ...rest, ...output]), [], -1, true);
  });
  expect(await raw.next()).toEqual({ kind: "taskFinished", id: 0 });
  // From here on the socket is read by hand: a MiB for each second that has passed.
  raw.socket.removeAllListeners("data");
  raw.request({ kind: "fetch", id: 0 });
  const startMs = performance.now();
  let received = 0;
  await new Promise<void>((resolve, reject) => {
    raw.socket.once("close", () => reject(new Error("the server closed the connection")));
    raw.socket.on("data", (chunk: Buffer) => {
      received += chunk.length;
      if (received >= 6 * MIB) resolve();
      const aheadMs = (received / MIB) * 1000 - (performance.now() - startMs);
      raw.socket.pause();
      setTimeout(() => raw.socket.resume(), Math.max(0, aheadMs));
    });
  });
  const { server, worker } = await grown();
  expect(server).toBeLessThan(SLACK_BYTES);
  expect(worker).toBeLessThan(1.1 * OBJECT_BYTES + SLACK_BYTES);
  raw.close();
}, 120_000);
