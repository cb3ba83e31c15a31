import { describe, expect, test } from "vitest";
import { CPUS } from "../../../src/core/model/symbols.ts";
import type { SchedulerCommand } from "../../../src/core/scheduler/commands.ts";
import { createFakeCluster, type FakeCluster, finishedTasks } from "./fake-cluster.ts";
import { planOfTasks, type TestTask } from "./plans.ts";

const chain = (length: number, idBase = 0): TestTask[] =>
  Array.from({ length }, (_, i) => ({
    type: i === 0 ? ("const" as const) : ("merge" as const),
    inputs: i === 0 ? [] : [idBase + i - 1],
    result: i === length - 1,
  }));

function submit(cluster: FakeCluster, tasks: readonly TestTask[], idBase = 0): SchedulerCommand[] {
  return cluster.step({
    kind: "plan-submitted",
    clientId: 1,
    plan: planOfTasks(tasks, idBase),
    loadable: undefined,
  });
}

const givenTo = (cluster: FakeCluster, workerId: number): number[] =>
  (cluster.given.get(workerId) ?? []).map(({ clientTask }) => clientTask);

/** [client task, attempt] of what the commands of this kind name. */
function named(commands: readonly SchedulerCommand[], kind: "cancel" | "assign"): string[] {
  return commands.flatMap((command) => {
    if (command.kind === "assign" && kind === "assign") {
      const { clientTasks, attempts } = command.batch;
      return [...clientTasks].map((task, i) => `${task}.${attempts[i]} at ${command.workerId}`);
    }
    if (command.kind === "cancel" && kind === "cancel") {
      return [...command.refs.tasks].map((_, i) => `${command.refs.attempts[i]}`);
    }
    return [];
  });
}

const refsOf = (cluster: FakeCluster, workerId: number, ...clientTasks: number[]) => {
  const given = (cluster.given.get(workerId) ?? []).filter(({ clientTask }) =>
    clientTasks.includes(clientTask),
  );
  return {
    tasks: Uint32Array.from(given, ({ task }) => task),
    attempts: Uint32Array.from(given, ({ attempt }) => attempt),
  };
};

/** The worker gives back these, and with them what it was to go on with. */
function giveBack(cluster: FakeCluster, workerId: number, clientTask: number): SchedulerCommand[] {
  const refs = refsOf(cluster, workerId, clientTask);
  const list = cluster.given.get(workerId) ?? [];
  cluster.given.set(
    workerId,
    list.filter((given) => given.clientTask !== clientTask),
  );
  return cluster.step({ kind: "tasks-returned", workerId, refs });
}

