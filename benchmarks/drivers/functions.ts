import { pathToFileURL } from "node:url";
import * as trivial from "../functions/trivial.ts";
import { ROOT } from "../harness/paths.ts";
import { cpuFigures, createMeter } from "./meter.ts";
import type { Scenario, ScenarioContext } from "./scenario.ts";

const moduleOf = ({ tasks }: ScenarioContext) =>
  tasks.module(trivial, pathToFileURL(`${ROOT}benchmarks/functions/trivial.ts`));

/** `count` calls of a TypeScript function that costs nothing, all of them results. */
export const functionCalls: Scenario = async (context) => {
  const { client, pids, number } = context;
  const { increment } = moduleOf(context);
  const run = async (count: number): Promise<void> => {
    const futures = client.submit(Array.from({ length: count }, (_, i) => increment(i)));
    await client.wait(futures);
    client.release(futures);
  };
  await run(2_000);
  const meter = createMeter(pids);
  meter.start();
  const count = number("count");
  await run(count);
  const seconds = meter.stop();
  return meter.sample({ callsPerSecond: count / seconds, ...cpuFigures(meter, count) });
};

/** Calls that keep every cpu busy: the share of the cpus' time that was the functions' own. */
export const efficiency: Scenario = async (context) => {
  const { client, pids, number } = context;
  const { spin } = moduleOf(context);
  const durationUs = number("durationUs");
  const cpus = number("cpus");
  const run = async (count: number): Promise<void> => {
    const futures = client.submit(Array.from({ length: count }, (_, i) => spin(durationUs, i)));
    await client.wait(futures);
    client.release(futures);
  };
  await run(200);
  const count = Math.round((number("seconds") * 1e6 * cpus) / durationUs);
  const meter = createMeter(pids);
  meter.start();
  await run(count);
  const seconds = meter.stop();
  return meter.sample({
    efficiencyPercent: ((count * durationUs) / 1e6 / cpus / seconds) * 100,
    ...cpuFigures(meter, count),
  });
};
