import { expect, test } from "vitest";
import { FLAG_LOAD_CHECKPOINT, FLAG_RESULT } from "../../../../src/core/model/batches.ts";
import { createFakeCluster } from "../fake-cluster.ts";
import { planOfTasks } from "../plans.ts";

/** Found by simulation: checkpoints with vanishing files, seed 9. */
test("a checkpoint that was not needed at first is loaded when a later one turns out to be missing", () => {
  const cluster = createFakeCluster();
  cluster.join(1);
  cluster.step({
    kind: "plan-submitted",
    clientId: 1,
    plan: planOfTasks([
      { type: "const" },
      { inputs: [0], checkpoint: "/early" },
      { inputs: [1], checkpoint: "/late", result: true },
    ]),
    loadable: Uint8Array.of(0, 1, 1),
  });
  const late = cluster.given.get(1)?.splice(0) ?? [];
  expect(late.map(({ clientTask }) => clientTask)).toEqual([2]);
  const commands = cluster.step({
    kind: "checkpoints-missing",
    workerId: 1,
    refs: {
      tasks: Uint32Array.from(late, ({ task }) => task),
      attempts: Uint32Array.from(late, ({ attempt }) => attempt),
    },
  });
  expect(commands).toMatchObject([
    {
      kind: "assign",
      batch: {
        // What needs it is given ahead.
        clientTasks: Int32Array.of(1, 2),
        flags: Uint8Array.of(FLAG_LOAD_CHECKPOINT, FLAG_RESULT),
      },
    },
  ]);
});
