import { quantile } from "../harness/statistics.ts";
import { createMeter } from "./meter.ts";
import type { Scenario } from "./scenario.ts";

/** Plans before the measured ones, so that the code of all processes is compiled. */
const WARM_UP = 300;

/** Submit one task, wait for it, fetch it; one after the other. */
export const roundTrips: Scenario = async ({ client, tasks, pids, number }) => {
  const times: number[] = [];
  const once = async (): Promise<number> => {
    const startMs = performance.now();
    const future = client.submit(tasks.const("x"));
    await future.wait();
    await future.fetch();
    const us = (performance.now() - startMs) * 1000;
    future.release();
    return us;
  };
  for (let i = 0; i < WARM_UP; i++) await once();
  const meter = createMeter(pids);
  meter.start();
  for (let i = 0; i < number("count"); i++) times.push(await once());
  meter.stop();
  const p50Us = quantile(times, 0.5);
  const p99Us = quantile(times, 0.99);
  return meter.sample({ p50Us, p99Us, spread: p99Us / p50Us });
};
