import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tasks } from "../../../src/client/index.ts";
import { until } from "../../cli/processes/programs.ts";
import { startCluster, untilNothingIsLeft } from "../../system/processes/cluster.ts";
import * as watched from "../modules/watched.ts";

const { linger } = tasks.module(watched, new URL("../modules/watched.ts", import.meta.url));

test("a function that is told to end keeps its cpu until it has ended", async () => {
  await using cluster = await startCluster({ workers: 1, cpus: 1 });
  const client = await cluster.connect();
  const last = join(cluster.scratch, "last");
  const future = client.submit(linger(last));
  await until(() => existsSync(last), "the function never ran");
  future.release();
  const program = tasks.run(["date", "+%s%N"], { resources: { cpus: 1 } });
  const startedMs = Number(await client.submit(program).gather()) / 1e6;
  expect(startedMs).toBeGreaterThanOrEqual(Number(readFileSync(last, "utf8")));
  await client.close();
  await untilNothingIsLeft(cluster, await cluster.connect());
});
