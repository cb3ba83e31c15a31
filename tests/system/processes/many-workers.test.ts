import { expect, test } from "vitest";
import { Client, LocalCluster, tasks } from "../../../src/client/index.ts";

const WORKERS = 20;
const TASKS = 1_000;

test("20 workers run 1,000 programs, and one gets all results; none is lost", async () => {
  await using cluster = await LocalCluster.start({ workers: WORKERS, cpus: 1, pin: false });
  await using client = await Client.connect(cluster.address);
  const line = (task: number): string => `line ${task}\n`;
  const parts = Array.from({ length: TASKS }, (_, task) =>
    tasks.run(["printf", "%s", line(task)], { resources: { cpus: 1 } }),
  );
  const joined = await client.submit(tasks.merge(parts)).gather();
  expect(joined.toString()).toBe(Array.from({ length: TASKS }, (_, task) => line(task)).join(""));
  expect(await client.stats()).toMatchObject({ workers: WORKERS });
}, 120_000);
