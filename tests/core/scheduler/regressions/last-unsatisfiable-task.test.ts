import { expect, test } from "vitest";
import { CPUS } from "../../../../src/core/model/symbols.ts";
import { createSchedulerState } from "../../../../src/core/scheduler/state.ts";
import { stepScheduler } from "../../../../src/core/scheduler/step.ts";
import { planOfTasks } from "../plans.ts";

// The request's class, and its queue, went with the last task that was failed; the loop asked that
// queue for the next task, and the server stopped.
test("the last task of a request that nobody can satisfy fails, and the server goes on", () => {
  const state = createSchedulerState();
  const offer = [{ resource: CPUS, amount: 2 }];
  stepScheduler(state, { kind: "worker-joined", atMs: 0, workerId: 1, name: "host:1", offer });
  const request = [{ resource: CPUS, amount: 9 }];
  const plan = planOfTasks([
    { type: "const", request, result: true },
    { type: "const", request, result: true },
  ]);
  stepScheduler(state, { kind: "plan-submitted", atMs: 1, clientId: 1, plan, loadable: undefined });
  const commands = stepScheduler(state, { kind: "time-passed", atMs: 70_000 });
  expect(commands.filter(({ kind }) => kind === "notify-failed")).toHaveLength(1);
  expect(state.tasks.liveCount).toBe(0);
  expect(stepScheduler(state, { kind: "time-passed", atMs: 71_000 })).toEqual([]);
});
