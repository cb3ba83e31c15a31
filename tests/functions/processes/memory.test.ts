import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Client, type Task, TaskFailedError, tasks } from "../../../src/client/index.ts";
import { until } from "../../cli/processes/programs.ts";
import {
  startCluster,
  type TestCluster,
  untilNothingIsLeft,
} from "../../system/processes/cluster.ts";
import * as unlucky from "../modules/unlucky.ts";
import * as watched from "../modules/watched.ts";
import { PYTHON } from "./python/interpreter.ts";
import { pythonFunction } from "./python/python-calls.ts";
import { WATCHED } from "./python/watched.ts";

const javascript = tasks.module(unlucky, new URL("../modules/unlucky.ts", import.meta.url));
const { pass } = tasks.module(watched, new URL("../modules/watched.ts", import.meta.url));

let cluster: TestCluster;
let observer: Client;
beforeAll(async () => {
  const workerArgs = ["--python", PYTHON, "--runner-memory", "256M"];
  cluster = await startCluster({ workers: 1, cpus: 2, workerArgs });
  observer = await cluster.connect();
}, 60_000);
afterAll(() => cluster?.[Symbol.asyncDispose]());

test.each<[string, () => Task<unknown>]>([
  ["in TypeScript, in the heap", () => javascript.allocate()],
  ["in TypeScript, outside of it", () => javascript.allocateBuffers()],
  ["in Python, bit by bit", () => pythonFunction(WATCHED, "allocate")()],
  ["in Python, all at once", () => pythonFunction(WATCHED, "allocate_at_once")()],
])("a function that allocates without end, %s, fails alone", async (place, allocate) => {
  const client = await cluster.connect();
  const [worker] = (await observer.status()).workers;
  const running = join(cluster.scratch, "running");
  const hold = join(cluster.scratch, "hold");
  writeFileSync(hold, "");
  const neighbor = client.submit(
    pass.with({ label: `beside ${place}` })(running, hold, tasks.const("123")),
  );
  await until(() => existsSync(running), "the neighbor never ran");
  const failure = await client
    .submit(allocate())
    .wait()
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(TaskFailedError);
  expect(String(failure)).toMatch(/out of memory: it needed more than 256 MiB/);
  rmSync(hold);
  expect(await neighbor.gather()).toEqual(Buffer.alloc(3, 1));
  rmSync(running);
  await client.submit(javascript.fine(1)).gather();
  await client.submit(pythonFunction(WATCHED, "work")({ args: [1] })).gather();
  expect((await observer.status()).workers.map(({ id }) => id)).toEqual([worker?.id]);
  await client.close();
  await untilNothingIsLeft(cluster, observer);
});

test("a function that asks for memory has that, whatever others have", async () => {
  const client = await cluster.connect();
  const resources = { cpus: 1, memory: "512M" };
  const allocating = javascript.allocateBuffers.with({ resources })();
  const failure = await client
    .submit(allocating)
    .wait()
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(TaskFailedError);
  expect(String(failure)).toMatch(/out of memory: it needed more than 512 MiB/);
  await client.submit(javascript.fine.with({ resources })(1)).gather();
  await client.submit(javascript.fine(1)).gather();
  await client.close();
  await untilNothingIsLeft(cluster, observer);
});
