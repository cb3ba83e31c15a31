import { spawn } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { median } from "../harness/statistics.ts";
import { createMeter } from "./meter.ts";
import type { Scenario } from "./scenario.ts";

const REPEATS = 5;

/** Milliseconds from the start of a worker's executable until the server counts it. */
export const workerStart: Scenario = async ({ client, pids, address, build }) => {
  const [host = "", port = ""] = address.split(":");
  const meter = createMeter(pids);
  const times: number[] = [];
  meter.start();
  for (let i = 0; i < REPEATS; i++) {
    const before = (await client.stats()).workers;
    const startMs = performance.now();
    const worker = spawn(
      join(build, "dist/bin/loom-worker.js"),
      ["--exit-with-stdin", host, port],
      {
        stdio: ["pipe", "ignore", "ignore"],
      },
    );
    while ((await client.stats()).workers === before);
    times.push(performance.now() - startMs);
    worker.stdin.end();
    await new Promise((resolve) => worker.once("exit", resolve));
    while ((await client.stats()).workers > before);
  }
  meter.stop();
  return meter.sample({ registeredMs: median(times) });
};

/** Milliseconds for the import of the client, and for a local cluster to be ready; in new processes. */
export const clientStart: Scenario = async ({ build }) => {
  const module = JSON.stringify(pathToFileURL(join(build, "dist/bin/client.js")).href);
  const program = `
    const startMs = performance.now();
    const { LocalCluster } = await import(${module});
    const importMs = performance.now() - startMs;
    const cluster = await LocalCluster.start({ workers: 1 });
    const localClusterMs = performance.now() - startMs - importMs;
    process.stdout.write(JSON.stringify({ importMs, localClusterMs }));
    await cluster.close();`;
  const meter = createMeter({});
  meter.start();
  const samples: { importMs: number; localClusterMs: number }[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    await new Promise((resolve) => child.once("close", resolve));
    samples.push(JSON.parse(text));
  }
  meter.stop();
  return meter.sample({
    importMs: median(samples.map(({ importMs }) => importMs)),
    localClusterMs: median(samples.map(({ localClusterMs }) => localClusterMs)),
  });
};
