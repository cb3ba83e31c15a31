import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, type Task, tasks } from "../../../src/client/index.ts";
import { findMarked, until } from "../../cli/processes/programs.ts";
import {
  startCluster,
  type TestCluster,
  untilNothingIsLeft,
} from "../../system/processes/cluster.ts";
import * as unlucky from "../modules/unlucky.ts";

const URL_OF_MODULE = new URL("../modules/unlucky.ts", import.meta.url);
const PATH = URL_OF_MODULE.pathname;
const m = tasks.module(unlucky, URL_OF_MODULE);

let cluster: TestCluster;
let client: Client;

beforeAll(async () => {
  cluster = await startCluster({
    workers: 1,
    cpus: 2,
  });
  client = await cluster.connect();
});
afterAll(() => cluster[Symbol.asyncDispose]());

/** The number of the line of the module that has this text. */
async function lineOf(text: string): Promise<number> {
  const lines = (await readFile(PATH, "utf8")).split("\n");
  return 1 + lines.findIndex((line) => line.includes(text));
}

async function failureOf(task: Task<unknown>): Promise<string> {
  const future = client.submit(task);
  await expect(future.wait()).rejects.toMatchObject({ code: "task-failed", attempts: 1 });
  return future.error?.message ?? "";
}

describe("an error shows the line of the source, and nothing of ours", () => {
  test("of a function that throws, with its cause", async () => {
    const message = await failureOf(m.throwIt("no such column"));
    const line = await lineOf("throw new TypeError");
    expect(message).toContain(`TypeError: no such column\n    at throwIt (${PATH}:${line}:9)`);
    expect(message).toContain("[cause]: RangeError: the cause");
    expect(message).not.toMatch(/loom-runner|runners\/javascript/);
  });

  test("of one that is awaited", async () => {
    const line = await lineOf('new Error("later")');
    expect(await failureOf(m.throwLater())).toContain(`at throwLater (${PATH}:${line}:9)`);
  });

  test("of one that calls process.exit", async () => {
    const line = await lineOf("process.exit(code)");
    const message = await failureOf(m.exit(3));
    expect(message).toContain("process.exit(3) was called; a function must return or throw");
    expect(message).toContain(`at exit (${PATH}:${line}:11)`);
  });
});

test.each<[string, () => Task<unknown>, RegExp]>([
  ["throws text", () => m.throwText(), /the function threw 'text', which is no Error/],
  [
    "throws in a timer",
    () => m.throwInTimer(),
    /Uncaught exception.*Error: in a timer\n {4}at .*unlucky\.ts:\d+/s,
  ],
  [
    "leaves a rejection unheard",
    () => m.rejectUnheard(),
    /rejected and nobody handled.*Error: unheard/,
  ],
  ["awaits what never comes", () => m.awaitNothing(), /awaits a promise that nothing can settle/],
  ["crashes", () => m.crash(), /JavaScript process.*ended by SIGSEGV/],
  ["returns a function", () => m.returnFunction(), /no data that can be sent.*could not be cloned/],
])("a function that %s fails its attempt, and its neighbors go on", async (_, make, story) => {
  const before = client.submit([m.fine(1), m.fine(2)]);
  const message = await failureOf(make());
  expect(message).toMatch(story);
  expect(await client.gather([...before, client.submit(m.fine(3))])).toEqual([1, 2, 3]);
});

test("a function that spins does not disturb others, and ends when it is not wanted", async () => {
  const file = join(cluster.scratch, "spinning");
  const spinning = client.submit(m.spin(file));
  const pid = await expect
    .poll(() => readFile(file, "utf8").catch(() => ""))
    .not.toBe("")
    .then(() => readFile(file, "utf8"));
  expect(await client.gather(client.submit([m.fine(1), m.fine(2)]))).toEqual([1, 2]);
  spinning.release();
  await until(() => !isAlive(Number(pid)), `process ${pid} goes on`);
});

test("a call that takes too long is ended and says so", async () => {
  const spin = m.spin.with({ timeLimitMs: 200, label: "spin: 1" });
  const message = await failureOf(spin(join(cluster.scratch, "limited")));
  expect(message).toMatch(/'spin: 1'.*200 ms/s);
});

test("a runner that spins ends with its worker", async () => {
  await using own = await startCluster({ workers: 1, cpus: 1 });
  const file = join(own.scratch, "spinning");
  (await own.connect()).submit(m.spin(file));
  await expect.poll(() => readFile(file, "utf8").catch(() => "")).not.toBe("");
  const pid = Number(await readFile(file, "utf8"));
  own.workers[0]?.program.child.kill("SIGKILL");
  const startMs = performance.now();
  await until(() => !isAlive(pid), `process ${pid} goes on`);
  expect(performance.now() - startMs).toBeLessThan(500);
});

test("nothing is left behind", async () => {
  await client.close();
  const other = await cluster.connect();
  await untilNothingIsLeft(cluster, other);
  expect(findMarked(cluster.server.mark).length).toBe(1);
});

/** A process that has ended may wait for somebody to ask how. */
function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}
