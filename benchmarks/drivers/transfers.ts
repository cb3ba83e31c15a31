import { Buffer } from "node:buffer";
import { residentBytes } from "../harness/processes.ts";
import { createMeter } from "./meter.ts";
import type { Scenario, Tasks } from "./scenario.ts";

const LEFT = { resources: { left: 1 } } as const;
const RIGHT = { resources: { right: 1 } } as const;

/** A program's output of so many bytes, on the left worker. */
const largeObject = (tasks: Tasks, sizeBytes: number) =>
  tasks.run(["head", "-c", `${sizeBytes}`, "/dev/zero"], LEFT);

/** One large object from the left worker to the right one. */
export const transferLarge: Scenario = async ({ client, tasks, pids, number }) => {
  const sizeBytes = number("sizeBytes");
  const warmUp = client.submit(largeObject(tasks, 1 << 20));
  await client.submit(tasks.length(warmUp, RIGHT)).wait();
  const object = client.submit(largeObject(tasks, sizeBytes));
  await object.wait();
  const receiver = pids["worker 2"] ?? 0;
  const before = residentBytes(receiver);
  const meter = createMeter(pids);
  meter.start();
  await client.submit(tasks.length(object, RIGHT)).wait();
  const seconds = meter.stop();
  const sample = meter.sample({});
  const peakBytes = (sample.peakBytes["worker 2"] ?? 0) - before;
  return {
    ...sample,
    figures: {
      bytesPerSecond: sizeBytes / seconds,
      peakOverObject: peakBytes / sizeBytes,
      cpuSecondsPerGigabyte:
        ((meter.cpuSeconds("worker") + meter.cpuSeconds("server")) / sizeBytes) * 1e9,
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

/** One large object to this client, into one buffer. */
export const fetchLarge: Scenario = async ({ client, tasks, pids, number }) => {
  const sizeBytes = number("sizeBytes");
  await client.submit(largeObject(tasks, 1 << 20)).gather();
  const object = client.submit(largeObject(tasks, sizeBytes));
  await object.wait();
  const serverBefore = residentBytes(pids["server"] ?? 0);
  const clientBefore = residentBytes(process.pid);
  const meter = createMeter(pids);
  meter.start();
  const value = await object.fetch();
  const seconds = meter.stop();
  if (value.length !== sizeBytes) throw new Error(`got ${value.length} bytes`);
  const sample = meter.sample({});
  return {
    ...sample,
    figures: {
      bytesPerSecond: sizeBytes / seconds,
      serverPeakOverObject: ((sample.peakBytes["server"] ?? 0) - serverBefore) / sizeBytes,
      clientPeakOverObject: ((sample.peakBytes["client"] ?? 0) - clientBefore) / sizeBytes,
      serverCpuSecondsPerGigabyte: (meter.cpuSeconds("server") / sizeBytes) * 1e9,
    },
  };
};
