import { describe, expect, test } from "vitest";
import { CPUS } from "../../../src/core/model/symbols.ts";
import { createFakeCluster } from "./fake-cluster.ts";
import { planOfTasks, type TestTask } from "./plans.ts";

const ONE_CPU = [{ resource: CPUS, amount: 1 }];

/**
 * Sources that take long, each with a consumer: as many ready tasks as sources, while each finished
 * one makes one more ready. Returns what one event costs while nearly all of them are still ready.
 */
function costPerEvent(readyTasks: number, workers: number) {
  const cluster = createFakeCluster({ check: false, durationUs: 100_000 });
  const tasks: TestTask[] = [];
  for (let i = 0; i < readyTasks; i += 1) tasks.push({ type: "run", request: ONE_CPU });
  for (let i = 0; i < readyTasks; i += 1) {
    tasks.push({ type: "run", inputs: [i], request: ONE_CPU, result: true });
  }
  for (let worker = 1; worker <= workers; worker += 1) cluster.join(worker);
  cluster.step({
    kind: "plan-submitted",
    clientId: 1,
    plan: planOfTasks(tasks),
    loadable: undefined,
  });
  const events = 400;
  const before = { ...cluster.state.counters };
  for (let event = 0; event < events; event += 1) cluster.finish(1 + (event % workers));
  const after = cluster.state.counters;
  expect(after.tasksFinished - before.tasksFinished).toBe(events);
  return {
    candidates: (after.placementCandidates - before.placementCandidates) / events,
    rows: (after.rowsTouched - before.rowsTouched) / events,
  };
}

describe("an event costs the same", () => {
  const base = costPerEvent(1_000, 10);

  test.each([
    [100_000, 10],
    [1_000, 100],
    [100_000, 100],
  ])("with %d ready tasks and %d workers", (readyTasks, workers) => {
    const cost = costPerEvent(readyTasks, workers);
    expect(cost.candidates / base.candidates).toBeGreaterThan(0.9);
    expect(cost.candidates / base.candidates).toBeLessThan(1.1);
    expect(cost.rows / base.rows).toBeGreaterThan(0.9);
    expect(cost.rows / base.rows).toBeLessThan(1.1);
  });
});
