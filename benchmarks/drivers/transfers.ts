import { Buffer } from "node:buffer";
import type { Figures } from "../harness/cases.ts";
import { residentBytes } from "../harness/processes.ts";
import { median } from "../harness/statistics.ts";
import { createMeter } from "./meter.ts";
import type { Scenario, Tasks } from "./scenario.ts";

const LEFT = { resources: { left: 1 } } as const;
const RIGHT = { resources: { right: 1 } } as const;

/** A program's output of so many bytes, on the left worker. */
const largeObject = (tasks: Tasks, sizeBytes: number) =>
  tasks.run(["head", "-c", `${sizeBytes}`, "/dev/zero"], LEFT);

/** Large objects from the left worker to the right one, one after the other. */
export const transferLarge: Scenario = async ({ client, tasks, pids, number }) => {
  const sizeBytes = number("sizeBytes");
  const repeats = number("repeats");
  const receiver = pids["worker 2"] ?? 0;
  const meter = createMeter(pids);
  const move = async (bytes: number, isMeasured: boolean): Promise<number> => {
    const object = client.submit(largeObject(tasks, bytes));
    await object.wait();
    if (isMeasured) meter.start();
    const startMs = performance.now();
    const there = client.submit(tasks.length(object, RIGHT));
    await there.wait();
    const seconds = (performance.now() - startMs) / 1000;
    if (isMeasured) meter.stop();
    client.release([object, there]);
    return seconds;
  };
  await move(1 << 20, false);
  const before = residentBytes(receiver);
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) times.push(await move(sizeBytes, true));
  const sample = meter.sample({});
  const peakBytes = (sample.peakBytes["worker 2"] ?? 0) - before;
  return {
    ...sample,
    figures: {
      bytesPerSecond: sizeBytes / median(times),
      peakOverObject: peakBytes / sizeBytes,
      cpuSecondsPerGigabyte:
        ((meter.cpuSeconds("worker") + meter.cpuSeconds("server")) / (sizeBytes * repeats)) * 1e9,
      ...sample.figures,
    },
  };
};

/** Many small objects, all of them needed by one task on the right worker. */
export const transferSmall: Scenario = async ({ client, tasks, pids, number }) => {
  const count = number("count");
  const block = Buffer.alloc(number("sizeBytes"));
  const make = (n: number) =>
    client.submit(Array.from({ length: n }, () => tasks.const(block, LEFT)));
  const gather = (futures: ReturnType<typeof make>) =>
    client.submit(tasks.array(futures, RIGHT)).wait();
  const warmUp = make(50);
  await client.wait(warmUp);
  await gather(warmUp);
  client.release(warmUp);
  const objects = make(count);
  await client.wait(objects);
  const meter = createMeter(pids);
  meter.start();
  await gather(objects);
  const seconds = meter.stop();
  return meter.sample({
    objectsPerSecond: count / seconds,
    bytesPerSecond: (count * block.length) / seconds,
  });
};

/** Large objects to this client, each into one buffer. */
export const fetchLarge: Scenario = async ({ client, tasks, pids, number }) => {
  const sizeBytes = number("sizeBytes");
  const repeats = number("repeats");
  await client.submit(largeObject(tasks, 1 << 20)).gather();
  const serverBefore = residentBytes(pids["server"] ?? 0);
  const clientBefore = residentBytes(process.pid);
  const meter = createMeter(pids);
  const times: number[] = [];
  let peaks: Figures = {};
  for (let i = 0; i < repeats; i++) {
    const object = client.submit(largeObject(tasks, sizeBytes));
    await object.wait();
    meter.start();
    const value = await object.fetch();
    times.push(meter.stop());
    // Of the first: later ones come while the memory of earlier ones is not given back yet.
    if (i === 0) peaks = meter.sample({}).peakBytes;
    if (value.length !== sizeBytes) throw new Error(`got ${value.length} bytes`);
    object.release();
  }
  const sample = meter.sample({});
  return {
    ...sample,
    figures: {
      bytesPerSecond: sizeBytes / median(times),
      serverPeakOverObject: ((peaks["server"] ?? 0) - serverBefore) / sizeBytes,
      clientPeakOverObject: ((peaks["client"] ?? 0) - clientBefore) / sizeBytes,
      serverCpuSecondsPerGigabyte: (meter.cpuSeconds("server") / (sizeBytes * repeats)) * 1e9,
      ...sample.figures,
    },
  };
};
