import { describe, expect, test } from "vitest";
import { HELD_STARTED } from "../../../src/core/model/batches.ts";
import { createFakeCluster, type FakeCluster } from "./fake-cluster.ts";
import { attached, type HeldObject } from "./held.ts";
import { planOfTasks, type TestTask } from "./plans.ts";

const submit = (cluster: FakeCluster, tasks: readonly TestTask[]) =>
  cluster.step({
    kind: "plan-submitted",
    clientId: 1,
    plan: planOfTasks(tasks, 0),
    loadable: undefined,
  });

const lose = (cluster: FakeCluster, workerId: number) =>
  cluster.step({ kind: "worker-lost", workerId });

/** A chain of tasks, the last one a result; plan order is row order here. */
const chain = (length: number): TestTask[] =>
  Array.from({ length }, (_, i) =>
    i === 0 ? { type: "const" } : { inputs: [i - 1], result: i === length - 1 },
  );

const givenTo = (cluster: FakeCluster, workerId: number): HeldObject[] => [
  ...(cluster.given.get(workerId) ?? []),
];

const refsOf = (cluster: FakeCluster, kind: "cancel" | "drop", workerId: number): string[] =>
  cluster.commands.flatMap((command) =>
    command.kind === kind && command.workerId === workerId
      ? [...command.refs.tasks].map((task, i) => `${task}.${command.refs.attempts[i]}`)
      : [],
  );

