import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CPUS } from "../../../src/core/model/symbols.ts";
import { checkSchedulerInvariants } from "../../../src/core/scheduler/invariants.ts";
import { createFakeCluster } from "./fake-cluster.ts";
import { planOfTasks, type TestTask } from "./plans.ts";

const submit = (
  cluster: ReturnType<typeof createFakeCluster>,
  tasks: readonly TestTask[],
  { clientId = 1, idBase = 0 } = {},
) =>
  cluster.step({
    kind: "plan-submitted",
    clientId,
    plan: planOfTasks(tasks, idBase),
    loadable: undefined,
  });

const tree = (leaves: number): TestTask[] => {
  const tasks: TestTask[] = Array.from({ length: leaves }, () => ({ type: "const" }));
  let level = tasks.map((_, i) => i);
  while (level.length > 1) {
    const next: number[] = [];
    for (let i = 0; i < level.length; i += 2) {
      next.push(tasks.length);
      tasks.push({ inputs: level.slice(i, i + 2) });
    }
    level = next;
  }
  tasks[tasks.length - 1] = { ...tasks[tasks.length - 1], result: true };
  return tasks;
};

describe("a plan", () => {
  test("runs to its result, and nothing else stays", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    cluster.join(2);
    submit(cluster, tree(64));
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([126]);
    expect(cluster.state.objectCount).toBe(1);
    cluster.step({ kind: "results-released", clientId: 1, clientTasks: Int32Array.of(126) });
    expect(cluster.state.objectCount).toBe(0);
    expect(cluster.state.tasks.liveCount).toBe(0);
  });

  test("waits for workers that join later", () => {
    const cluster = createFakeCluster();
    submit(cluster, tree(8));
    expect(cluster.commands).toEqual([]);
    cluster.join(1);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([14]);
  });

  test("only what a result needs is computed", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, [{ type: "const" }, { type: "const", result: true }]);
    expect(cluster.state.counters.tasksAssigned).toBe(1);
  });

  test("with an input that does not exist is refused whole", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, [
      { type: "const", result: true },
      { inputs: [17], result: true },
    ]);
    expect(cluster.commands).toMatchObject([{ kind: "refuse", clientId: 1, planIdBase: 0 }]);
    expect(cluster.state.tasks.liveCount).toBe(0);
  });

  test("that uses living ids is refused, and ids are used again once their tasks are gone", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, [{ type: "const", result: true }]);
    submit(cluster, [{ type: "const", result: true }]);
    expect(cluster.commands.at(-1)).toMatchObject({ kind: "refuse" });
    cluster.finishAll();
    cluster.step({ kind: "results-released", clientId: 1, clientTasks: Int32Array.of(0) });
    submit(cluster, [{ type: "const", result: true }]);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([0, 0]);
  });

  test("uses results of earlier plans", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, [{ type: "const", result: true }]);
    cluster.finishAll();
    submit(cluster, [{ inputs: [0, 0], result: true }], { idBase: 10 });
    cluster.step({ kind: "results-released", clientId: 1, clientTasks: Int32Array.of(0) });
    expect(cluster.state.objectCount).toBe(1);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([0, 10]);
    expect(cluster.state.objectCount).toBe(1);
  });
});

describe("a failure", () => {
  test("gives up its plan, and plans that need it, and nobody else", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, [
      { type: "run", result: true },
      { inputs: [0], result: true },
    ]);
    submit(cluster, [{ inputs: [1], result: true }], { idBase: 10 });
    submit(cluster, [{ type: "run", result: true }], { idBase: 20 });
    const [first] = cluster.given.get(1) ?? [];
    cluster.given.get(1)?.shift();
    cluster.step({
      kind: "task-failed",
      workerId: 1,
      task: first?.task ?? 0,
      attempt: first?.attempt ?? 0,
      failure: { message: "no" },
    });
    const failed = cluster.commands.filter(({ kind }) => kind === "notify-failed");
    expect(failed).toMatchObject([
      { clientTask: 0, worker: "host:1", attempts: 1, cause: undefined },
      { clientTask: 10, cause: 0 },
    ]);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([20]);
    // Releasing what the plan had is no mistake.
    expect(
      cluster.step({ kind: "results-released", clientId: 1, clientTasks: Int32Array.of(1) }),
    ).toEqual([]);
  });
});

describe("a lost worker", () => {
  test("has its tasks and its data computed again, and the client sees nothing", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    cluster.join(2);
    submit(cluster, tree(64));
    cluster.finish(1, 20);
    cluster.finish(2, 30);
    cluster.step({ kind: "worker-lost", workerId: 1 });
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([126]);
    cluster.step({ kind: "client-left", clientId: 1 });
    expect(cluster.state.tasks.liveCount).toBe(0);
  });

  test("takes a finished result along, which is not told twice", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, [{ type: "const" }, { inputs: [0], result: true }]);
    cluster.finishAll();
    cluster.step({ kind: "worker-lost", workerId: 1 });
    cluster.step({ kind: "result-requested", clientId: 1, clientTask: 1 });
    cluster.join(2);
    expect(cluster.commands.some(({ kind }) => kind === "deliver")).toBe(false);
    cluster.finishAll();
    expect(cluster.commands.at(-1)).toMatchObject({ kind: "deliver", clientTask: 1, holders: [2] });
    expect(cluster.finishedOf(1)).toEqual([1]);
  });
});

