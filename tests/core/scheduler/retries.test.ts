import { describe, expect, test } from "vitest";
import { bitOf, type TaskFailure } from "../../../src/core/model/failures.ts";
import { DEFAULT_POLICY } from "../../../src/core/model/policies.ts";
import { explainTask } from "../../../src/core/scheduler/explain/explain-task.ts";
import { nextDueAtMs } from "../../../src/core/scheduler/retries.ts";
import { createFakeCluster, type FakeCluster } from "./fake-cluster.ts";
import { planOfTasks, type TestTask } from "./plans.ts";

const BROKEN: TaskFailure = { message: "it is broken\nStderr: long", kind: "program-failed" };

function submit(cluster: FakeCluster, tasks: readonly TestTask[]): void {
  const plan = planOfTasks(tasks);
  cluster.step({ kind: "plan-submitted", clientId: 1, plan, loadable: undefined });
}

function clusterWith(policy: TestTask["policy"], more: readonly TestTask[] = []): FakeCluster {
  const cluster = createFakeCluster();
  cluster.join(1);
  submit(cluster, [
    { type: "const", result: more.length === 0, ...(policy && { policy }) },
    ...more,
  ]);
  return cluster;
}

const givenTo = (cluster: FakeCluster, workerId: number): number[] =>
  (cluster.given.get(workerId) ?? []).map(({ clientTask }) => clientTask);

/** How long the next one waits from now on. */
const waitMs = ({ state }: FakeCluster): number => (nextDueAtMs(state) ?? 0) - state.nowMs;

test("a task without a policy is tried once", () => {
  const cluster = clusterWith(undefined);
  cluster.fail(1, 0, BROKEN);
  expect(cluster.failuresOf(1)).toMatchObject([{ failure: BROKEN, attempts: 1 }]);
  expect(nextDueAtMs(cluster.state)).toBeUndefined();
});

test("a task that may be tried again is, after a wait, and its consumers go on", () => {
  const cluster = clusterWith({ attemptsMax: 2, backoffMs: 1_000 }, [
    { inputs: [0], result: true },
  ]);
  cluster.fail(1, 0, BROKEN);
  expect(givenTo(cluster, 1)).toEqual([]);
  expect(waitMs(cluster)).toBeGreaterThanOrEqual(1_000);
  expect(waitMs(cluster)).toBeLessThan(1_250);
  cluster.wait(900);
  expect(givenTo(cluster, 1)).toEqual([]);
  cluster.wait(400);
  expect(givenTo(cluster, 1)).toContain(0);
  cluster.finishAll();
  expect(cluster.finishedOf(1)).toEqual([1]);
  expect(cluster.failuresOf(1)).toEqual([]);
  expect(cluster.state.counters.tasksRetried).toBe(1);
});

test("waits grow up to their cap, and the failure tells the whole story", () => {
  const cluster = clusterWith({
    attemptsMax: 5,
    backoffMs: 100,
    backoffFactor: 3,
    backoffMsMax: 500,
  });
  for (const leastMs of [100, 300, 500, 500]) {
    cluster.fail(1, 0, BROKEN);
    expect(waitMs(cluster)).toBeGreaterThanOrEqual(leastMs);
    expect(waitMs(cluster)).toBeLessThanOrEqual(leastMs * 1.25);
    cluster.wait(leastMs * 1.25 + 1);
  }
  cluster.fail(1, 0, { message: "the last straw" });
  const [told] = cluster.failuresOf(1);
  expect(told).toMatchObject({ attempts: 5, failure: { message: "the last straw" } });
  expect(told?.failure.story).toEqual(
    [1, 2, 3, 4].map((attempt) => `Attempt ${attempt} on host:1: program-failed: it is broken`),
  );
});

test("only the kinds that are named are tried again", () => {
  const cluster = clusterWith({
    attemptsMax: 9,
    backoffMs: 0,
    retriedKinds: bitOf("timed-out") | bitOf("out-of-memory"),
  });
  cluster.fail(1, 0, { message: "slow", kind: "timed-out" });
  expect(givenTo(cluster, 1)).toEqual([0]);
  cluster.fail(1, 0, BROKEN);
  expect(cluster.failuresOf(1)).toMatchObject([{ failure: { kind: "program-failed" } }]);
});

test("the policy of the plan holds for tasks that have none", () => {
  const cluster = createFakeCluster();
  cluster.join(1);
  const plan = planOfTasks(
    [
      { type: "const", result: true },
      { type: "const", result: true, policy: { attemptsMax: 1 } },
    ],
    0,
    { defaultPolicy: { ...DEFAULT_POLICY, attemptsMax: 3, backoffMs: 0 } },
  );
  cluster.step({ kind: "plan-submitted", clientId: 1, plan, loadable: undefined });
  cluster.fail(1, 0, BROKEN);
  expect(givenTo(cluster, 1)).toContain(0);
  cluster.fail(1, 1, BROKEN);
  expect(cluster.failuresOf(1)).toMatchObject([{ clientTask: 1, attempts: 1 }]);
});

test("a lost worker takes no attempt away", () => {
  const cluster = clusterWith({ attemptsMax: 2, backoffMs: 0 });
  for (const workerId of [2, 3]) {
    cluster.step({ kind: "worker-lost", workerId: workerId - 1 });
    cluster.join(workerId);
  }
  cluster.fail(3, 0, BROKEN);
  expect(givenTo(cluster, 3)).toEqual([0]);
});

describe("while a task waits for its next attempt", () => {
  const waiting = (): FakeCluster => {
    const cluster = clusterWith({ attemptsMax: 2, backoffMs: 1_000 });
    cluster.fail(1, 0, BROKEN);
    return cluster;
  };

  test("explain says so", () => {
    const { text, state, retry } = explainTask(waiting().state, 0);
    expect(state).toBe("waiting");
    expect(retry?.inMs).toBeGreaterThan(900);
    expect(text).toMatch(/It waits for 1\.\d s before it is tried again\./);
    expect(text).toMatch(/Attempt 1 on host:1: program-failed: it is broken/);
  });

  test("its release ends it", () => {
    const cluster = waiting();
    cluster.step({ kind: "results-released", clientId: 1, clientTasks: Int32Array.of(0) });
    expect(nextDueAtMs(cluster.state)).toBeUndefined();
    expect(cluster.state.tasks.liveCount).toBe(0);
    // The next task in its row knows nothing of it.
    submit(cluster, [{ type: "const", result: true }]);
    cluster.wait(2_000);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([0]);
  });

  test("the loss of an input makes it wait for that too", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, [
      { type: "const" },
      { inputs: [0], result: true, policy: { attemptsMax: 2, backoffMs: 1_000 } },
    ]);
    cluster.finish(1);
    cluster.fail(1, 1, BROKEN);
    cluster.join(2);
    cluster.step({ kind: "worker-lost", workerId: 1 });
    cluster.wait(2_000);
    expect(givenTo(cluster, 2)).not.toContain(1);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([1]);
  });
});
