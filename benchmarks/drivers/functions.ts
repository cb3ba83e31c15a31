import { pathToFileURL } from "node:url";
import * as trivial from "../functions/trivial.ts";
import { ROOT } from "../harness/paths.ts";
import { median } from "../harness/statistics.ts";
import { cpuFigures, createMeter } from "./meter.ts";
import type { Scenario, ScenarioContext } from "./scenario.ts";

/** Plans after the first one, whose code is not compiled yet. */
const WARM_PLANS = 5;

const moduleOf = ({ tasks }: ScenarioContext) =>
  tasks.module(trivial, pathToFileURL(`${ROOT}benchmarks/functions/trivial.ts`));

/** `count` calls of a TypeScript function that costs nothing, all of them results. */
export const functionCalls: Scenario = async (context) => {
  const { client, pids, number } = context;
  const { increment } = moduleOf(context);
  const count = number("count");
  const run = async (): Promise<void> => {
    const futures = client.submit(Array.from({ length: count }, (_, i) => increment(i)));
    await client.wait(futures);
    client.release(futures);
    // So that the next plan does not run while this one is given back.
    await client.stats();
  };
  const coldMs = performance.now();
  await run();
  const coldCallsPerSecond = (count / (performance.now() - coldMs)) * 1000;
  const meter = createMeter(pids);
  const rates: number[] = [];
  for (let plan = 0; plan < WARM_PLANS; plan++) {
    meter.start();
    await run();
    rates.push(count / meter.stop());
  }
  return meter.sample({
    callsPerSecond: median(rates),
    coldCallsPerSecond,
    ...cpuFigures(meter, count * WARM_PLANS),
  });
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
  // Till the code of all processes is compiled.
  await run(Math.round((number("warmUpSeconds") * 1e6 * cpus) / durationUs));
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
