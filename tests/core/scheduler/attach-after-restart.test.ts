import { expect, test } from "vitest";
import { Uint32List } from "../../../src/core/base/columns.ts";
import { HELD_STARTED } from "../../../src/core/model/batches.ts";
import { createFakeCluster, type FakeCluster, finishedTasks } from "./fake-cluster.ts";
import { attached } from "./held.ts";
import { planOfTasks, type TestTask } from "./plans.ts";

/** A server that waits for these workers, with a plan of which nothing is there so far. */
function restored(tasks: readonly TestTask[], missing: readonly number[]): FakeCluster {
  const cluster = createFakeCluster({ check: false });
  cluster.step({
    kind: "plan-submitted",
    clientId: 1,
    plan: planOfTasks(tasks, 0),
    loadable: undefined,
  });
  // As attempts of a server before.
  cluster.state.tasks.attempt.fill(50);
  cluster.state.recovery = {
    missing: new Set(missing),
    untilMs: 1_000_000,
    readied: new Uint32List(),
    expansions: new Uint32List(),
    heldTasks: [],
    reports: [],
    failed: new Map(),
  };
  return cluster;
}

const canceled = (cluster: FakeCluster) =>
  cluster.commands.filter(({ kind }) => kind === "cancel").length;

test("what runs goes on, though its input is at a worker that comes later", () => {
  const cluster = restored([{ type: "const" }, { type: "run", inputs: [0], result: true }], [1, 2]);
  const running = { task: 1, attempt: 7, flags: HELD_STARTED, inputAttempts: [5] };
  cluster.step(attached(1, [], [running]));
  expect(canceled(cluster)).toBe(0);
  cluster.step(attached(2, [{ task: 0, attempt: 5 }]));
  expect(canceled(cluster)).toBe(0);
  expect(cluster.state.counters.tasksAssigned).toBe(0);
  const finished = finishedTasks([{ task: 1, attempt: 7, clientTask: 1 }]);
  cluster.step({ kind: "tasks-finished", workerId: 1, finished });
  expect(cluster.finishedOf(1)).toEqual([1]);
});

test("what ends while others are waited for counts", () => {
  const cluster = restored([{ type: "run", result: true }], [1, 2]);
  cluster.step(attached(1, [], [{ task: 0, attempt: 7, flags: HELD_STARTED }]));
  const finished = finishedTasks([{ task: 0, attempt: 7, clientTask: 0 }]);
  cluster.step({ kind: "tasks-finished", workerId: 1, finished });
  expect(cluster.finishedOf(1)).toEqual([]);
  cluster.step(attached(2, []));
  expect(cluster.finishedOf(1)).toEqual([0]);
  expect(cluster.state.counters.tasksAssigned).toBe(0);
});
