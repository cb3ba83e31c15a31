import { describe, expect, test } from "vitest";
import type { TaskExplanation } from "../../../src/core/model/explanation.ts";
import { CPUS } from "../../../src/core/model/symbols.ts";
import { explainTask } from "../../../src/core/scheduler/explain/explain-task.ts";
import { findTasks } from "../../../src/core/scheduler/explain/find-tasks.ts";
import { createFakeCluster, type FakeCluster } from "./fake-cluster.ts";
import { planOfTasks, type TestTask } from "./plans.ts";

const ONE_CPU = [{ resource: CPUS, amount: 1 }];

function submit(cluster: FakeCluster, tasks: readonly TestTask[], clientId = 1): void {
  cluster.step({ kind: "plan-submitted", clientId, plan: planOfTasks(tasks), loadable: undefined });
}

function explain(cluster: FakeCluster, query: string): TaskExplanation {
  const [row] = findTasks(cluster.state, query, 1);
  if (row === undefined) throw new Error(`no task ${query}`);
  return explainTask(cluster.state, row);
}

describe("a task that waits", () => {
  test("names the inputs that are missing, and what is behind them in the end", () => {
    const cluster = createFakeCluster();
    cluster.join(1, 1);
    submit(cluster, [
      { type: "run", request: ONE_CPU, label: "load:1" },
      { type: "run", request: ONE_CPU, inputs: [0], label: "clean:1" },
      { type: "run", request: [{ resource: CPUS, amount: 9 }], label: "huge" },
      { inputs: [1, 2, 1], label: "both", result: true },
    ]);
    const both = explain(cluster, "both");
    expect(both).toMatchObject({ state: "waiting", missingInputCount: 3, workers: [] });
    expect(both.missingInputs.map(({ task }) => task)).toEqual([1, 2, 1]);
    expect(both.blockers).toContainEqual({
      task: 2,
      label: "huge",
      state: "ready",
      worker: "",
    });
    expect(both.blockers).toContainEqual({
      task: 0,
      label: "load:1",
      state: "assigned",
      worker: "host:1",
    });
    expect(both.text).toContain("It waits for 3 inputs");
    expect(both.text).toContain('task 0 "load:1" (assigned, host:1)');
  });

  test("for a resource that nobody offers", () => {
    const cluster = createFakeCluster();
    cluster.join(1, 8);
    submit(cluster, [
      { type: "run", request: [{ resource: CPUS, amount: 64 }], label: "big", result: true },
    ]);
    const big = explain(cluster, "big");
    expect(big).toMatchObject({ state: "ready", candidates: [], request: { cpus: 64 } });
    expect(big.text).toContain("asks for cpus=64, which no worker offers");
    expect(big.text).toContain("the largest worker has cpus=8");
  });

  test("for any worker at all", () => {
    const cluster = createFakeCluster();
    submit(cluster, [{ type: "run", request: ONE_CPU, result: true }]);
    expect(explain(cluster, "0").text).toContain("no worker is");
  });

  test("for room on the workers that could run it", () => {
    const cluster = createFakeCluster({ durationUs: 1e6 });
    cluster.join(1, 1);
    submit(
      cluster,
      Array.from({ length: 40 }, (_, i) => ({
        type: "run" as const,
        request: ONE_CPU,
        label: `step:${i}`,
        result: true,
      })),
    );
    const last = explain(cluster, "step:39");
    expect(last).toMatchObject({ state: "ready", missingInputCount: 0 });
    expect(last.text).toContain("no room for it yet");
    expect(last.candidates[0]).toMatchObject({ worker: "host:1", missingBytes: 0 });
    expect(last.candidates[0]?.loadUs).toBeGreaterThan(100_000);
  });
});

test("a placed task shows bytes and load of the candidates", () => {
  const cluster = createFakeCluster();
  cluster.join(1, 1);
  submit(cluster, [{ type: "run", request: ONE_CPU, label: "made on 1", result: true }]);
  cluster.finish(1);
  cluster.join(2, 1);
  cluster.step({
    kind: "plan-submitted",
    clientId: 1,
    plan: planOfTasks(
      [{ type: "run", request: ONE_CPU, inputs: [0], label: "uses it", result: true }],
      1,
    ),
    loadable: undefined,
  });
  const uses = explain(cluster, "uses it");
  expect(uses).toMatchObject({ state: "assigned", workers: ["host:1"], attempts: 1 });
  const at = (worker: string) => uses.candidates.find((candidate) => candidate.worker === worker);
  expect(at("host:1")).toMatchObject({ missingBytes: 0, missingObjects: 0, transferUs: 0 });
  expect(at("host:2")).toMatchObject({ missingBytes: 100, missingObjects: 1 });
  expect(uses.text).toContain("host:1 (chosen): has all inputs");
  expect(uses.text).toContain("host:2: lacks 1 input, 100 B");
});

