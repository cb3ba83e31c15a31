import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { tasks } from "../../../src/client/index.ts";
import { startCluster } from "../../system/processes/cluster.ts";
import { expectCounts } from "../expected.ts";

const PROGRAMS = 200;
/** On a busy machine several messages are read and written at once; there is no way to share fewer. */
const TOLERANCE = { worseMax: 1.2, betterMin: 0 };

/** Reads and writes of a process so far, of whatever kind, and what it wrote. */
function countCalls(pid: number): { reads: number; writes: number } {
  const text = readFileSync(`/proc/${pid}/io`, "utf8");
  const field = (name: string): number =>
    Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(text)?.[1]);
  return { reads: field("syscr"), writes: field("syscw") };
}

/** The launcher is the worker's first child. */
function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ")[0]);
}

test("reads and writes of server, worker and launcher for a program", async () => {
  await using cluster = await startCluster({ workers: 1, cpus: 1 });
  await using client = await cluster.connect();
  // The launcher starts with the first program.
  await client.submit(tasks.run(["true"])).gather();
  const [worker] = cluster.workers;
  if (worker === undefined) throw new Error("there is no worker");
  const pids = { server: cluster.serverPid, worker: worker.pid, launcher: childOf(worker.pid) };
  const before = Object.values(pids).map(countCalls);
  // One after another, so that each is told by itself: what they share otherwise is luck.
  let last = tasks.run(["true"]);
  for (let i = 1; i < PROGRAMS; i++) last = tasks.run(["true"], { inputs: { [`in${i}`]: last } });
  await client.submit(last).wait();
  const counts: Record<string, number> = {};
  Object.entries(pids).forEach(([name, pid], i) => {
    const after = countCalls(pid);
    counts[`${name} reads`] = (after.reads - (before[i]?.reads ?? 0)) / PROGRAMS;
    counts[`${name} writes`] = (after.writes - (before[i]?.writes ?? 0)) / PROGRAMS;
    expect(after.reads).toBeGreaterThan(0);
  });
  expectCounts(`${PROGRAMS} programs, one after another`, counts, TOLERANCE);
}, 60_000);
