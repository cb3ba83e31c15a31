import { describe, expect, test } from "vitest";
import { TASK_TYPE } from "../../../src/core/model/symbols.ts";
import { explainTask } from "../../../src/core/scheduler/explain/explain-task.ts";
import { FAILED } from "../../../src/core/scheduler/task-table.ts";
import { createFakeCluster, type FakeCluster } from "./fake-cluster.ts";
import { planOfTasks, type TestTask } from "./plans.ts";

const KEEP_GOING = { isKeepGoing: true } as const;

function submit(
  cluster: FakeCluster,
  tasks: readonly TestTask[],
  { idBase = 0, keepsGoing = true }: { idBase?: number; keepsGoing?: boolean } = {},
): void {
  const plan = planOfTasks(tasks, idBase, keepsGoing ? KEEP_GOING : undefined);
  cluster.step({ kind: "plan-submitted", clientId: 1, plan, loadable: undefined });
}

function clusterWith(tasks: readonly TestTask[], keepsGoing = true): FakeCluster {
  const cluster = createFakeCluster({ givesAhead: false });
  cluster.join(1);
  submit(cluster, tasks, { keepsGoing });
  return cluster;
}

const told = (cluster: FakeCluster) =>
  cluster.failuresOf(1).map(({ clientTask, failure, cause, planGoesOn = false }) => ({
    clientTask,
    kind: failure.kind ?? "error",
    cause,
    planGoesOn,
  }));

const release = (cluster: FakeCluster, ...ids: number[]) =>
  cluster.step({ kind: "results-released", clientId: 1, clientTasks: Int32Array.from(ids) });

describe("of a plan that keeps going", () => {
  test("only what needs the failed task fails, each result with its cause", () => {
    const cluster = clusterWith([
      { type: "const" },
      { type: "const" },
      { inputs: [0], result: true },
      { inputs: [1], result: true },
      { inputs: [2, 3], result: true },
      { inputs: [3], result: true },
    ]);
    cluster.fail(1, 0);
    expect(told(cluster)).toEqual([
      { clientTask: 0, kind: "error", cause: undefined, planGoesOn: true },
      { clientTask: 2, kind: "input-failed", cause: 0, planGoesOn: true },
      { clientTask: 4, kind: "input-failed", cause: 0, planGoesOn: true },
    ]);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([3, 5]);
    release(cluster, 2, 3, 4, 5);
    expect(cluster.state.tasks.liveCount).toBe(0);
    expect(cluster.state.keepGoingPlans).toBe(0);
    expect(cluster.commands.filter(({ kind }) => kind === "refuse")).toEqual([]);
  });

  test("a task that failed and is a result is told once, and cannot be fetched", () => {
    const cluster = clusterWith([{ type: "const", result: true }]);
    cluster.fail(1, 0);
    expect(told(cluster)).toMatchObject([{ clientTask: 0, kind: "error" }]);
    cluster.step({ kind: "result-requested", clientId: 1, clientTask: 0 });
    expect(cluster.commands.at(-1)).toMatchObject({
      kind: "refuse",
      message: "Task failed: it is broken",
    });
    expect(explainTask(cluster.state, 0)).toMatchObject({ state: "failed" });
  });

  test("other plans of the client fail as they are wont to", () => {
    const cluster = clusterWith([{ type: "const" }, { inputs: [0], result: true }]);
    submit(
      cluster,
      [
        { inputs: [1], result: true },
        { type: "const", result: true },
      ],
      {
        idBase: 10,
        keepsGoing: false,
      },
    );
    submit(
      cluster,
      [
        { inputs: [1], result: true },
        { type: "const", result: true },
      ],
      {
        idBase: 20,
      },
    );
    cluster.fail(1, 0);
    expect(told(cluster)).toEqual([
      { clientTask: 10, kind: "input-failed", cause: 0, planGoesOn: false },
      { clientTask: 0, kind: "error", cause: undefined, planGoesOn: true },
      { clientTask: 1, kind: "input-failed", cause: 0, planGoesOn: true },
      { clientTask: 20, kind: "input-failed", cause: 0, planGoesOn: true },
    ]);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([21]);
  });

  test("it fails alone where it needs a task of a plan that is given up", () => {
    const cluster = clusterWith([{ type: "const" }, { inputs: [0], result: true }], false);
    submit(
      cluster,
      [
        { inputs: [1], result: true },
        { type: "const", result: true },
      ],
      {
        idBase: 20,
      },
    );
    cluster.fail(1, 0);
    cluster.finishAll();
    expect(told(cluster)).toEqual([
      { clientTask: 0, kind: "error", cause: undefined, planGoesOn: false },
      { clientTask: 20, kind: "input-failed", cause: 0, planGoesOn: true },
    ]);
    expect(cluster.finishedOf(1)).toEqual([21]);
  });

  test("what is submitted later and needs what has failed, fails at once, alone", () => {
    const cluster = clusterWith([{ type: "const", result: true }]);
    cluster.fail(1, 0);
    submit(
      cluster,
      [{ inputs: [0] }, { inputs: [10], result: true }, { type: "const", result: true }],
      { idBase: 10 },
    );
    cluster.finishAll();
    expect(told(cluster).slice(1)).toEqual([
      { clientTask: 11, kind: "input-failed", cause: 0, planGoesOn: true },
    ]);
    expect(cluster.finishedOf(1)).toEqual([12]);
  });

  test("a result whose data is lost and cannot be made again fails, and who waits for it is told", () => {
    const cluster = clusterWith([{ type: "const" }, { inputs: [0], result: true }]);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([1]);
    cluster.step({ kind: "worker-lost", workerId: 1 });
    cluster.step({ kind: "result-requested", clientId: 1, clientTask: 1 });
    cluster.join(2);
    cluster.fail(2, 0);
    expect(told(cluster)).toMatchObject([{ clientTask: 0 }, { clientTask: 1 }]);
    expect(cluster.commands.filter(({ kind }) => kind === "refuse")).toMatchObject([
      { clientTask: 1, message: "Needs task 0 which failed: it is broken" },
    ]);
  });
});