describe("a task that ran again says why", () => {
  test("its worker was lost", () => {
    const cluster = createFakeCluster();
    cluster.join(1, 1);
    submit(cluster, [{ type: "run", request: ONE_CPU, result: true }]);
    cluster.step({ kind: "worker-lost", workerId: 1 });
    cluster.join(2, 1);
    const task = explain(cluster, "0");
    expect(task).toMatchObject({
      state: "assigned",
      workers: ["host:2"],
      attempts: 2,
      reruns: [{ attempt: 1, worker: "host:1", reason: "worker-lost" }],
    });
    expect(task.text).toContain("Attempt 1: host:1 was lost");
  });

  test("its data was lost with the worker that had it", () => {
    const cluster = createFakeCluster();
    cluster.join(1, 1);
    submit(cluster, [{ type: "run", request: ONE_CPU, result: true }]);
    cluster.finish(1);
    cluster.step({ kind: "worker-lost", workerId: 1 });
    expect(explain(cluster, "0")).toMatchObject({
      state: "ready",
      reruns: [{ attempt: 1, worker: "host:1", reason: "data-lost" }],
    });
  });

  test("it was given back", () => {
    const cluster = createFakeCluster();
    cluster.join(1, 1);
    submit(cluster, [{ type: "run", request: ONE_CPU, result: true }]);
    const [given] = cluster.given.get(1) ?? [];
    if (given === undefined) throw new Error("nothing was given");
    const refs = {
      tasks: Uint32Array.of(given.task),
      attempts: Uint32Array.of(given.attempt),
    };
    cluster.step({ kind: "tasks-returned", workerId: 1, refs });
    expect(explain(cluster, "0").reruns).toMatchObject([{ attempt: 1, reason: "retracted" }]);
  });

  test("and a later task in the same row has none of it", () => {
    const cluster = createFakeCluster();
    cluster.join(1, 1);
    submit(cluster, [{ type: "run", request: ONE_CPU, result: true }]);
    cluster.step({ kind: "worker-lost", workerId: 1 });
    cluster.step({ kind: "results-released", clientId: 1, clientTasks: Int32Array.of(0) });
    submit(cluster, [{ type: "run", request: ONE_CPU, label: "new", result: true }], 2);
    expect(explain(cluster, "new")).toMatchObject({ attempts: 0, reruns: [] });
  });
});

test("a finished one says where its data is", () => {
  const cluster = createFakeCluster();
  cluster.join(1, 1);
  submit(cluster, [{ type: "run", request: ONE_CPU, result: true }]);
  cluster.finish(1);
  const task = explain(cluster, "0");
  expect(task).toMatchObject({ state: "finished", workers: ["host:1"], sizeBytes: 100 });
  expect(task.text).toContain("Its 100 B are on host:1");
});

test("tasks are found by number, by client and number, and by label", () => {
  const cluster = createFakeCluster();
  submit(cluster, [{ type: "run", label: "a", result: true }], 1);
  submit(cluster, [{ type: "run", label: "a", result: true }], 2);
  expect(findTasks(cluster.state, "0", 10)).toHaveLength(2);
  expect(findTasks(cluster.state, "2/0", 10)).toHaveLength(1);
  expect(findTasks(cluster.state, "3/0", 10)).toEqual([]);
  expect(findTasks(cluster.state, "a", 10)).toHaveLength(2);
  expect(findTasks(cluster.state, "a", 1)).toHaveLength(1);
  expect(findTasks(cluster.state, "b", 10)).toEqual([]);
});

describe("when nothing moves though tasks are ready", () => {
  const notices = (cluster: FakeCluster): string[] =>
    cluster.commands.flatMap((command) =>
      command.kind === "notify-notice" ? [command.message] : [],
    );

  function pass(cluster: FakeCluster, ms: number): void {
    // The test's clock counts events; the server's comes once a second.
    for (let passed = 0; passed < ms; passed += 1) cluster.step({ kind: "time-passed" });
  }

  test("the reason is told after 10 s, and more rarely from then on", () => {
    const cluster = createFakeCluster({ check: false });
    submit(cluster, [{ type: "run", request: ONE_CPU, result: true }]);
    pass(cluster, 9_990);
    expect(notices(cluster)).toEqual([]);
    pass(cluster, 20);
    expect(notices(cluster)).toHaveLength(1);
    expect(notices(cluster)[0]).toContain("there is no worker");
    pass(cluster, 9_000);
    expect(notices(cluster)).toHaveLength(1);
    pass(cluster, 2_000);
    expect(notices(cluster)).toHaveLength(2);
  });

  test("it names what the workers are busy with", () => {
    const cluster = createFakeCluster({ check: false });
    cluster.join(1, 1);
    submit(
      cluster,
      Array.from({ length: 20 }, () => ({
        type: "run" as const,
        request: ONE_CPU,
        result: true,
      })),
    );
    const [given] = cluster.given.get(1) ?? [];
    if (given === undefined) throw new Error("nothing was given");
    const refs = {
      tasks: Uint32Array.of(given.task),
      attempts: Uint32Array.of(given.attempt),
    };
    cluster.step({ kind: "tasks-started", workerId: 1, refs });
    pass(cluster, 10_010);
    expect(notices(cluster)).toHaveLength(1);
    expect(notices(cluster)[0]).toContain(`such as task ${given.clientTask} on host:1`);
    expect(notices(cluster)[0]).toMatch(/\d+ tasks that ask for cpus=1 are ready/);
  });

  test("not while something moves, nor when nothing is ready", () => {
    const cluster = createFakeCluster({ check: false });
    pass(cluster, 20_000);
    expect(notices(cluster)).toEqual([]);
  });
});
