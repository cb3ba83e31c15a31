import { describe, expect, test } from "vitest";
import type { SchedulerCommand } from "../../../src/core/scheduler/commands.ts";
import { createFakeCluster, type FakeCluster, finishedTasks } from "./fake-cluster.ts";
import { planOfTasks, type TestTask } from "./plans.ts";

const CPU = [{ resource: 6, amount: 1 }];

/** One client that is told of canceled results, and one worker. */
function createCluster(options: Parameters<typeof createFakeCluster>[0] = {}): FakeCluster {
  const cluster = createFakeCluster(options);
  cluster.step({ kind: "client-joined", clientId: 1, takesCarried: false, takesCanceled: true });
  cluster.join(1);
  return cluster;
}

const submit = (cluster: FakeCluster, tasks: readonly TestTask[], idBase = 0): SchedulerCommand[] =>
  cluster.step({
    kind: "plan-submitted",
    clientId: 1,
    plan: planOfTasks(tasks, idBase),
    loadable: undefined,
  });

const cancel = (
  cluster: FakeCluster,
  clientTasks: readonly number[],
  isWholePlan = false,
): SchedulerCommand[] =>
  cluster.step({
    kind: "tasks-canceled",
    clientId: 1,
    clientTasks: Int32Array.from(clientTasks),
    isWholePlan,
  });

const canceledOf = (commands: readonly SchedulerCommand[]): number[] =>
  commands.flatMap((command) =>
    command.kind === "notify-canceled" ? [...command.clientTasks] : [],
  );

const kindsOf = (commands: readonly SchedulerCommand[]): string[] =>
  commands.map(({ kind }) => kind);

const failuresOf = (commands: readonly SchedulerCommand[]): string[] =>
  commands.flatMap((command) =>
    command.kind === "notify-failed" ? [command.failure.message] : [],
  );

