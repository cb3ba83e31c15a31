import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  Client,
  type Future,
  LocalCluster,
  PlanFailedError,
  readCount,
  TaskFailedError,
  tasks,
} from "../../../src/client/index.ts";

let cluster: LocalCluster;
let client: Client;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "hyperloom-policies-"));
  cluster = await LocalCluster.start({ workers: 2, cpus: 2, workDirectory: directory });
  client = await Client.connect(cluster.address);
}, 30_000);

afterAll(async () => {
  await client.close();
  await cluster.close();
  await rm(directory, { recursive: true });
});

const fails = (text: string, options = {}) =>
  tasks.run(["sh", "-c", `echo ${text} >&2; exit 3`], options);

const errorOf = async (future: Future): Promise<TaskFailedError> => {
  const error = await future.wait().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof TaskFailedError) return error;
  throw new Error(`expected a failed task, got ${error}`);
};

/** Succeeds at its third attempt; leaves a line in the file for each. */
const third = (file: string, options = {}) =>
  tasks.run(["sh", "-c", `echo x >> ${file}; test $(wc -l < ${file}) -ge 3 && echo done`], options);

test("a program that fails is tried again as often as it may be", async () => {
  const path = join(directory, "attempts");
  const future = client.submit(third(path, { retries: 2, backoffMs: 10 }));
  expect(String(await future.gather())).toBe("done\n");
  expect((await readFile(path, "utf8")).split("\n")).toHaveLength(4);
});

test("the failure tells what became of the attempts before", async () => {
  const task = fails("broken", { retries: 2, backoffMs: 1, label: "step: 1" });
  const error = await errorOf(client.submit(task));
  expect(error.kind).toBe("program-failed");
  expect(error.exitCode).toBe(3);
  expect(error.attempts).toBe(3);
  expect(error.story).toHaveLength(2);
  expect(error.story[0]).toMatch(
    /^Attempt 1 on .*: program-failed: Program terminated with status 3/,
  );
});

test("what is not to be retried fails at once; time limits and signals have their kinds", async () => {
  const once = fails("no", { retries: 5, backoffMs: 1, retryOn: ["timed-out"] });
  expect(await errorOf(client.submit(once))).toMatchObject({ kind: "program-failed", attempts: 1 });
  const late = tasks.run("sleep 60", {
    timeLimitMs: 50,
    retries: 1,
    backoffMs: 1,
    retryOn: ["timed-out"],
  });
  expect(await errorOf(client.submit(late))).toMatchObject({ kind: "timed-out", attempts: 2 });
});

test("a task that waits for its next attempt says so", async () => {
  const task = fails("later", { retries: 1, backoffMs: 600_000, label: "waiting" });
  const future = client.submit(task);
  let text = "";
  while (!text.includes("before it is tried again")) text = (await future.explain()).text;
  expect(text).toMatch(/Attempt 1 on .*program-failed/);
  expect((await client.status()).tasks.retrying).toBe(1);
  future.release();
});

test("a plan that keeps going fails only what needs the failed task", async () => {
  const bad = fails("bad", { label: "bad" });
  const good = tasks.const("good");
  const futures = client.submit(
    [tasks.merge([bad, good]), tasks.merge([good, good]), tasks.run("echo ok")],
    { onFailure: "keep-going" },
  );
  const settled = await Promise.allSettled(futures.map((future) => future.gather()));
  expect(settled.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
  const error = futures[0].error as TaskFailedError;
  expect(error).not.toBeInstanceOf(PlanFailedError);
  expect(error.kind).toBe("input-failed");
  expect(error.message).toMatch(/Needs task \d+ which failed: Program terminated with status 3/);
  expect(error.cause).toMatchObject({ kind: "program-failed", label: "bad", exitCode: 3 });
  // A later plan that uses it fails likewise, and alone.
  const later = client.submit([tasks.merge([futures[0]]), tasks.const("later")], {
    onFailure: "keep-going",
  });
  expect(await errorOf(later[0])).toMatchObject({ kind: "input-failed" });
  expect(String(await later[1].gather())).toBe("later");
  client.release([...futures, ...later]);
  await expect.poll(async () => (await client.stats()).dataObjects).toBe(0);
});

test("without that, the first failure is the end of the plan", async () => {
  const futures = client.submit([fails("bad"), tasks.run("sleep 60")]);
  expect(await errorOf(futures[0])).toMatchObject({ kind: "program-failed" });
  expect(await errorOf(futures[1])).toBeInstanceOf(PlanFailedError);
});

test("inputs that may fail are absent for those that can do without", async () => {
  const missing = tasks.optional(fails("missing"));
  const there = tasks.const("there");
  const array = tasks.array([missing, there]);
  const merged = tasks.merge([there, missing, there], { delimiter: "," });
  const program = tasks.run(["sh", "-c", 'ls; cat; echo "<$1>"', "-", missing, there], {
    inputs: { "there.txt": there, "missing.txt": missing },
    stdin: missing,
  });
  const size = tasks.size(tasks.array([missing, there]));
  const split = tasks.split(tasks.merge([missing]));
  const futures = client.submit([array, merged, program, size, split]);
  const [items, text, output, bytes, lines] = await client.gather(futures);
  expect(items[0]).toBeUndefined();
  expect(String(items[1])).toBe("there");
  expect(String(text)).toBe("there,there");
  expect(String(output)).toBe("+err\n+in\n+out\nthere.txt\n<>\n");
  expect(readCount(bytes)).toBe(5);
  expect(lines).toEqual([]);
});

test("what cannot do without fails with a text that says why", async () => {
  const missing = tasks.get(tasks.array([tasks.optional(fails("missing"))]), 0);
  const error = await errorOf(client.submit(tasks.save(missing as never, join(directory, "no"))));
  expect(error.message).toMatch(/got an absent value, since the task that was to make it failed/);
});

test("a client has defaults, of which a submit can say otherwise", async () => {
  const other = await Client.connect(cluster.address, {
    defaults: { retries: 2, backoffMs: 1, onFailure: "keep-going" },
  });
  const futures = other.submit([fails("bad"), tasks.const("good")]);
  expect(await errorOf(futures[0])).toMatchObject({ attempts: 3 });
  expect(String(await futures[1].gather())).toBe("good");
  const once = other.submit(fails("bad"), { retries: 0 });
  expect(await errorOf(once)).toMatchObject({ attempts: 1 });
  await other.close();
});

test("an urgent plan overtakes what waits, though it was given to workers before", async () => {
  const order = join(directory, "order");
  const note = (name: string) => tasks.run(["sh", "-c", `sleep 0.05; echo ${name} >> ${order}`]);
  const many = client.submit(Array.from({ length: 60 }, () => note("usual")));
  await many[0]?.wait();
  const urgent = client.submit(note("urgent"), { priority: 10 });
  await urgent.gather();
  const before = (await readFile(order, "utf8")).trim().split("\n").indexOf("urgent");
  expect(before).toBeGreaterThan(-1);
  // Those that ran when it came, those that they were followed by while it was on its way.
  expect(before).toBeLessThan(40);
  client.release(many);
});
