import { cpuFigures, createMeter } from "./meter.ts";
import type { Scenario } from "./scenario.ts";

/** Objects just below the size from which workers keep them as files. */
const HELD_OBJECT_BYTES = 1000 * 1024;

/** `count` runs of /bin/true, stdout and stderr captured, by a worker that holds `heldBytes` in memory. */
export const programs: Scenario = async ({ client, tasks, pids, number }) => {
  const heldCount = Math.ceil(number("heldBytes") / HELD_OBJECT_BYTES);
  const block = tasks.const(Buffer.alloc(HELD_OBJECT_BYTES));
  const held = client.submit(
    Array.from({ length: heldCount }, (_, i) => tasks.merge([block, tasks.const(`${i}`)])),
  );
  await client.wait(held);
  const run = async (count: number): Promise<void> => {
    const futures = client.submit(Array.from({ length: count }, () => tasks.run(["/bin/true"])));
    await client.wait(futures);
    client.release(futures);
  };
  await run(200);
  const meter = createMeter(pids);
  meter.start();
  const count = number("count");
  await run(count);
  const seconds = meter.stop();
  return meter.sample({ programsPerSecond: count / seconds, ...cpuFigures(meter, count) });
};