describe("dynamic tasks", () => {
  const dynamicPlan: TestTask[] = [
    { type: "const" },
    { type: "arrayMake", inputs: [0] },
    { type: "dget", inputs: [1] },
    { type: "run", inputs: [0, 2] },
    { inputs: [3], result: true },
  ];

  test("dget makes a pair for each item, in place and in order", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, dynamicPlan);
    cluster.finish(1);
    cluster.finish(1, 1, 3);
    expect(cluster.state.tasks.liveCount).toBe(2 + 3 + 3 + 1);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([4]);
    expect(cluster.state.counters.tasksFinished).toBe(2 + 3 + 3 + 1);
  });

  test("are refused without exactly one consumer", () => {
    const cluster = createFakeCluster();
    submit(cluster, [
      { type: "const" },
      { type: "dget", inputs: [0] },
      { inputs: [1], result: true },
    ]);
    expect(cluster.commands).toMatchObject([{ kind: "refuse" }]);
  });

  test("dget of nothing fails", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, dynamicPlan);
    cluster.finish(1);
    cluster.finish(1);
    expect(cluster.commands.at(-1)).toMatchObject({ kind: "notify-failed", clientTask: 2 });
  });
});

test("a request that no worker can satisfy is told at once and fails after its time", () => {
  const cluster = createFakeCluster();
  submit(cluster, [{ type: "run", request: [{ resource: CPUS, amount: 64 }], result: true }]);
  cluster.join(1, 8);
  expect(cluster.commands).toMatchObject([
    { kind: "notify-notice", message: expect.stringContaining("cpus=64") },
  ]);
  cluster.step({ kind: "time-passed" });
  expect(cluster.commands).toHaveLength(1);
});

test("20,000 different requests and labels leave nothing behind", () => {
  const cluster = createFakeCluster({ check: false });
  cluster.join(1, 2_000_000);
  for (let round = 0; round < 20; round += 1) {
    submit(
      cluster,
      Array.from({ length: 1_000 }, (_, i) => ({
        type: "run" as const,
        request: [{ resource: CPUS, amount: 1 + round * 1_000 + i }],
        label: `${round} ${i}`,
        result: true,
      })),
    );
    cluster.finishAll();
    for (let i = 0; i < 1_000; i += 1) {
      cluster.step({ kind: "results-released", clientId: 1, clientTasks: Int32Array.of(i) });
    }
    expect(cluster.state.classByKey.size).toBe(0);
  }
  expect(cluster.state.classes.length).toBeLessThanOrEqual(1_001);
  expect(cluster.state.groups.meanUs.length).toBeLessThan(20_000);
  checkSchedulerInvariants(cluster.state);
});

test("dget of more items than anybody can have fails, and the scheduler goes on", () => {
  const cluster = createFakeCluster();
  cluster.join(1);
  submit(cluster, [
    { type: "arrayMake" },
    { type: "dget", inputs: [0] },
    { inputs: [1] },
    { inputs: [2], result: true },
  ]);
  cluster.finish(1, 1, 1e15);
  expect(cluster.commands.at(-1)).toMatchObject({ kind: "notify-failed", clientTask: 1 });
  expect(cluster.state.tasks.liveCount).toBe(0);
});

test("random plans with random losses and releases keep all invariants and end", () => {
  const shape = fc.record({
    tasks: fc.array(
      fc.record({
        inputs: fc.array(fc.nat(1000), { maxLength: 3 }),
        result: fc.boolean(),
        type: fc.constantFrom("const" as const, "merge" as const, "run" as const),
      }),
      { minLength: 1, maxLength: 30 },
    ),
    actions: fc.array(fc.nat(1000), { maxLength: 60 }),
  });
  fc.assert(
    fc.property(shape, ({ tasks, actions }) => {
      const cluster = createFakeCluster();
      const plan = tasks.map((task, i) => ({
        ...task,
        inputs: i === 0 ? [] : task.inputs.map((input) => input % i),
      }));
      submit(cluster, plan);
      let nextWorker = 1;
      cluster.join(nextWorker++);
      for (const action of actions) {
        const workers = [...cluster.state.workers.keys()];
        const worker = workers[action % workers.length] ?? 0;
        if (action % 10 < 6) cluster.finish(worker, 1 + (action % 3));
        else if (action % 10 === 6) cluster.join(nextWorker++, 1 + (action % 3));
        else if (action % 10 === 7 && workers.length > 1) {
          cluster.step({ kind: "worker-lost", workerId: worker });
        } else if (action % 10 === 8) {
          cluster.step({
            kind: "results-released",
            clientId: 1,
            clientTasks: Int32Array.of(action % plan.length),
          });
        } else {
          cluster.step({ kind: "result-requested", clientId: 1, clientTask: action % plan.length });
        }
      }
      cluster.finishAll();
      const finished = cluster.finishedOf(1);
      expect(new Set(finished).size).toBe(finished.length);
      for (const command of cluster.commands) {
        if (command.kind === "deliver") {
          cluster.step({ kind: "delivery-ended", task: command.task, attempt: command.attempt });
        }
      }
      plan.forEach((_, clientTask) => {
        cluster.step({
          kind: "results-released",
          clientId: 1,
          clientTasks: Int32Array.of(clientTask),
        });
      });
      expect(cluster.state.tasks.liveCount).toBe(0);
      expect(cluster.state.objectCount).toBe(0);
    }),
  );
});
