import { describe, expect, test } from "vitest";
import { createFakeCluster, type FakeCluster } from "./fake-cluster.ts";
import { planOfTasks, type TestTask } from "./plans.ts";

const submit = (cluster: FakeCluster, tasks: readonly TestTask[]) =>
  cluster.step({
    kind: "plan-submitted",
    clientId: 1,
    plan: planOfTasks(tasks, 0),
    loadable: undefined,
  });

const results = (count: number, type: "const" | "run" = "const"): TestTask[] =>
  Array.from({ length: count }, () => ({ type, result: true }));

const drain = (cluster: FakeCluster, workerId: number) =>
  cluster.step({ kind: "worker-draining", workerId });

const copiesOf = (cluster: FakeCluster) =>
  cluster.commands.flatMap((command) =>
    command.kind === "replicate"
      ? [...command.copies.refs.tasks].map((task, i) => ({
          target: command.workerId,
          task,
          attempt: command.copies.refs.attempts[i] ?? 0,
          holder: command.copies.holders[i],
        }))
      : [],
  );

/** The workers that were told to make copies have made all of them. */
function makeCopies(cluster: FakeCluster, done: Set<string> = new Set()): void {
  for (const { target, task, attempt } of copiesOf(cluster)) {
    const key = `${target}/${task}/${attempt}`;
    if (done.has(key)) continue;
    done.add(key);
    const refs = { tasks: Uint32Array.of(task), attempts: Uint32Array.of(attempt) };
    cluster.step({ kind: "replicas-added", workerId: target, refs });
  }
}

const isDismissed = (cluster: FakeCluster, workerId: number): boolean =>
  cluster.commands.some((each) => each.kind === "dismiss" && each.workerId === workerId);

function retracted(cluster: FakeCluster, workerId: number) {
  return cluster.commands.flatMap((command) =>
    command.kind === "retract" && command.workerId === workerId ? [command.refs] : [],
  );
}

describe("a worker that is drained", () => {
  test("with nothing on it leaves at once", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    drain(cluster, 1);
    expect(isDismissed(cluster, 1)).toBe(true);
  });

  test("is given no more tasks", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    cluster.join(2);
    drain(cluster, 1);
    submit(cluster, results(100));
    cluster.finishAll();
    expect(cluster.given.get(1) ?? []).toEqual([]);
    expect(cluster.finishedOf(1)).toHaveLength(100);
  });

  test("hands over what only it has, and nothing is computed again when it has left", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, results(600));
    cluster.finishAll();
    cluster.join(2);
    cluster.join(3);
    drain(cluster, 1);
    expect(isDismissed(cluster, 1)).toBe(false);
    const done = new Set<string>();
    while (!isDismissed(cluster, 1)) makeCopies(cluster, done);
    expect(new Set(copiesOf(cluster).map(({ target }) => target))).toEqual(new Set([2, 3]));
    expect(copiesOf(cluster)).toHaveLength(600);
    cluster.step({ kind: "worker-lost", workerId: 1, hasLeft: true });
    expect(cluster.state.objectCount).toBe(600);
    expect(cluster.state.counters.tasksRunAgain).toBe(0);
  });

  test("finishes what runs, gives back what waits, and its last object moves too", () => {
    const cluster = createFakeCluster();
    cluster.join(1, 1);
    submit(cluster, results(2, "run"));
    const [first, second] = cluster.given.get(1) ?? [];
    const refOf = (given: typeof first) => ({
      tasks: Uint32Array.of(given?.task ?? 0),
      attempts: Uint32Array.of(given?.attempt ?? 0),
    });
    cluster.step({ kind: "tasks-started", workerId: 1, refs: refOf(first) });
    cluster.join(2, 1);
    drain(cluster, 1);
    if (second !== undefined) {
      expect(retracted(cluster, 1)).not.toEqual([]);
      cluster.given.set(1, [first as NonNullable<typeof first>]);
      cluster.step({ kind: "tasks-returned", workerId: 1, refs: refOf(second) });
    }
    expect(cluster.given.get(2)?.map(({ task }) => task)).toEqual([1]);
    expect(isDismissed(cluster, 1)).toBe(false);
    cluster.finish(1);
    expect(isDismissed(cluster, 1)).toBe(false);
    makeCopies(cluster);
    expect(isDismissed(cluster, 1)).toBe(true);
  });

  test("says that nobody can take its data over, and goes on when somebody joins", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, results(1));
    cluster.finishAll();
    drain(cluster, 1);
    expect(cluster.commands.filter(({ kind }) => kind === "note-drain")).toHaveLength(1);
    cluster.step({ kind: "time-passed" });
    expect(cluster.commands.filter(({ kind }) => kind === "note-drain")).toHaveLength(1);
    expect(isDismissed(cluster, 1)).toBe(false);
    cluster.join(2);
    makeCopies(cluster);
    expect(isDismissed(cluster, 1)).toBe(true);
  });

  test("leaves when what it held is released", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, results(1));
    cluster.finishAll();
    drain(cluster, 1);
    cluster.step({ kind: "results-released", clientId: 1, clientTasks: Int32Array.of(0) });
    expect(isDismissed(cluster, 1)).toBe(true);
  });

  test("turns to another worker when the one that makes a copy is lost, or cannot", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, results(1));
    cluster.finishAll();
    cluster.join(2);
    cluster.join(3);
    drain(cluster, 1);
    const [first] = copiesOf(cluster);
    cluster.step({ kind: "worker-lost", workerId: first?.target ?? 0 });
    const second = copiesOf(cluster)[1];
    expect(second?.target).toBe(5 - (first?.target ?? 0));
    const refs = { tasks: Uint32Array.of(0), attempts: Uint32Array.of(second?.attempt ?? 0) };
    cluster.step({ kind: "replication-failed", workerId: second?.target ?? 0, refs });
    expect(copiesOf(cluster)).toHaveLength(3);
    makeCopies(cluster);
    expect(isDismissed(cluster, 1)).toBe(true);
  });

  test("waits until a checkpoint is written", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, [{ type: "const", checkpoint: "/c/0", result: true }]);
    const [first] = cluster.given.get(1) ?? [];
    cluster.finish(1);
    cluster.join(2);
    drain(cluster, 1);
    makeCopies(cluster);
    expect(isDismissed(cluster, 1)).toBe(false);
    const refs = { tasks: Uint32Array.of(0), attempts: Uint32Array.of(first?.attempt ?? 0) };
    cluster.step({ kind: "checkpoints-written", workerId: 1, refs });
    cluster.step({ kind: "time-passed" });
    expect(isDismissed(cluster, 1)).toBe(true);
  });

  test("two at once do not hand over to each other", () => {
    const cluster = createFakeCluster();
    for (const id of [1, 2]) cluster.join(id);
    submit(cluster, results(20));
    cluster.finishAll();
    cluster.join(3);
    drain(cluster, 1);
    drain(cluster, 2);
    const done = new Set<string>();
    for (let i = 0; i < 10; i += 1) makeCopies(cluster, done);
    cluster.step({ kind: "time-passed" });
    for (let i = 0; i < 10; i += 1) makeCopies(cluster, done);
    expect(isDismissed(cluster, 1) && isDismissed(cluster, 2)).toBe(true);
    for (const workerId of [1, 2]) cluster.step({ kind: "worker-lost", workerId, hasLeft: true });
    expect(cluster.state.objectCount).toBe(20);
    expect(cluster.state.counters.tasksRunAgain).toBe(0);
  });
});