describe("what is given ahead", () => {
  test("a chain is given to its worker at once, and finished in one report", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    cluster.join(2);
    const commands = submit(cluster, chain(5));
    const workerId = commands[0]?.kind === "assign" ? commands[0].workerId : 0;
    expect(givenTo(cluster, workerId)).toEqual([0, 1, 2, 3, 4]);
    cluster.finish(workerId, 5);
    expect(cluster.finishedOf(1)).toEqual([4]);
    expect(cluster.state.objectCount).toBe(1);
  });

  test("each input that is not there is named with the attempt that makes it, at the same worker", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    const [assign] = submit(cluster, chain(2));
    expect(assign?.kind === "assign" && [...assign.batch.inputTasks]).toEqual([
      assign?.kind === "assign" && assign.batch.tasks[0],
    ]);
    expect(assign?.kind === "assign" && [...assign.batch.inputAttempts]).toEqual([1]);
    expect(assign?.kind === "assign" && [...assign.batch.inputHolders]).toEqual([1]);
  });

  test("a tree's inner tasks go where all of their inputs are made", () => {
    // Leaves that take a while: a tree of trivial ones is not worth a message to a second worker.
    const cluster = createFakeCluster();
    cluster.join(1);
    cluster.join(2);
    submit(cluster, [
      { type: "run" },
      { type: "run" },
      { type: "run" },
      { type: "run" },
      { inputs: [0, 1] },
      { inputs: [2, 3] },
      { inputs: [4, 5], result: true },
    ]);
    expect([givenTo(cluster, 1), givenTo(cluster, 2)]).toEqual([
      [0, 1, 4],
      [2, 3, 5],
    ]);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([6]);
  });

  test("a tree that takes less time than a message stays on one worker", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    cluster.join(2);
    submit(cluster, [
      { type: "const" },
      { type: "const" },
      { type: "const" },
      { type: "const" },
      { inputs: [0, 1] },
      { inputs: [2, 3] },
      { inputs: [4, 5], result: true },
    ]);
    expect([givenTo(cluster, 1).length, givenTo(cluster, 2)]).toEqual([7, []]);
  });

  test("is nothing where it is switched off", () => {
    const cluster = createFakeCluster({ givesAhead: false });
    cluster.join(1);
    submit(cluster, chain(3));
    expect(givenTo(cluster, 1)).toEqual([0]);
  });

  test("is nothing of unknown length: a program or function of which none has run", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, [{ type: "const" }, { type: "run", inputs: [0], result: true }]);
    expect(givenTo(cluster, 1)).toEqual([0]);
    cluster.finishAll();
    // One has run by now, and was short.
    submit(cluster, [{ type: "const" }, { type: "run", inputs: [10], result: true }], 10);
    expect(givenTo(cluster, 1)).toEqual([10, 11]);
  });

  test("is nothing that takes long", () => {
    const cluster = createFakeCluster({ durationUs: 1_000_000 });
    cluster.join(1);
    submit(cluster, [{ type: "const" }, { type: "run", inputs: [0], result: true }]);
    cluster.finishAll();
    submit(cluster, [{ type: "const" }, { type: "run", inputs: [10], result: true }], 10);
    expect(givenTo(cluster, 1)).toEqual([10]);
  });

  test("is little of a chain that is long", () => {
    const cluster = createFakeCluster({ durationUs: 1_000 });
    cluster.join(1, 1);
    submit(cluster, chain(20));
    cluster.finish(1, 20);
    submit(cluster, chain(1000, 100), 100);
    // The window is full after 50 of 1 ms.
    expect(givenTo(cluster, 1).length).toBeLessThan(60);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([19, 1099]);
  });

  test("is no dynamic task, and nothing that waits for one", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, [
      { type: "const" },
      { type: "dget", inputs: [0] },
      { inputs: [1] },
      { inputs: [2], result: true },
    ]);
    expect(givenTo(cluster, 1)).toEqual([0]);
    cluster.finish(1, 1, 3);
    // The three pieces, what uses them, and what uses those.
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([3]);
  });

  test("is nothing that another worker's kind is needed for", () => {
    const cluster = createFakeCluster();
    cluster.join(1, 1);
    cluster.join(2, 8);
    const big = [{ resource: CPUS, amount: 8 }];
    submit(cluster, [
      { type: "const", request: [{ resource: CPUS, amount: 1 }] },
      { inputs: [0], request: big, result: true },
    ]);
    const workerId = givenTo(cluster, 1).length > 0 ? 1 : 2;
    expect(givenTo(cluster, 1)).toEqual(workerId === 1 ? [0] : []);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([1]);
  });
});

test("of a fork, one goes ahead while others have less to do, and else all", () => {
  const fork: TestTask[] = [
    { type: "const" },
    ...Array.from({ length: 4 }, (): TestTask => ({ type: "save", inputs: [0] })),
    { inputs: [1, 2, 3], result: true },
    // Longer than the others, so that it is the most urgent.
    { inputs: [4] },
    { inputs: [6], result: true },
  ];
  const alone = createFakeCluster();
  alone.join(1);
  submit(alone, fork);
  expect(givenTo(alone, 1)).toEqual([0, 4, 1, 2, 3, 5, 6, 7]);
  const beside = createFakeCluster();
  beside.join(1);
  beside.join(2);
  submit(beside, fork);
  const at = givenTo(beside, 1).length > 0 ? 1 : 2;
  expect(givenTo(beside, at)).toEqual([0, 4, 6, 7]);
  beside.finishAll();
  expect(beside.finishedOf(1).sort()).toEqual([5, 7]);
});

