import { describe, expect, test } from "vitest";
import { CPUS } from "../../../src/core/model/symbols.ts";
import {
  LEVEL_MAX,
  levelOf,
  priorityBefore,
  priorityOf,
  urgencyOf,
} from "../../../src/core/model/urgency.ts";
import { createFakeCluster, type FakeCluster } from "./fake-cluster.ts";
import { planOfTasks, type TestTask } from "./plans.ts";

const ONE_CPU = [{ resource: CPUS, amount: 1 }];

function submit(
  cluster: FakeCluster,
  tasks: readonly TestTask[],
  idBase: number,
  priority = 0,
): void {
  const plan = planOfTasks(tasks, idBase, { priority });
  cluster.step({ kind: "plan-submitted", clientId: 1, plan, loadable: undefined });
}

const many = (count: number, task: TestTask = {}): TestTask[] =>
  Array.from({ length: count }, () => ({
    type: "const",
    result: true,
    request: ONE_CPU,
    ...task,
  }));

/** Client numbers of all that was assigned, in order. */
const assigned = (cluster: FakeCluster): number[] =>
  cluster.commands.flatMap((command) =>
    command.kind === "assign" ? [...command.batch.clientTasks] : [],
  );

const prioritiesOf = ({ state: { tasks } }: FakeCluster, count: number): number[][] =>
  [...tasks.priority.subarray(0, count)].map((priority) => [
    urgencyOf(priority),
    levelOf(priority),
  ]);

test("urgency and level are one number, which orders by urgency first", () => {
  for (const urgency of [-2_000, -1, 0, 1, 2_000]) {
    for (const level of [1, 77, LEVEL_MAX]) {
      const priority = priorityOf(urgency, level);
      expect([urgencyOf(priority), levelOf(priority)]).toEqual([urgency, level]);
      expect(Math.abs(priority)).toBeLessThan(2 ** 31);
      expect(urgencyOf(priorityBefore(priority))).toBe(urgency);
    }
  }
  expect(priorityOf(1, 1)).toBeGreaterThan(priorityOf(0, LEVEL_MAX));
});

test("without priorities the numbers are the levels, as ever", () => {
  const cluster = createFakeCluster();
  submit(cluster, [{ type: "const" }, { inputs: [0] }, { inputs: [1], result: true }], 0);
  expect(prioritiesOf(cluster, 3)).toEqual([
    [0, 3],
    [0, 2],
    [0, 1],
  ]);
});

test("inputs are as urgent as the most urgent that needs them, unless they say otherwise", () => {
  const cluster = createFakeCluster();
  submit(
    cluster,
    [
      { type: "const" },
      { type: "const", policy: { priority: -3 } },
      { inputs: [0, 1], result: true, policy: { priority: 5 } },
      { inputs: [0], result: true, policy: { priority: -7 } },
      { type: "const" },
      { inputs: [4], result: true, policy: { priority: -7 } },
    ],
    0,
    100,
  );
  expect(prioritiesOf(cluster, 6)).toEqual([
    [105, 2],
    [97, 2],
    [105, 1],
    [93, 1],
    [93, 2],
    [93, 1],
  ]);
});

test("of what waits, the most urgent goes first, whatever came before", () => {
  const cluster = createFakeCluster({ durationUs: 1e6 });
  submit(cluster, many(20), 0);
  submit(cluster, many(3), 100, -1);
  submit(cluster, many(3), 200, 1);
  cluster.join(1, 2);
  for (let i = 0; i < 40; i += 1) cluster.finish(1);
  const order = assigned(cluster);
  expect(order.slice(0, 3)).toEqual([200, 201, 202]);
  expect(order.slice(-3)).toEqual([100, 101, 102]);
});

describe("a worker that was given all that it has room for", () => {
  const busy = (workers = 1): FakeCluster => {
    const cluster = createFakeCluster({ durationUs: 1e6 });
    // So that it is known how long they take.
    for (let workerId = 1; workerId <= workers; workerId += 1) cluster.join(workerId, 2);
    submit(cluster, many(4), 0);
    cluster.finishAll();
    submit(cluster, many(40), 10);
    return cluster;
  };

  test("is given what is urgent at once, as much as it can run", () => {
    const cluster = busy();
    const before = assigned(cluster).length;
    submit(cluster, many(5), 1_000, 1);
    expect(assigned(cluster).slice(before)).toEqual([1_000, 1_001]);
    // An urgent one ends, the next takes its place.
    const given = cluster.given.get(1) ?? [];
    given.sort((a, b) => b.clientTask - a.clientTask);
    cluster.finish(1);
    expect(assigned(cluster).at(-1)).toBe(1_002);
  });

  test("is given nothing more that is no more urgent than what it has", () => {
    const cluster = busy();
    submit(cluster, many(2), 1_000, 1);
    const before = assigned(cluster).length;
    submit(cluster, many(2), 2_000, 1);
    submit(cluster, many(2), 3_000);
    expect(assigned(cluster).slice(before)).toEqual([]);
    submit(cluster, many(2), 4_000, 2);
    expect(assigned(cluster).slice(before)).toEqual([4_000, 4_001]);
  });

  test("and what has inputs goes to who has them", () => {
    const cluster = busy(2);
    submit(cluster, [{ type: "const", result: true }], 900, 1);
    cluster.finishAll();
    submit(cluster, many(40), 2_000);
    const before = assigned(cluster).length;
    submit(cluster, [{ inputs: [900], result: true, request: ONE_CPU }], 1_000, 1);
    expect(assigned(cluster).slice(before)).toEqual([1_000]);
  });
});
