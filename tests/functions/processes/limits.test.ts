import { existsSync, readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Client, type Future, type Task, tasks } from "../../../src/client/index.ts";
import { startCluster, untilNothingIsLeft } from "../../system/processes/cluster.ts";
import * as watched from "../modules/watched.ts";
import { PYTHON } from "./python/interpreter.ts";
import { pythonFunction } from "./python/python-calls.ts";
import { WATCHED } from "./python/watched.ts";

const PLAN_TASKS = 50;

const javascript = tasks.module(watched, new URL("../modules/watched.ts", import.meta.url));
const pythonWork = pythonFunction(WATCHED, "work");
const pythonPass = pythonFunction(WATCHED, "pass_on");

type Timed = {
  readonly language: "javascript" | "python" | "program";
  readonly cpus: number;
  readonly task: Task<Buffer> | Task<watched.Span>;
};
type Ran = Omit<Timed, "task"> & { readonly span: watched.Span };

/** So many tasks in turn of both languages, and now and then a program, or one that needs two cpus. */
function mix(count: number, cpus: number): Timed[] {
  return Array.from({ length: count }, (_, i) => {
    const durationMs = 3 + (i % 3);
    const needed = i % 25 === 1 ? Math.min(2, cpus) : 1;
    const resources = { cpus: needed };
    if (i % 10 === 0) {
      const script = `a=$(date +%s%N); sleep 0.00${durationMs}; echo "$a $(date +%s%N) $$"`;
      const task = tasks.run(["sh", "-c", script], { resources });
      return { language: "program", cpus: needed, task };
    }
    return i % 2 === 0
      ? {
          language: "javascript",
          cpus: needed,
          task: javascript.work.with({ resources })(durationMs),
        }
      : {
          language: "python",
          cpus: needed,
          task: pythonWork({ args: [durationMs], resources }),
        };
  });
}

/** Many plans: those of one type in a plan may run before the others. */
async function runAll(client: Client, timed: readonly Timed[]): Promise<Ran[]> {
  const futures: Future<unknown>[] = [];
  for (let i = 0; i < timed.length; i += PLAN_TASKS) {
    futures.push(...client.submit(timed.slice(i, i + PLAN_TASKS).map(({ task }) => task)));
  }
  const values = await client.gather(futures);
  return timed.map(({ language, cpus }, i) => ({ language, cpus, span: spanOf(values[i]) }));
}

function spanOf(value: unknown): watched.Span {
  if (!Buffer.isBuffer(value)) return value as watched.Span;
  const text = value.toString();
  if (text.startsWith("[")) return JSON.parse(text) as watched.Span;
  const [startNs = "", endNs = "", pid] = text.split(" ");
  return [Number(startNs) / 1e6, Number(endNs) / 1e6, Number(pid)];
}

/** The most at one time: of cpus that were held, of tasks, and of their languages. */
function findPeak(ran: readonly Ran[]): { cpus: number; tasks: number; languages: number } {
  const events = ran.flatMap((one) => [
    { timeMs: one.span[0], isStart: true, one },
    { timeMs: one.span[1], isStart: false, one },
  ]);
  // At the same time, ends come first.
  events.sort((a, b) => a.timeMs - b.timeMs || Number(a.isStart) - Number(b.isStart));
  const running = new Set<Ran>();
  const peak = { cpus: 0, tasks: 0, languages: 0 };
  for (const { isStart, one } of events) {
    if (isStart) running.add(one);
    else running.delete(one);
    const languages = new Set([...running].map(({ language }) => language));
    const cpus = [...running].reduce((sum, other) => sum + other.cpus, 0);
    peak.cpus = Math.max(peak.cpus, cpus);
    peak.tasks = Math.max(peak.tasks, running.size);
    peak.languages = Math.max(peak.languages, languages.size);
  }
  return peak;
}

test.each([1, 2, 4])(
  "1,000 functions and programs on %i cpus keep to them",
  async (cpus) => {
    await using cluster = await startCluster({
      workers: 1,
      cpus,
      workerArgs: ["--python", PYTHON],
    });
    const client = await cluster.connect();
    const ran = await runAll(client, mix(1000, cpus));
    expect(ran.filter(({ span: [startMs, endMs] }) => !(startMs < endMs))).toEqual([]);
    const peak = findPeak(ran);
    expect(peak.cpus).toBeLessThanOrEqual(cpus);
    expect(peak.tasks).toBeGreaterThanOrEqual(Math.min(2, cpus));
    expect(peak.languages).toBeGreaterThanOrEqual(Math.min(2, cpus));
    for (const language of ["javascript", "python"]) {
      const pids = new Set(
        ran.filter((one) => one.language === language).map(({ span }) => span[2]),
      );
      expect(pids.size, language).toBeGreaterThan(0);
      expect(pids.size, language).toBeLessThanOrEqual(cpus);
    }
    await client.close();
    await untilNothingIsLeft(cluster, await cluster.connect());
  },
  60_000,
);

test("eight runners that start at once let the worker answer, and others' tasks go on", async () => {
  await using cluster = await startCluster({
    workers: 1,
    cpus: 9,
    workerArgs: ["--python", PYTHON],
  });
  const client = await cluster.connect();
  const other = await cluster.connect();
  const [before] = (await other.status()).workers;
  const hold = join(cluster.scratch, "hold");
  await writeFile(hold, "");
  const input = tasks.const("12345");
  const files = Array.from({ length: 8 }, (_, i) => join(cluster.scratch, `running-${i}`));
  const held = client.submit(
    files.map((file, i) =>
      i % 2 === 0
        ? javascript.pass(file, hold, input)
        : pythonPass({ args: [file, hold], inputs: [input] }),
    ),
  );
  let isBusy = false;
  let longestMs = 0;
  // Until all of them run, and then some more: they spin, on fewer cpus than they were promised.
  for (let i = 0, more = 0; more < 20; i += 1) {
    const startMs = performance.now();
    const echoed = await other.submit(tasks.run(["echo", String(i)])).gather();
    expect(echoed.toString()).toBe(`${i}\n`);
    longestMs = Math.max(longestMs, performance.now() - startMs);
    isBusy ||= files.every((file) => existsSync(file));
    if (isBusy) more += 1;
  }
  const pids = files.map((file) => readFileSync(file, "utf8").split(" ")[0]);
  expect(new Set(pids).size).toBe(8);
  // The server gives up a worker that is silent for longer.
  expect(longestMs).toBeLessThan(5_000);
  const status = await other.status();
  expect(status.workers).toHaveLength(1);
  expect(status.workers[0]).toMatchObject({ id: before?.id, tasksRunning: 8 });
  await rm(hold);
  expect(await client.gather(held)).toEqual(files.map(() => Buffer.alloc(5, 1)));
  await client.close();
  await untilNothingIsLeft(cluster, other);
}, 60_000);