describe("what was given ahead is taken back", () => {
  test("when the worker gives back what it waits for, and is given again with it", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, chain(4));
    const commands = giveBack(cluster, 1, 0);
    expect(named(commands, "cancel")).toEqual(["1", "1", "1"]);
    expect(named(commands, "assign")).toEqual(["0.2 at 1", "1.2 at 1", "2.2 at 1", "3.2 at 1"]);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([3]);
  });

  test("when its worker is lost, with what that has done", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, chain(4));
    cluster.finish(1, 2);
    cluster.step({ kind: "worker-lost", workerId: 1 });
    expect(cluster.state.objectCount).toBe(0);
    cluster.join(2);
    expect(givenTo(cluster, 2)).toEqual([0, 1, 2, 3]);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([3]);
  });

  test("when an input of its input is lost", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, chain(4));
    const [source] = refsOf(cluster, 1, 0).tasks;
    cluster.finish(1, 1);
    const commands = cluster.step({
      kind: "replicas-missing",
      workerId: 1,
      refs: { tasks: Uint32Array.of(source ?? 0), attempts: Uint32Array.of(1) },
    });
    expect(named(commands, "cancel")).toEqual(["1", "1", "1"]);
    expect(named(commands, "assign")).toEqual(["0.2 at 1", "1.2 at 1", "2.2 at 1", "3.2 at 1"]);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([3]);
  });

  test("when its input cannot get what it needs, or fails", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, chain(3));
    const first = refsOf(cluster, 1, 0);
    cluster.given.get(1)?.shift();
    const commands = cluster.step({
      kind: "inputs-unreachable",
      workerId: 1,
      refs: first,
      inputs: first,
      holders: Uint32Array.of(7),
    });
    expect(named(commands, "cancel")).toEqual(["1", "1"]);
    const again = refsOf(cluster, 1, 0);
    cluster.given.get(1)?.shift();
    const failed = cluster.step({
      kind: "task-failed",
      workerId: 1,
      task: again.tasks[0] ?? 0,
      attempt: again.attempts[0] ?? 0,
      failure: { message: "no" },
    });
    expect(named(failed, "cancel")).toEqual(["2", "2"]);
    expect(cluster.state.tasks.liveCount).toBe(0);
    expect(givenTo(cluster, 1)).toEqual([]);
  });

  test("when the checkpoint that its input was to be loaded from is missing", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    cluster.step({
      kind: "plan-submitted",
      clientId: 1,
      plan: planOfTasks([
        { type: "const" },
        { inputs: [0], checkpoint: "/c" },
        { inputs: [1], result: true },
      ]),
      loadable: Uint8Array.of(0, 1, 0),
    });
    expect(givenTo(cluster, 1)).toEqual([1, 2]);
    const refs = refsOf(cluster, 1, 1);
    cluster.given.get(1)?.shift();
    const commands = cluster.step({ kind: "checkpoints-missing", workerId: 1, refs });
    expect(named(commands, "cancel")).toEqual(["1"]);
    expect(named(commands, "assign")).toEqual(["0.1 at 1", "1.2 at 1", "2.2 at 1"]);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([2]);
  });

  test("with the client", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, chain(3));
    const commands = cluster.step({ kind: "client-left", clientId: 1 });
    expect(named(commands, "cancel").length).toBe(3);
    expect(cluster.state.tasks.liveCount).toBe(0);
  });
});

describe("a worker that says more than the server knows", () => {
  test("has nothing kept of what it made of an attempt that was taken back", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, chain(2));
    const both = [...(cluster.given.get(1) ?? [])];
    giveBack(cluster, 1, 0);
    const commands = cluster.step({
      kind: "tasks-finished",
      workerId: 1,
      finished: finishedTasks(both.filter(({ clientTask }) => clientTask === 1)),
    });
    expect(commands).toMatchObject([{ kind: "drop", workerId: 1 }]);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([1]);
  });

  test("is not believed that a task is finished whose input it has not made", () => {
    const cluster = createFakeCluster();
    cluster.join(1);
    submit(cluster, chain(3));
    const [, second] = cluster.given.get(1) ?? [];
    const finished = finishedTasks(second === undefined ? [] : [second]);
    cluster.given.set(1, (cluster.given.get(1) ?? []).slice(0, 1));
    const commands = cluster.step({ kind: "tasks-finished", workerId: 1, finished });
    expect(commands.map(({ kind }) => kind)).toEqual(["cancel", "drop"]);
    cluster.finishAll();
    expect(cluster.finishedOf(1)).toEqual([2]);
  });
});

test("what an idle worker is to get is asked back only where it could begin", () => {
  const cluster = createFakeCluster({ durationUs: 15_000 });
  const cpu = [{ resource: CPUS, amount: 1 }];
  cluster.join(1, 1);
  const heads: TestTask[] = Array.from({ length: 8 }, () => ({ type: "run", request: cpu }));
  const pairs = (idBase: number): TestTask[] => [
    ...heads,
    ...heads.map((_, i) => ({ inputs: [idBase + i], request: cpu, result: true })),
  ];
  submit(cluster, pairs(0));
  cluster.finishAll();
  // Beside such a round trip, they are short.
  cluster.step({ kind: "round-trip-measured", workerId: 1, roundTripMs: 2 });
  submit(cluster, pairs(100), 100);
  const isHead = ({ clientTask }: { readonly clientTask: number }): boolean => clientTask < 108;
  expect(cluster.given.get(1)?.every(isHead)).toBe(false);
  cluster.join(2, 1);
  const asked = cluster.commands.flatMap((command) =>
    command.kind === "retract" ? [...command.refs.tasks] : [],
  );
  const couldBegin = cluster.given
    .get(1)
    ?.filter(isHead)
    .map(({ task }) => task);
  for (const task of asked) expect(couldBegin).toContain(task);
  cluster.finishAll();
  expect(cluster.finishedOf(1).length).toBe(16);
});