describe("canceled tasks", () => {
  test("what runs is ended gracefully, and what needs it goes with it", () => {
    const cluster = createCluster({ givesAhead: false });
    submit(cluster, [
      { type: "run", request: CPU, result: true },
      { inputs: [0], result: true },
      { type: "run", request: CPU, result: true },
    ]);
    const [first] = cluster.given.get(1) ?? [];
    const commands = cancel(cluster, [0]);
    expect(commands).toContainEqual({
      kind: "cancel-gracefully",
      workerId: 1,
      refs: { tasks: Uint32Array.of(first?.task ?? 0), attempts: Uint32Array.of(1) },
    });
    expect(canceledOf(commands)).toEqual([0, 1]);
    // The rest of the plan goes on.
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([2]);
    expect(cluster.state.tasks.liveCount).toBe(1);
  });

  test("what was run for them alone is ended too; what others need goes on", () => {
    const cluster = createCluster({ givesAhead: false });
    submit(cluster, [
      { type: "run", request: CPU },
      { type: "run", request: CPU },
      { inputs: [0], result: true },
      { inputs: [1], result: true },
      { inputs: [1], result: true },
    ]);
    const commands = cancel(cluster, [2, 3]);
    expect(canceledOf(commands)).toEqual([2, 3]);
    expect(kindsOf(commands)).toEqual(["cancel-gracefully", "notify-canceled"]);
    expect(cluster.given.get(1)?.map(({ clientTask }) => clientTask)).toEqual([1]);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([4]);
  });

  test("consumers in later plans are canceled too, and each result is told once", () => {
    const cluster = createCluster();
    submit(cluster, [{ type: "run", request: CPU, result: true }]);
    submit(
      cluster,
      [
        { inputs: [0], result: true },
        { inputs: [0, 10], result: true },
      ],
      10,
    );
    expect(canceledOf(cancel(cluster, [0, 10]))).toEqual([0, 10, 11]);
    expect(cluster.state.tasks.liveCount).toBe(0);
    // To release what was canceled is no mistake, and to cancel it again does nothing.
    const again = cancel(cluster, [0, 10, 11]);
    const released = cluster.step({
      kind: "results-released",
      clientId: 1,
      clientTasks: Int32Array.of(0, 10, 11),
    });
    expect([...again, ...released]).toEqual([]);
  });

  test("what is finished stays, and what needs it goes on", () => {
    const cluster = createCluster();
    submit(cluster, [
      { type: "const", result: true },
      { type: "run", request: CPU, inputs: [0], result: true },
    ]);
    cluster.finish(1);
    expect(cluster.finishedOf(1)).toEqual([0]);
    expect(cancel(cluster, [0])).toEqual([]);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([0, 1]);
  });

  test("a plan is canceled whole, but for what is finished", () => {
    const cluster = createCluster();
    submit(cluster, [
      { type: "const", result: true },
      { type: "run", request: CPU, inputs: [0] },
      { inputs: [1], result: true },
      { type: "run", request: CPU, result: true },
    ]);
    cluster.finish(1);
    expect(canceledOf(cancel(cluster, [3], true))).toEqual([2, 3]);
    expect(cluster.state.tasks.liveCount).toBe(1);
    submit(cluster, [{ inputs: [0], result: true }], 10);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([0, 10]);
  });

  test("a plan that uses a canceled result is refused", () => {
    const cluster = createCluster();
    submit(cluster, [{ type: "run", request: CPU, result: true }]);
    cancel(cluster, [0]);
    const commands = submit(cluster, [{ inputs: [0], result: true }], 10);
    expect(kindsOf(commands)).toEqual(["refuse"]);
  });

  test("a report that crossed the cancelation is ignored, and its object dropped", () => {
    const cluster = createCluster();
    submit(cluster, [{ type: "run", request: CPU, result: true }]);
    const done = cluster.given.get(1) ?? [];
    cancel(cluster, [0]);
    const commands = cluster.step({
      kind: "tasks-finished",
      workerId: 1,
      finished: finishedTasks(done),
    });
    expect(kindsOf(commands)).toEqual(["drop"]);
  });

  test("so is what was retracted, and what was lost", () => {
    const cluster = createCluster();
    submit(cluster, [{ type: "run", request: CPU, result: true }]);
    const [given] = cluster.given.get(1) ?? [];
    cancel(cluster, [0]);
    const refs = {
      tasks: Uint32Array.of(given?.task ?? 0),
      attempts: Uint32Array.of(given?.attempt ?? 0),
    };
    expect(cluster.step({ kind: "tasks-returned", workerId: 1, refs })).toEqual([]);
    expect(cluster.step({ kind: "worker-lost", workerId: 1 })).toEqual([]);
  });

  test("what was given ahead is taken back with what it waits for", () => {
    const cluster = createCluster();
    submit(cluster, [{ type: "const" }, { inputs: [0] }, { inputs: [1], result: true }]);
    expect(cluster.given.get(1)).toHaveLength(3);
    expect(canceledOf(cancel(cluster, [2]))).toEqual([2]);
    expect(cluster.given.get(1)).toEqual([]);
    expect(cluster.state.tasks.liveCount).toBe(0);
  });

  test("when its client leaves, nothing has time to end any more", () => {
    const cluster = createCluster();
    submit(cluster, [{ type: "run", request: CPU, result: true }]);
    const ended = cancel(cluster, [0]).find(({ kind }) => kind === "cancel-gracefully");
    const commands = cluster.step({ kind: "client-left", clientId: 1 });
    expect(commands).toEqual([{ ...ended, kind: "cancel" }]);
  });

  test("a client that knows nothing of canceled results is told that their plan failed", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, [
      { type: "run", request: CPU, result: true },
      { type: "run", request: CPU, result: true },
    ]);
    const commands = cancel(cluster, [1]);
    expect(failuresOf(commands)).toEqual(["Task was canceled"]);
    expect(cluster.state.tasks.liveCount).toBe(0);
  });

  test("so is one of whose plan chunks are still to come", () => {
    const cluster = createCluster();
    cluster.step({ kind: "plan-begun", clientId: 1, idBase: 0, taskCount: 2 });
    const plan = planOfTasks([{ type: "run", request: CPU, result: true }]);
    cluster.step({ kind: "plan-extended", clientId: 1, plan });
    expect(failuresOf(cancel(cluster, [0]))).toEqual(["Task was canceled"]);
  });

  test("many take many steps, and what their client sends meanwhile waits for its turn", () => {
    const cluster = createCluster({ options: { workPerStep: 20 } });
    const width = 50;
    submit(
      cluster,
      Array.from({ length: 2 * width }, (_, i) =>
        i < width ? { type: "run", request: CPU } : { inputs: [i - width], result: true },
      ),
    );
    const clientTasks = Int32Array.from({ length: width }, (_, i) => width + i);
    const commands = cluster.stepOnce({
      kind: "tasks-canceled",
      clientId: 1,
      clientTasks,
      isWholePlan: false,
    });
    commands.push(...submit(cluster, [{ inputs: [2 * width - 1], result: true }], 1000));
    expect(canceledOf(commands)).toEqual([...clientTasks]);
    expect(kindsOf(commands).filter((kind) => kind === "refuse")).toHaveLength(1);
    expect(kindsOf(commands).filter((kind) => kind === "notify-canceled").length).toBeGreaterThan(
      2,
    );
    expect(cluster.state.tasks.liveCount).toBe(0);
  });

  test("a client that leaves in the middle takes all with it", () => {
    const cluster = createCluster({ options: { workPerStep: 20 } });
    const tasks: TestTask[] = Array.from({ length: 50 }, () => ({
      type: "run",
      request: CPU,
      result: true,
    }));
    submit(cluster, tasks);
    cluster.stepOnce({
      kind: "tasks-canceled",
      clientId: 1,
      clientTasks: Int32Array.from(tasks, (_, i) => i),
      isWholePlan: false,
    });
    cluster.step({ kind: "client-left", clientId: 1 });
    expect(cluster.state.tasks.liveCount).toBe(0);
    expect(cluster.state.clients.size).toBe(0);
  });
});