describe("an input that may fail", () => {
  const withOptional = (keepsGoing: boolean): FakeCluster =>
    clusterWith(
      [
        { type: "const" },
        { inputs: [0] },
        { type: "const" },
        { type: "arrayMake", inputs: [1, 2], optional: [0], result: true },
      ],
      keepsGoing,
    );

  test.each([true, false])("is absent when it failed; keep-going: %s", (keepsGoing) => {
    const cluster = withOptional(keepsGoing);
    cluster.fail(1, 0);
    expect(told(cluster)).toEqual([
      { clientTask: 0, kind: "error", cause: undefined, planGoesOn: true },
    ]);
    const types = [...cluster.state.tasks.taskType.subarray(0, 4)];
    expect(types[1]).toBe(TASK_TYPE.absent);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([3]);
    release(cluster, 3);
    expect(cluster.state.tasks.liveCount).toBe(0);
    expect(cluster.state.failed.size).toBe(0);
    expect(cluster.state.tasks.optionalInputs.size).toBe(0);
  });

  test("is waited for while it may yet be made", () => {
    const cluster = withOptional(true);
    cluster.finish(1, 2);
    expect(cluster.given.get(1)?.map(({ clientTask }) => clientTask)).toEqual([1]);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([3]);
  });

  test("that is absent is made again when it is lost", () => {
    const cluster = withOptional(true);
    cluster.fail(1, 0);
    cluster.finishAll();
    cluster.step({ kind: "worker-lost", workerId: 1 });
    cluster.join(2);
    cluster.finishAll();
    expect(cluster.state.tasks.state[3]).not.toBe(FAILED);
    release(cluster, 3);
    expect(cluster.state.tasks.liveCount).toBe(0);
  });

  test("is no help where the task needs it at another place too", () => {
    const cluster = clusterWith(
      [{ type: "const" }, { type: "arrayMake", inputs: [0, 0], optional: [1], result: true }],
      true,
    );
    cluster.fail(1, 0);
    expect(told(cluster)).toMatchObject([{ clientTask: 0 }, { clientTask: 1 }]);
  });

  test("that is a result ends a plan that does not keep going", () => {
    const cluster = clusterWith(
      [
        { type: "const", result: true },
        { type: "arrayMake", inputs: [0], optional: [0], result: true },
      ],
      false,
    );
    cluster.fail(1, 0);
    expect(told(cluster)).toEqual([
      { clientTask: 0, kind: "error", cause: undefined, planGoesOn: false },
    ]);
    expect(cluster.state.tasks.liveCount).toBe(0);
  });

  test("of an earlier plan, which has failed before, is absent at once", () => {
    const cluster = clusterWith([{ type: "const", result: true }]);
    cluster.fail(1, 0);
    submit(cluster, [{ type: "arrayMake", inputs: [0], optional: [0], result: true }], {
      idBase: 10,
    });
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([10]);
    // It is nothing that could be fetched, even so.
    cluster.step({ kind: "result-requested", clientId: 1, clientTask: 0 });
    expect(cluster.commands.at(-1)).toMatchObject({ kind: "refuse" });
    submit(cluster, [{ inputs: [0], result: true }], { idBase: 20 });
    expect(told(cluster).at(-1)).toMatchObject({ clientTask: 20, cause: 0 });
    release(cluster, 0, 10, 20);
    expect(cluster.state.tasks.liveCount).toBe(0);
  });

  test("of a plan that is given up is absent for those of other plans", () => {
    const cluster = clusterWith([{ type: "const", result: true }], false);
    submit(cluster, [{ type: "arrayMake", inputs: [0], optional: [0], result: true }], {
      idBase: 10,
      keepsGoing: false,
    });
    cluster.fail(1, 0);
    cluster.finishAll();
    expect(told(cluster)).toHaveLength(1);
    expect(cluster.finishedOf(1)).toEqual([10]);
    release(cluster, 10);
    expect(cluster.state.tasks.liveCount).toBe(0);
  });
});
