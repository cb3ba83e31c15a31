import { expect, test } from "vitest";
import { CPUS } from "../../../src/core/model/symbols.ts";
import { createFakeCluster, type FakeCluster } from "./fake-cluster.ts";
import { planOfTasks, type TestTask } from "./plans.ts";

const HOUR_US = 3.6e9;
const ONE_CPU = [{ resource: CPUS, amount: 1 }];

function submit(cluster: FakeCluster, tasks: readonly TestTask[], idBase: number): void {
  const plan = planOfTasks(tasks, idBase);
  cluster.step({ kind: "plan-submitted", clientId: 1, plan, loadable: undefined });
}

/** Lets the scheduler see how long a task of the label takes. */
function teach(cluster: FakeCluster, task: TestTask, durationUs: number, idBase: number): void {
  submit(cluster, [task], idBase);
  cluster.finish(1, 1, 0, durationUs);
}

test("beside a task that takes an hour, the other cpu gets short ones", () => {
  const cluster = createFakeCluster();
  cluster.join(1, 2);
  const long = { type: "run", request: ONE_CPU, label: "long:1", result: true } as const;
  const short = { type: "run", request: ONE_CPU, label: "short:1", result: true } as const;
  teach(cluster, long, HOUR_US, 0);
  teach(cluster, short, 1_000, 1);
  submit(cluster, [long], 2);
  submit(cluster, [short, short], 3);
  expect(cluster.given.get(1)).toMatchObject([{ clientTask: 2 }, { clientTask: 3 }]);
});

test("trivial tasks with one consumer stay together, those that take time are shared out", () => {
  for (const [type, workers] of [
    ["const", 1],
    ["run", 2],
  ] as const) {
    const cluster = createFakeCluster();
    cluster.join(1, 64);
    cluster.join(2, 64);
    const inputs = Array.from({ length: 20 }, (_, i) => i);
    const sources = inputs.map(() => ({ type, request: type === "run" ? ONE_CPU : [] }));
    submit(cluster, [...sources, { inputs, result: true }], 0);
    expect([...cluster.given.values()].filter((given) => given.length > 0)).toHaveLength(workers);
  }
});

test("a light program that takes an hour does not keep built-in tasks waiting", () => {
  const cluster = createFakeCluster();
  cluster.join(1, 2);
  const long = { type: "run", label: "long:1", result: true } as const;
  teach(cluster, long, HOUR_US, 0);
  submit(cluster, [long], 1);
  submit(cluster, [{ type: "const", result: true }], 2);
  expect(cluster.given.get(1)).toMatchObject([{ clientTask: 1 }, { clientTask: 2 }]);
});
