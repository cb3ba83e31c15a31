import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client, LocalCluster, TaskCanceledError, tasks } from "../../../src/client/index.ts";

let cluster: LocalCluster;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "hyperloom-cancel-"));
  cluster = await LocalCluster.start({ workers: 1, cpus: 4, workDirectory: directory });
}, 60_000);

afterAll(async () => {
  await cluster.close();
  await rm(directory, { recursive: true });
});

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await delay(10);
};
const exists = async (path: string): Promise<void> => until(() => existsSync(path));
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const sh = (script: string) => tasks.run(["sh", "-c", script]);
/** Writes its pid to `file` once it is ready, then runs until it is ended. */
const endless = (file: string, trap: string) =>
  sh(
    `trap '${trap}' TERM; echo $$ > '${file}.tmp'; mv '${file}.tmp' '${file}'; while :; do sleep 0.02; done`,
  );

test("a canceled program is asked to end, what needs it goes too, and the rest goes on", async () => {
  await using client = await Client.connect(cluster.address);
  const ready = join(directory, "asked");
  const said = join(directory, "said");
  const program = endless(ready, `echo bye > ${said}; exit 0`);
  const [future, user, other] = client.submit([
    program,
    tasks.merge([program, tasks.const("x")]),
    tasks.const("other"),
  ]);
  await exists(ready);
  future.cancel();
  await expect(user.wait()).rejects.toThrow(TaskCanceledError);
  expect(future.state).toBe("canceled");
  await expect(future.fetch()).rejects.toMatchObject({ code: "task-canceled", kind: "canceled" });
  await exists(said);
  expect((await other.fetch()).toString()).toBe("other");
  expect(client.progress).toMatchObject({ resultsCanceled: 2, resultsFinished: 1 });
}, 60_000);

test("one that does not listen ends at once when its client leaves", async () => {
  const client = await Client.connect(cluster.address);
  const ready = join(directory, "deaf");
  const future = client.submit(endless(ready, ""));
  await exists(ready);
  const pid = Number(readFileSync(ready, "utf8"));
  future.cancel();
  await expect(future.wait()).rejects.toThrow(TaskCanceledError);
  expect(isAlive(pid)).toBe(true);
  await client.close();
  await until(() => !isAlive(pid));
}, 60_000);

test("a signal given to submit cancels the plan, and what is finished stays", async () => {
  await using client = await Client.connect(cluster.address);
  const ready = join(directory, "signal");
  const stop = new AbortController();
  const [done, running] = client.submit([tasks.const("done"), endless(ready, "exit 0")], {
    signal: stop.signal,
  });
  await done.wait();
  await exists(ready);
  stop.abort();
  await expect(running.wait()).rejects.toThrow(TaskCanceledError);
  expect((await done.gather()).toString()).toBe("done");
  expect(() => client.submit(tasks.const("x"), { signal: stop.signal })).toThrow();
}, 60_000);

test("tasks of other clients are canceled by their labels", async () => {
  await using client = await Client.connect(cluster.address);
  await using operator = await Client.connect(cluster.address);
  const ready = join(directory, "labeled");
  const program = tasks.run(["sh", "-c", `touch ${ready}; sleep 1000`], { label: "tired" });
  const future = client.submit(program);
  await exists(ready);
  expect(await operator.cancelTasks("tired")).toMatchObject([{ task: future.id, label: "tired" }]);
  await expect(future.wait()).rejects.toThrow(TaskCanceledError);
  expect(await operator.cancelTasks("tired")).toEqual([]);
}, 60_000);
