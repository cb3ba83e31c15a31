import { expect, test } from "vitest";
import { BUILTIN_SYMBOLS, CPUS } from "../../../../src/core/model/symbols.ts";
import { createFakeCluster } from "../fake-cluster.ts";
import { planOfTasks } from "../plans.ts";

const GPUS = BUILTIN_SYMBOLS.length;

/** Found by simulation: merge-tree with flaky pulls, seed 1014. */
test("a copy that is given up because nobody can pull it is dropped where it is", () => {
  const cluster = createFakeCluster();
  const submit = (plan: ReturnType<typeof planOfTasks>) =>
    cluster.step({ kind: "plan-submitted", clientId: 1, plan, loadable: undefined });
  cluster.join(1);
  submit(planOfTasks([{ type: "const", result: true }]));
  const [input] = cluster.given.get(1) ?? [];
  cluster.finish(1);
  const offer = [
    { resource: CPUS, amount: 1 },
    { resource: GPUS, amount: 1 },
  ];
  cluster.step({ kind: "worker-joined", workerId: 2, name: "host:2", offer });
  const request = [{ resource: GPUS, amount: 1 }];
  submit(planOfTasks([{ inputs: [0], result: true, request }], 1));

  const refs = (named: { readonly task: number; readonly attempt: number } | undefined) => ({
    tasks: Uint32Array.of(named?.task ?? -1),
    attempts: Uint32Array.of(named?.attempt ?? -1),
  });
  let dropped = false;
  for (let round = 0; round < 10 && !dropped; round += 1) {
    const commands = cluster.step({
      kind: "inputs-unreachable",
      workerId: 2,
      refs: refs(cluster.given.get(2)?.pop()),
      inputs: refs(input),
      holders: Uint32Array.of(1),
    });
    dropped = commands.some(
      (command) =>
        command.kind === "drop" && command.workerId === 1 && command.refs.tasks[0] === input?.task,
    );
  }
  expect(dropped).toBe(true);
  cluster.finishAll();
  expect(cluster.finishedOf(1)).toEqual([0, 1]);
});

test("a reader that cannot have a copy from one holder is sent to another", () => {
  const cluster = createFakeCluster();
  cluster.join(1);
  cluster.step({
    kind: "plan-submitted",
    clientId: 1,
    plan: planOfTasks([{ type: "const", result: true }]),
    loadable: undefined,
  });
  const { task = -1, attempt = -1 } = cluster.given.get(1)?.[0] ?? {};
  cluster.finish(1);
  cluster.join(2);
  const refs = { tasks: Uint32Array.of(task), attempts: Uint32Array.of(attempt) };
  cluster.step({ kind: "replicas-added", workerId: 2, refs });
  const offer = [{ resource: GPUS, amount: 1 }];
  cluster.step({ kind: "worker-joined", workerId: 3, name: "host:3", offer });
  const request = [{ resource: GPUS, amount: 1 }];
  const plan = planOfTasks([{ inputs: [0], result: true, request }], 1);
  cluster.step({ kind: "plan-submitted", clientId: 1, plan, loadable: undefined });

  const lastHolder = (): number | undefined => {
    const last = cluster.commands.findLast((command) => command.kind === "assign");
    return last?.kind === "assign" ? last.batch.inputHolders[0] : undefined;
  };
  const holder = lastHolder();
  expect([1, 2]).toContain(holder);
  const given = cluster.given.get(3)?.pop();
  cluster.step({
    kind: "inputs-unreachable",
    workerId: 3,
    refs: {
      tasks: Uint32Array.of(given?.task ?? -1),
      attempts: Uint32Array.of(given?.attempt ?? -1),
    },
    inputs: refs,
    holders: Uint32Array.of(holder ?? -1),
  });
  expect(lastHolder()).toBe(holder === 1 ? 2 : 1);
});