describe("a worker that returns", () => {
  test("with a result that nobody runs again: it is there, and told once", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, [{ type: "const", result: true }]);
    const [first] = givenTo(cluster, 1);
    cluster.finish(1);
    lose(cluster, 1);
    expect(cluster.state.objectCount).toBe(0);
    cluster.step(attached(1, [first as HeldObject]));
    expect(cluster.state.objectCount).toBe(1);
    expect(cluster.finishedOf(1)).toEqual([0]);
    expect(givenTo(cluster, 1)).toEqual([]);
    cluster.step({ kind: "results-released", clientId: 1, clientTasks: Int32Array.of(0) });
    expect(refsOf(cluster, "drop", 1)).toEqual([`0.${first?.attempt}`]);
    expect(cluster.state.tasks.liveCount).toBe(0);
  });

  test("ends the rerun of what it holds, and of what that alone needed", () => {
    const cluster = createFakeCluster({ givesAhead: false });
    cluster.join(1);
    submit(cluster, chain(3));
    cluster.finish(1);
    cluster.finish(1);
    const [last] = givenTo(cluster, 1);
    cluster.finish(1);
    lose(cluster, 1);
    cluster.join(2);
    // The chain runs anew from its first task.
    const [rerun] = givenTo(cluster, 2);
    expect(rerun?.task).toBe(0);
    cluster.step(attached(1, [last as HeldObject]));
    expect(refsOf(cluster, "cancel", 2)).toEqual([`${rerun?.task}.${rerun?.attempt}`]);
    expect(givenTo(cluster, 2)).toEqual([]);
    expect(cluster.state.objectCount).toBe(1);
  });

  test("with an older attempt than the one that runs: later attempts have numbers of their own", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, [{ type: "const", result: true }]);
    const [first] = givenTo(cluster, 1);
    cluster.finish(1);
    lose(cluster, 1);
    cluster.join(2);
    const [second] = givenTo(cluster, 2);
    expect(second?.attempt).toBeGreaterThan(first?.attempt as number);
    cluster.step(attached(1, [first as HeldObject]));
    // What the rerun still says is of no use, and dropped.
    cluster.given.set(2, [{ ...(second as HeldObject), clientTask: 0 }]);
    cluster.finish(2);
    expect(refsOf(cluster, "drop", 2)).toEqual([`0.${second?.attempt}`]);
    lose(cluster, 1);
    const third = givenTo(cluster, 2).at(-1);
    expect(third?.attempt).toBeGreaterThan(second?.attempt as number);
    cluster.finishAll();
    expect(cluster.state.objectCount).toBe(1);
  });

  test("with a copy of an object that is there: it counts as a replica", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    cluster.join(2);
    submit(cluster, [{ type: "const", result: true }]);
    const holder = givenTo(cluster, 1).length > 0 ? 1 : 2;
    const other = 3 - holder;
    const [object] = givenTo(cluster, holder);
    cluster.finish(holder);
    const refs = { tasks: Uint32Array.of(0), attempts: Uint32Array.of(object?.attempt ?? 0) };
    cluster.step({ kind: "replicas-added", workerId: other, refs });
    lose(cluster, other);
    cluster.step(attached(other, [object as HeldObject]));
    lose(cluster, holder);
    expect(cluster.state.objectCount).toBe(1);
    expect(cluster.state.counters.tasksRunAgain).toBe(0);
  });

  test("with objects and tasks of nobody: they are dropped and canceled", () => {
    const cluster = createFakeCluster();
    cluster.step(
      attached(
        1,
        [
          { task: 0, attempt: 1 },
          { task: 900_000, attempt: 3 },
        ],
        [{ task: 5, attempt: 1 }],
      ),
    );
    expect(refsOf(cluster, "drop", 1)).toEqual(["0.1", "900000.3"]);
    expect(refsOf(cluster, "cancel", 1)).toEqual(["5.1"]);
  });

  test("goes on with what it runs, though it may be waiting at another worker", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, [{ type: "const", result: true }]);
    const [first] = givenTo(cluster, 1);
    lose(cluster, 1);
    cluster.join(2);
    const [second] = givenTo(cluster, 2);
    cluster.step(attached(1, [], [{ ...(first as HeldObject), flags: HELD_STARTED }]));
    expect(refsOf(cluster, "cancel", 2)).toEqual([`0.${second?.attempt}`]);
    expect(refsOf(cluster, "cancel", 1)).toEqual([]);
    cluster.given.set(1, [{ ...(first as HeldObject), clientTask: 0 }]);
    cluster.finish(1);
    expect(cluster.finishedOf(1)).toEqual([0]);
  });

  test("gives up what runs elsewhere by now", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, [{ type: "const", result: true }]);
    const [first] = givenTo(cluster, 1);
    lose(cluster, 1);
    cluster.join(2);
    const [second] = givenTo(cluster, 2);
    const refs = { tasks: Uint32Array.of(0), attempts: Uint32Array.of(second?.attempt ?? 0) };
    cluster.step({ kind: "tasks-started", workerId: 2, refs });
    cluster.step(attached(1, [], [{ ...(first as HeldObject), flags: HELD_STARTED }]));
    expect(refsOf(cluster, "cancel", 1)).toEqual([`0.${first?.attempt}`]);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([0]);
  });

  test("before its loss was noticed: nothing of it is given to others", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    cluster.join(2);
    submit(cluster, [
      { type: "run", result: true },
      { type: "run", result: true },
    ]);
    const held = givenTo(cluster, 1).map((given) => ({ ...given, flags: HELD_STARTED }));
    const before = cluster.state.counters.tasksAssigned;
    cluster.step(attached(1, [], held));
    expect(cluster.state.counters.tasksAssigned).toBe(before);
    expect(refsOf(cluster, "cancel", 1)).toEqual([]);
    cluster.finishAll();
    expect(cluster.finishedOf(1).sort()).toEqual([0, 1]);
  });

  test("with a chain that it was given ahead: it goes on along it", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, chain(4));
    const held = givenTo(cluster, 1);
    expect(held).toHaveLength(4);
    lose(cluster, 1);
    const tasks = held.map(({ task, attempt }, i) => ({
      task,
      attempt,
      flags: i === 0 ? HELD_STARTED : 0,
      inputAttempts: i === 0 ? [] : [held[i - 1]?.attempt ?? 0],
    }));
    const before = cluster.state.counters.tasksAssigned;
    cluster.step(attached(1, [], [...tasks].reverse()));
    expect(refsOf(cluster, "cancel", 1)).toEqual([]);
    expect(cluster.state.counters.tasksAssigned).toBe(before);
    cluster.given.set(
      1,
      held.map((ref) => ({ ...ref, clientTask: 0 })),
    );
    cluster.finish(1, 4);
    expect(cluster.finishedOf(1)).toEqual([3]);
  });

  test("with a task that waits for an object of another attempt: it is given anew", () => {
    const cluster = createFakeCluster({ givesAhead: false });
    cluster.join(1);
    cluster.join(2);
    submit(cluster, chain(2));
    const first = givenTo(cluster, 1).length > 0 ? 1 : 2;
    cluster.finish(first);
    const worker = givenTo(cluster, 1).length > 0 ? 1 : 2;
    const [second] = givenTo(cluster, worker);
    lose(cluster, worker);
    cluster.step(attached(worker, [], [{ ...(second as HeldObject), inputAttempts: [99] }]));
    expect(refsOf(cluster, "cancel", worker)).toEqual([`1.${second?.attempt}`]);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([1]);
  });
});
