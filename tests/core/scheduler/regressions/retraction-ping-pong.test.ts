import { expect, test } from "vitest";
import { CPUS } from "../../../../src/core/model/symbols.ts";
import { createFakeCluster, finishedTasks } from "../fake-cluster.ts";
import { planOfTasks } from "../plans.ts";

/** Found by simulation: merge-tree with flaky pulls, seed 1014, where a task came back 17 times. */
test("what a busy worker gives back goes to the idle one it was asked back for", () => {
  const cluster = createFakeCluster();
  const request = [{ resource: CPUS, amount: 1 }];
  cluster.join(1, 1);
  const submit = (taskCount: number, idBase: number) =>
    cluster.step({
      kind: "plan-submitted",
      clientId: 1,
      plan: planOfTasks(
        Array.from({ length: taskCount }, () => ({ type: "run", result: true, request }) as const),
        idBase,
      ),
      loadable: undefined,
    });
  // The scheduler learns that such a task takes long, and then gives as many as have room.
  submit(1, 0);
  const first = (cluster.given.get(1) ?? []).splice(0, 1);
  const finished = { ...finishedTasks(first), durationsUs: Float32Array.of(30_000) };
  cluster.step({ kind: "tasks-finished", workerId: 1, finished });
  submit(3, 1);
  expect(cluster.given.get(1)).toHaveLength(3);
  cluster.join(2, 1);
  const retracts = cluster.commands.flatMap((command) =>
    command.kind === "retract" ? [command] : [],
  );
  expect(retracts).toMatchObject([{ workerId: 1 }]);
  const refs = retracts[0]?.refs ?? finished;
  const commands = cluster.step({ kind: "tasks-returned", workerId: 1, refs });
  expect(commands.map(({ kind }) => kind)).toEqual(["assign"]);
  expect(commands).toMatchObject([{ workerId: 2, batch: { tasks: refs.tasks } }]);
});
