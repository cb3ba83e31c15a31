// One client process: connects, runs one scenario, prints what it measured as one line of JSON.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { Client } from "../../src/client/index.ts";
import type { DriverRequest, Hyperloom } from "./scenario.ts";
import { SCENARIOS, type ScenarioName } from "./scenarios.ts";

const JOIN_TIMEOUT_MS = 60_000;

async function untilJoined(client: Client, workerCount: number): Promise<void> {
  const signal = AbortSignal.timeout(JOIN_TIMEOUT_MS);
  while ((await client.stats({ signal })).workers < workerCount)
    await delay(5, undefined, { signal });
}

const request = JSON.parse(process.argv[2] ?? "{}") as DriverRequest;
const { build, address, pids, parameters, workerCount } = request;
const module = pathToFileURL(join(build, "dist/bin/client.js")).href;
const hyperloom = (await import(module)) as Hyperloom;
const client = await hyperloom.Client.connect(address, { name: "benchmark" });
await untilJoined(client, workerCount);
const sample = await SCENARIOS[request.scenario as ScenarioName]({
  hyperloom,
  tasks: hyperloom.tasks,
  client,
  build,
  address,
  pids,
  number: (name) => Number(parameters[name]),
  text: (name) => String(parameters[name]),
});
await client.close();
process.stdout.write(`${JSON.stringify(sample)}\n`);
