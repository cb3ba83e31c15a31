import { describe, expect, test } from "vitest";
import { createFakeCluster, type FakeCluster } from "./fake-cluster.ts";
import { attached } from "./held.ts";
import { planOfTasks, type TestTask } from "./plans.ts";

const submit = (cluster: FakeCluster, tasks: readonly TestTask[]) =>
  cluster.step({
    kind: "plan-submitted",
    clientId: 1,
    plan: planOfTasks(tasks, 0),
    loadable: undefined,
  });

/** The worker says that it began the task. */
function begin(cluster: FakeCluster, workerId: number, task: number): void {
  const given = cluster.given.get(workerId)?.find((each) => each.task === task);
  if (given === undefined) throw new Error(`worker ${workerId} was not given task ${task}`);
  const refs = { tasks: Uint32Array.of(task), attempts: Uint32Array.of(given.attempt) };
  cluster.step({ kind: "tasks-started", workerId, refs });
}

const failures = (cluster: FakeCluster) =>
  cluster.commands.flatMap((command) => (command.kind === "notify-failed" ? [command] : []));

describe("a task that ends its workers", () => {
  test("fails with the story of all of them, and does not empty the cluster", () => {
    const cluster = createFakeCluster();
    submit(cluster, [{ type: "run", result: true }]);
    for (const workerId of [1, 2, 3]) {
      cluster.join(workerId);
      begin(cluster, workerId, 0);
      cluster.step({ kind: "worker-lost", workerId });
    }
    cluster.join(4);
    expect(cluster.given.get(4) ?? []).toEqual([]);
    expect(failures(cluster)).toMatchObject([{ clientTask: 0, failure: { kind: "worker-lost" } }]);
    const message = failures(cluster)[0]?.failure.message;
    for (const workerId of [1, 2, 3]) expect(message).toContain(`host:${workerId}`);
    expect(cluster.state.tasks.liveCount).toBe(0);
    expect(cluster.state.crashes.size).toBe(0);
  });

  test("is blamed alone: what only waited there runs elsewhere", () => {
    const cluster = createFakeCluster();
    submit(cluster, [
      { type: "run", result: true },
      { type: "run", label: "waits", result: true },
    ]);
    for (const workerId of [1, 2, 3]) {
      cluster.join(workerId, 1);
      begin(cluster, workerId, 0);
      cluster.step({ kind: "worker-lost", workerId });
    }
    expect(failures(cluster)).toHaveLength(1);
    expect(failures(cluster)[0]?.clientTask).toBe(0);
  });

  test("is not blamed for workers that leave", () => {
    const cluster = createFakeCluster();
    submit(cluster, [{ type: "run", result: true }]);
    for (const workerId of [1, 2, 3, 4]) {
      cluster.join(workerId);
      begin(cluster, workerId, 0);
      cluster.step({ kind: "worker-lost", workerId, hasLeft: true });
    }
    expect(failures(cluster)).toEqual([]);
  });

  test("is forgiven for workers that come back", () => {
    const cluster = createFakeCluster();
    submit(cluster, [{ type: "run", result: true }]);
    for (let i = 0; i < 5; i += 1) {
      if (i === 0) cluster.join(1);
      begin(cluster, 1, 0);
      cluster.step({ kind: "worker-lost", workerId: 1 });
      cluster.step(attached(1, []));
    }
    expect(failures(cluster)).toEqual([]);
    expect(cluster.state.crashes.size).toBe(0);
  });

  test("is cleared when it is finished in the end", () => {
    const cluster = createFakeCluster();
    submit(cluster, [{ type: "run", result: true }]);
    cluster.join(1);
    begin(cluster, 1, 0);
    cluster.step({ kind: "worker-lost", workerId: 1 });
    expect(cluster.state.crashes.size).toBe(1);
    cluster.join(2);
    cluster.finishAll();
    expect(cluster.state.crashes.size).toBe(0);
  });

  test("may be tried as often as the server's limit says", () => {
    const cluster = createFakeCluster({ options: { crashLimit: 1 } });
    submit(cluster, [{ type: "run", result: true }]);
    cluster.join(1);
    begin(cluster, 1, 0);
    cluster.step({ kind: "worker-lost", workerId: 1 });
    expect(failures(cluster)).toHaveLength(1);
  });
});

test("an object whose checkpoint nobody writes any more is made again", () => {
  const cluster = createFakeCluster();
  cluster.join(1);
  submit(cluster, [
    { type: "const", checkpoint: "/c/0", result: true },
    { type: "run", inputs: [0], result: true },
  ]);
  const [first] = cluster.given.get(1) ?? [];
  cluster.finish(1);
  cluster.join(2);
  const refs = { tasks: Uint32Array.of(0), attempts: Uint32Array.of(first?.attempt ?? 0) };
  cluster.step({ kind: "replicas-added", workerId: 2, refs });
  cluster.step({ kind: "worker-lost", workerId: 1 });
  expect(cluster.given.get(2)?.some(({ task }) => task === 0)).toBe(true);
});
