import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Client, tasks } from "../../../src/client/index.ts";
import { startCluster, type TestCluster } from "../../system/processes/cluster.ts";
import * as context from "../modules/context.ts";

const {
  whoAmI,
  countDown,
  callForeign,
  report,
  waitForAbort,
  processId,
  mergeThree,
  runAll,
  listEach,
  double,
  sum,
  wrongTask,
} = tasks.module(context, new URL("../modules/context.ts", import.meta.url));

let cluster: TestCluster;
let client: Client;

beforeAll(async () => {
  cluster = await startCluster({ workers: 1, cpus: 2 });
  client = await cluster.connect();
});
afterAll(() => cluster[Symbol.asyncDispose]());

test("a function knows its task", async () => {
  const future = client.submit(whoAmI.with({ label: "who: me" })());
  expect(await future.gather()).toEqual({ id: future.id, label: "who: me", hasAttempt: true });
  expect(await client.submit(whoAmI()).gather()).toMatchObject({ label: "whoAmI" });
});

test("outside of a worker, a function has a task that does nothing", () => {
  expect(context.whoAmI()).toEqual({ id: -1, label: "", hasAttempt: false });
});

test("what it reports, logs and prints is in the worker's log, under its task", async () => {
  const futures = client.submit(["first", "second"].map((name) => report(name)));
  expect(await client.gather(futures)).toEqual([true, true]);
  const worker = cluster.workers[0]?.program;
  for (const [i, name] of ["first", "second"].entries()) {
    const { id = -1 } = futures[i] ?? {};
    for (const line of ["is at half", "warns", "prints", "writes"]) {
      await worker?.waitFor(new RegExp(`task ${id}: ${name} ${line}`));
    }
  }
});

test("a function that listens hears that its task is not wanted, and its process stays", async () => {
  const file = join(cluster.scratch, "listening");
  const read = (): string => (existsSync(file) ? readFileSync(file, "utf8") : "");
  const future = client.submit(waitForAbort(file));
  await expect.poll(read).toMatch(/^\d+$/);
  const pid = Number(read());
  future.release();
  await expect.poll(read).toContain("not wanted any more");
  const calls = Array.from({ length: 8 }, () => processId());
  await expect.poll(() => client.gather(client.submit(calls))).toContain(pid);
});

test("a task that it returns runs in its place", async () => {
  const merged = mergeThree(Buffer.from("ab"));
  expect((await client.submit(tasks.merge([merged, merged])).gather()).toString()).toBe(
    "ab-ab-abab-ab-ab",
  );
  const both = await client.submit(runAll(["x", "y"])).gather();
  expect(both.map(String)).toEqual(["x\n", "y\n"]);
  expect(await client.submit(runAll([])).gather()).toEqual([]);
});

test("a function returns calls of functions of its own module", async () => {
  expect(await client.submit(tasks.array([countDown(3), countDown(0)])).gather()).toEqual([0, 0]);
  await expect(client.submit(callForeign()).gather()).rejects.toThrow(
    "tasks.module knows what its own module exports, and foreign is not of it",
  );
});

test("such a task may fail", async () => {
  const future = client.submit(wrongTask());
  await expect(future.wait()).rejects.toMatchObject({ label: "wrongTask", exitCode: 1 });
});

test("items of a list that says so are had one by one", async () => {
  const list = listEach(3);
  expect(await client.submit(list).gather()).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
  expect(await client.submit(double(tasks.get(list, 2))).gather()).toBe(4);
  const each = double(tasks.dget(list));
  expect(await client.submit(sum(tasks.array([each]))).gather()).toBe(6);
  await expect(client.submit(sum([each])).gather()).rejects.toThrow(
    "given 3 inputs in place of 1; what stands for many tasks",
  );
});

test("a value is written to a checkpoint, and loaded from it", async () => {
  const checkpoint = join(cluster.scratch, "who");
  const first = await client.submit(processId.with({ checkpoint })()).gather();
  expect(JSON.parse(readFileSync(checkpoint, "utf8"))).toBe(first);
  writeFileSync(checkpoint, "7");
  const loads = { loadCheckpoints: true };
  const stale = client.submit(processId.with({ checkpoint })(), loads);
  expect(await stale.gather(), "of a file that is not the one it was written with").not.toBe(7);
  const kept = await client.submit(processId.with({ checkpoint })(), loads).gather();
  expect(await client.submit(processId.with({ checkpoint })(), loads).gather()).toBe(kept);
});

test("calls ask for a cpu each, and for what they are told to", async () => {
  const notices = vi.fn();
  const { Client: Own } = await import("../../../src/client/index.ts");
  await using other = await Own.connect(cluster.address, { onNotice: notices });
  const future = other.submit(double.with({ resources: { cpus: 3 } })({ n: 1 }));
  await expect.poll(() => notices.mock.calls.flat().join()).toMatch(/cpus/);
  future.release();
});
