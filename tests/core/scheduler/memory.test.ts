import { expect, test } from "vitest";
import { CPUS } from "../../../src/core/model/symbols.ts";
import { createFakeCluster, type FakeCluster } from "./fake-cluster.ts";
import { planOfTasks, type TestTask } from "./plans.ts";

const ONE_CPU = [{ resource: CPUS, amount: 1 }];
const SECOND_US = 1e6;
const GROUPS = 20;
const SOURCES_EACH = 4;

function submit(cluster: FakeCluster, tasks: readonly TestTask[], idBase: number): void {
  const plan = planOfTasks(tasks, idBase);
  cluster.step({ kind: "plan-submitted", clientId: 1, plan, loadable: undefined });
}

/** Many that make data, and some that make one of four; all results are wanted, but made of little. */
function makersAndUsers(): TestTask[] {
  const makers = Array.from({ length: GROUPS * SOURCES_EACH }, (_, i) => ({
    type: "run" as const,
    request: ONE_CPU,
    label: `make:${i}`,
  }));
  const users = Array.from({ length: GROUPS }, (_, g) => ({
    type: "run" as const,
    request: ONE_CPU,
    label: `use:${g}`,
    inputs: Array.from({ length: SOURCES_EACH }, (_, k) => g * SOURCES_EACH + k),
    result: true,
  }));
  return [...makers, ...users];
}

const report = (isTight: boolean) => ({
  limitBytes: 1000,
  usedBytes: 0,
  spilledBytes: 0,
  isTight,
});

/** Runs all; the most objects that there were beside the results. */
function mostObjects(cluster: FakeCluster, workers: readonly number[], tellFrom: number): number {
  let most = 0;
  let isTight = false;
  for (;;) {
    const busy = workers.find((id) => (cluster.given.get(id) ?? []).length > 0);
    if (busy === undefined) break;
    cluster.finish(busy, 1, 0, SECOND_US);
    const results = cluster.finishedOf(1).length;
    const objects = cluster.state.objectCount - results;
    most = Math.max(most, objects);
    const becomesTight: boolean = isTight ? objects > tellFrom / 2 : objects > tellFrom;
    if (becomesTight === isTight) continue;
    isTight = becomesTight;
    for (const workerId of workers) {
      cluster.step({ kind: "memory-changed", workerId, report: report(isTight) });
    }
  }
  return most;
}

function startCluster(workers: readonly number[]): FakeCluster {
  const cluster = createFakeCluster();
  for (const id of workers) cluster.join(id, 2);
  submit(cluster, makersAndUsers(), 0);
  return cluster;
}

test("while workers are tight, those that use data come before those that make it", () => {
  for (const workers of [[1], [1, 2, 3]]) {
    const free = startCluster(workers);
    const most = mostObjects(free, workers, Number.POSITIVE_INFINITY);
    expect(free.finishedOf(1)).toHaveLength(GROUPS);

    const tight = startCluster(workers);
    const fewer = mostObjects(tight, workers, 12);
    expect(fewer).toBeLessThan(most);
    expect(fewer).toBeLessThan(24);
    expect(tight.finishedOf(1)).toHaveLength(GROUPS);
    expect(tight.state.memory.tight.size).toBe(0);
  }
});

test("a worker that is tight for good still gets all done", () => {
  const cluster = startCluster([1, 2]);
  cluster.step({ kind: "memory-changed", workerId: 1, report: report(true) });
  cluster.finishAll();
  expect(cluster.finishedOf(1)).toHaveLength(GROUPS);
});

test("what waits for a worker that becomes tight, and would add data, goes back to the pool", () => {
  const cluster = createFakeCluster();
  cluster.join(1, 1);
  // It is known to make much of little.
  submit(cluster, [{ type: "run", request: ONE_CPU, label: "one:1", result: true }], 0);
  cluster.finish(1, 1, 0, SECOND_US);
  const blowUp = {
    type: "run" as const,
    request: ONE_CPU,
    label: "blow:1",
    inputs: [0],
    result: true,
  };
  submit(cluster, [blowUp, blowUp, blowUp, blowUp, blowUp, blowUp], 1);
  cluster.finish(1, 1, 0, SECOND_US);
  const [worker] = cluster.state.workers.values();
  expect(worker?.backlogTasks).toBeGreaterThan(0);
  cluster.step({ kind: "memory-changed", workerId: 1, report: report(true) });
  expect(worker?.backlogTasks).toBe(0);
  cluster.step({ kind: "worker-lost", workerId: 1 });
  expect(cluster.state.memory.reports.size).toBe(0);
  cluster.join(2, 1);
  cluster.finishAll();
  expect(cluster.finishedOf(1)).toHaveLength(7);
});
