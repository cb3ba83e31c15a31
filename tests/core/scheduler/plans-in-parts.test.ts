import { describe, expect, test } from "vitest";
import type { SchedulerCommand } from "../../../src/core/scheduler/commands.ts";
import { hasWork } from "../../../src/core/scheduler/step.ts";
import { createFakeCluster, type FakeCluster } from "./fake-cluster.ts";
import { planOfTasks, type TestTask } from "./plans.ts";

const CLIENT = 1;

/** So many tasks without inputs, and one that needs them all. */
function fanIn(count: number): TestTask[] {
  const tasks: TestTask[] = Array.from({ length: count }, () => ({}));
  tasks.push({ inputs: tasks.map((_, i) => i), result: true });
  return tasks;
}

function submit(cluster: FakeCluster, tasks: readonly TestTask[]): SchedulerCommand[] {
  const plan = planOfTasks(tasks);
  return cluster.stepOnce({ kind: "plan-submitted", clientId: CLIENT, plan, loadable: undefined });
}

/** Goes on until nothing is left to do; the most rows that one step added or freed. */
function mostRowsOfStep(cluster: FakeCluster, first: () => void): number {
  const { tasks } = cluster.state;
  let most = 0;
  let before = tasks.liveCount;
  const look = (): void => {
    most = Math.max(most, Math.abs(tasks.liveCount - before));
    before = tasks.liveCount;
  };
  first();
  look();
  while (hasWork(cluster.state)) {
    cluster.stepOnce({ kind: "work-continued" });
    look();
  }
  return most;
}

describe("no step works on much of a large plan", () => {
  const COUNT = 100_000;
  const LIMIT = 16_384;
  const open = (): FakeCluster => {
    const cluster = createFakeCluster({ check: false });
    expect(mostRowsOfStep(cluster, () => submit(cluster, fanIn(COUNT)))).toBeLessThanOrEqual(LIMIT);
    expect(cluster.state.tasks.liveCount).toBe(COUNT + 1);
    return cluster;
  };

  test("when it is submitted and when its client leaves", () => {
    const cluster = open();
    const leave = (): void => {
      cluster.stepOnce({ kind: "client-left", clientId: CLIENT });
    };
    expect(mostRowsOfStep(cluster, leave)).toBeLessThanOrEqual(LIMIT);
    expect(cluster.state.tasks.liveCount).toBe(0);
  });

  test("when its result is released", () => {
    const cluster = open();
    const release = (): void => {
      const clientTasks = Int32Array.of(COUNT);
      cluster.stepOnce({ kind: "results-released", clientId: CLIENT, clientTasks });
    };
    expect(mostRowsOfStep(cluster, release)).toBeLessThanOrEqual(LIMIT);
    expect(cluster.state.tasks.liveCount).toBe(0);
    expect(cluster.state.tasks.capacity).toBe(0);
  });
});

describe("while a plan is taken over", () => {
  test("nothing of it runs, and what its client asks for waits in its order", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, fanIn(20_000));
    expect(hasWork(cluster.state)).toBe(true);
    const clientTasks = Int32Array.of(20_000);
    const early = cluster.stepOnce({ kind: "results-released", clientId: CLIENT, clientTasks });
    expect(early).toEqual([]);
    expect(cluster.given.get(1) ?? []).toEqual([]);
    cluster.step({ kind: "work-continued" });
    expect(cluster.commands.filter(({ kind }) => kind === "refuse")).toEqual([]);
    expect(cluster.state.tasks.liveCount).toBe(0);
  }, 60_000);

  test("it can be refused, of which nothing stays", () => {
    const cluster = createFakeCluster({ check: false });
    cluster.join(1);
    submit(cluster, [...fanIn(20_000), { inputs: [77_777] }]);
    cluster.step({ kind: "work-continued" });
    expect(cluster.commands.filter(({ kind }) => kind !== "notify-notice")).toMatchObject([
      { kind: "refuse", planIdBase: 0 },
    ]);
    expect(cluster.state.tasks.liveCount).toBe(0);
    expect(cluster.state.plans.size).toBe(0);
  });
});

