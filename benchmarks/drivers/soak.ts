import { peakBytesOf, residentBytes } from "../harness/processes.ts";
import { median } from "../harness/statistics.ts";
import { createMeter } from "./meter.ts";
import { constants } from "./plans.ts";
import type { Scenario } from "./scenario.ts";

/** What an object of the cluster's life looked like after one plan. */
type Moment = { readonly tasksPerSecond: number; readonly bytes: Readonly<Record<string, number>> };

/**
 * The same plan again and again, for `minutes` or `plans` times: does the memory of any process
 * grow, does the throughput fall? Compares the last fifth with the second one; the first is for
 * the processes to get warm.
 */
export const soak: Scenario = async ({ client, tasks, pids, number }) => {
  const size = number("size");
  const endMs = performance.now() + number("minutes") * 60_000;
  const moments: Moment[] = [];
  const meter = createMeter(pids);
  meter.start();
  while (performance.now() < endMs && moments.length < number("plans")) {
    const root = tasks.array(constants(tasks, size));
    const startMs = performance.now();
    const future = client.submit(root);
    await future.wait();
    const tasksPerSecond = (size / (performance.now() - startMs)) * 1000;
    future.release();
    await client.stats();
    const all = { ...pids, client: process.pid };
    const bytes = Object.fromEntries(
      Object.entries(all).map(([name, pid]) => [name, residentBytes(pid)]),
    );
    moments.push({ tasksPerSecond, bytes });
  }
  meter.stop();
  const fifth = Math.max(1, Math.floor(moments.length / 5));
  const early = moments.slice(fifth, 2 * fifth);
  const late = moments.slice(-fifth);
  const growth = (of: (moment: Moment) => number): number =>
    median(late.map(of)) / median(early.map(of));
  const memory = Object.fromEntries(
    Object.keys(moments[0]?.bytes ?? {}).map((name) => [
      `${name.replace(" ", "")}Growth`,
      growth(({ bytes }) => bytes[name] ?? 0),
    ]),
  );
  return meter.sample({
    throughputGrowth: growth((moment) => moment.tasksPerSecond),
    ...memory,
    plans: moments.length,
    tasksPerSecond: median(moments.map((moment) => moment.tasksPerSecond)),
    serverPeakBytes: peakBytesOf(pids["server"] ?? 0),
  });
};
