import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import type { Client, Future, Task } from "../../src/client/index.ts";
import { peakBytesOf, readCpuSeconds, residentBytes } from "../harness/processes.ts";
import { createMeter } from "./meter.ts";
import { layers } from "./plans.ts";
import type { Scenario } from "./scenario.ts";
import { type Pinger, startPinger } from "./start-pinger.ts";
import { watchWrites } from "./watch-writes.ts";

/** How long a server may take to give memory back. */
const SETTLE_MS = 10_000;

/** The least resident memory within the next seconds. */
async function settledBytes(pid: number, settleMs: number): Promise<number> {
  const endMs = performance.now() + settleMs;
  let least = residentBytes(pid);
  while (performance.now() < endMs) {
    await delay(100);
    least = Math.min(least, residentBytes(pid));
  }
  return least;
}

/** Nothing is left that the server has to do for this client. */
async function untilIdle(client: Client): Promise<void> {
  await client.stats();
}

/** How long others wait while the server has nothing to do: what the machine alone makes of it. */
async function idleDelay(pinger: Pinger): Promise<number> {
  await delay(500);
  return pinger.longestMs();
}

/**
 * What tasks with two inputs each cost the server: memory while all of them wait, CPU from their
 * coming to their end, memory after all was released, and how long others wait meanwhile. The
 * workers are stubs that come once everything is loaded.
 */
export const memory: Scenario = async ({ client, tasks, pids, address, build, number, text }) => {
  const server = pids["server"] ?? 0;
  const planCount = number("plans");
  const taskCount = planCount * number("size");
  const meter = createMeter(pids);
  const baseBytes = residentBytes(server);
  await using pinger = await startPinger(build, address);
  const idleDelayMs = await idleDelay(pinger);
  const baseCpuSeconds = readCpuSeconds({ server })["server"] ?? 0;
  const serverCpu = (): number => (readCpuSeconds({ server })["server"] ?? 0) - baseCpuSeconds;

  meter.start();
  const writes = watchWrites();
  const futures: Future[] = [];
  for (let i = 0; i < planCount; i++) {
    const root: Task = layers(tasks, number("size"));
    futures.push(client.submit(root));
    await untilIdle(client);
  }
  writes.stop();
  const loadDelayMs = await pinger.longestMs();
  const loadedBytes = (await settledBytes(server, 1_000)) - baseBytes;
  const loadCpuSeconds = serverCpu();

  const [host = "", port = ""] = address.split(":");
  const stubs = spawn(process.execPath, [text("stubs"), host, port, "2"], { stdio: ["pipe"] });
  await client.wait(futures);
  const runDelayMs = await pinger.longestMs();
  const runCpuSeconds = serverCpu();
  meter.stop();

  const peakBytes = peakBytesOf(server);
  client.release(futures);
  await untilIdle(client);
  const releaseDelayMs = await pinger.longestMs();
  const keptBytes = (await settledBytes(server, SETTLE_MS)) - baseBytes;
  stubs.kill();
  return meter.sample({
    bytesPerTask: (loadedBytes - writes.bytes()) / taskCount,
    planBytesPerTask: writes.bytes() / taskCount,
    serverCpuUsPerTask: (runCpuSeconds / taskCount) * 1e6,
    loadCpuUsPerTask: (loadCpuSeconds / taskCount) * 1e6,
    serverPeakBytes: peakBytes,
    keptAfterReleaseBytes: keptBytes,
    idleDelayMs,
    loadDelayMs,
    runDelayMs,
    releaseDelayMs,
  });
};

/** Builds and sends a plan of independent tasks to a server without workers. */
export const accept: Scenario = async ({ client, tasks, pids, address, build, number }) => {
  const size = number("size");
  const make = (count: number): Task =>
    tasks.array(Array.from({ length: count }, () => tasks.const("x")));
  // The code of all processes is compiled by a smaller one.
  const small = client.submit(make(Math.min(20_000, size)));
  await untilIdle(client);
  client.release(small);
  await using pinger = await startPinger(build, address);
  const idleDelayMs = await idleDelay(pinger);
  const meter = createMeter(pids);
  meter.start();
  const startMs = performance.now();
  const root = make(size);
  const builtMs = performance.now();
  const writes = watchWrites();
  const future = client.submit(root);
  const submittedMs = performance.now();
  await untilIdle(client);
  const acceptedMs = performance.now();
  writes.stop();
  meter.stop();
  const loadDelayMs = await pinger.longestMs();
  future.release();
  await untilIdle(client);
  return meter.sample({
    buildAndEncodeSeconds: (submittedMs - startMs) / 1000,
    buildSeconds: (builtMs - startMs) / 1000,
    acceptSeconds: (acceptedMs - writes.firstAtMs()) / 1000,
    planBytes: writes.bytes(),
    idleDelayMs,
    loadDelayMs,
    releaseDelayMs: await pinger.longestMs(),
  });
};