describe("a plan in chunks", () => {
  const begin = (taskCount: number): FakeCluster => {
    const cluster = createFakeCluster();
    cluster.join(1);
    cluster.step({ kind: "plan-begun", clientId: CLIENT, idBase: 0, taskCount });
    return cluster;
  };
  const extend = (cluster: FakeCluster, tasks: readonly TestTask[], idBase: number): void => {
    const plan = {
      ...planOfTasks(tasks, idBase),
      priorities: Int32Array.from(tasks, () => 2),
      consumerCounts: Uint32Array.from(tasks, () => 1),
    };
    cluster.step({ kind: "plan-extended", clientId: CLIENT, plan });
  };

  test("runs from its first chunk on, and is told of once it is complete", () => {
    const cluster = begin(4);
    extend(cluster, [{}, { result: true }], 0);
    cluster.finish(1, 2);
    expect(cluster.state.counters.tasksFinished).toBe(2);
    expect(cluster.finishedOf(CLIENT)).toEqual([]);
    // What nobody uses so far is kept: its users may come.
    extend(cluster, [{ inputs: [0, 1] }, { inputs: [2, 0], result: true }], 2);
    cluster.step({ kind: "plan-completed", clientId: CLIENT });
    expect(cluster.finishedOf(CLIENT)).toEqual([1]);
    cluster.finishAll();
    expect(cluster.finishedOf(CLIENT)).toEqual([1, 3]);
    cluster.step({ kind: "results-released", clientId: CLIENT, clientTasks: Int32Array.of(1, 3) });
    expect(cluster.state.tasks.liveCount).toBe(0);
  });

  test("has its trivial tasks on one worker while their consumer is not known", () => {
    const cluster = begin(9);
    cluster.join(2);
    extend(
      cluster,
      Array.from({ length: 4 }, () => ({ type: "const" as const })),
      0,
    );
    extend(
      cluster,
      Array.from({ length: 4 }, () => ({ type: "const" as const })),
      4,
    );
    extend(cluster, [{ inputs: [0, 1, 2, 3, 4, 5, 6, 7], result: true }], 8);
    const counts = [1, 2].map((worker) => cluster.given.get(worker)?.length ?? 0);
    expect(counts.sort((a, b) => a - b)).toEqual([0, expect.any(Number)]);
    cluster.step({ kind: "plan-completed", clientId: CLIENT });
    cluster.finishAll();
    expect(cluster.finishedOf(CLIENT)).toEqual([8]);
  });

  test("gets more room for consumers than were announced", () => {
    const cluster = begin(41);
    extend(cluster, [{ result: true }], 0);
    extend(
      cluster,
      Array.from({ length: 40 }, () => ({ inputs: [0], result: true })),
      1,
    );
    cluster.step({ kind: "plan-completed", clientId: CLIENT });
    cluster.finishAll();
    expect(cluster.finishedOf(CLIENT)).toHaveLength(41);
  });

  test.each([
    [
      "names an input that does not exist",
      (cluster: FakeCluster) => extend(cluster, [{ inputs: [9] }], 2),
    ],
    ["leaves ids out", (cluster: FakeCluster) => extend(cluster, [{}], 3)],
    ["is too large", (cluster: FakeCluster) => extend(cluster, [{}, {}, {}], 2)],
    [
      "is missing",
      (cluster: FakeCluster) => cluster.step({ kind: "plan-completed", clientId: CLIENT }),
    ],
    [
      "could not be read",
      (cluster: FakeCluster) =>
        cluster.step({ kind: "plan-refused", clientId: CLIENT, message: "bad" }),
    ],
  ])("is refused when a later one %s; what began is canceled and never told", (_, spoil) => {
    const cluster = begin(4);
    extend(cluster, [{ result: true }, { result: true }], 0);
    cluster.finish(1, 1);
    spoil(cluster);
    extend(cluster, [{}, {}], 2);
    cluster.step({ kind: "plan-completed", clientId: CLIENT });
    expect(cluster.commands.filter(({ kind }) => kind === "refuse")).toHaveLength(1);
    expect(cluster.commands.filter(({ kind }) => kind === "cancel")).toHaveLength(1);
    expect(cluster.finishedOf(CLIENT)).toEqual([]);
    expect(cluster.state.tasks.liveCount).toBe(0);
    expect(cluster.state.plans.size).toBe(0);
    // The ids are free again, and to release them is no mistake.
    cluster.step({ kind: "results-released", clientId: CLIENT, clientTasks: Int32Array.of(0, 3) });
    expect(cluster.commands.filter(({ kind }) => kind === "refuse")).toHaveLength(1);
  });

  test("leaves nothing behind when its client leaves between two chunks", () => {
    const cluster = begin(4);
    extend(cluster, [{ result: true }, {}], 0);
    cluster.finish(1, 1);
    cluster.step({ kind: "client-left", clientId: CLIENT });
    expect(cluster.state.tasks.liveCount).toBe(0);
    expect(cluster.state.plans.size).toBe(0);
    expect(cluster.state.objectCount).toBe(0);
  });

  test("fails once, with whatever comes after", () => {
    const cluster = begin(3);
    extend(cluster, [{}, {}], 0);
    const [first] = cluster.given.get(1) ?? [];
    cluster.step({
      kind: "task-failed",
      workerId: 1,
      task: first?.task ?? -1,
      attempt: first?.attempt ?? -1,
      failure: { message: "no" },
    });
    extend(cluster, [{ result: true }], 2);
    cluster.step({ kind: "plan-completed", clientId: CLIENT });
    expect(cluster.commands.filter(({ kind }) => kind === "notify-failed")).toHaveLength(1);
    expect(cluster.commands.filter(({ kind }) => kind === "refuse")).toEqual([]);
    expect(cluster.state.tasks.liveCount).toBe(0);
  });
});
