import { describe, expect, test } from "vitest";
import { TASK_TYPE } from "../../src/core/model/symbols.ts";
import { createOracle } from "../../src/simulator/checkers/oracle.ts";
import { isSameValue } from "../../src/simulator/values.ts";
import { createPlanBuilder } from "../../src/simulator/workloads/plan-builder.ts";

const createPlan = () => createPlanBuilder({ taskCount: 0, seed: 1, saltBase: 100 });

describe("the oracle", () => {
  test("a dget over an array equals the tasks that it stands for", () => {
    const plan = createPlan();
    const parts = [plan.run([]), plan.run([]), plan.run([])];
    const array = plan.add(TASK_TYPE.arrayMake, parts);
    const each = plan.add(TASK_TYPE.dget, [array]);
    const work = { salt: 77 };
    const mapped = plan.run([each, parts[0] ?? 0], { work });
    const joined = plan.merge([parts[1] ?? 0, mapped], { isResult: true });
    const byHand = parts.map((part) => plan.run([part, parts[0] ?? 0], { work }));
    const expected = plan.merge([parts[1] ?? 0, ...byHand]);
    const { outcomes } = createOracle([plan.build()]);
    const [left, right] = [outcomes.get(joined), outcomes.get(expected)];
    expect(left?.kind === "value" && right?.kind === "value").toBe(true);
    if (left?.kind === "value" && right?.kind === "value") {
      expect(isSameValue(left.value, right.value)).toBe(true);
    }
  });

  test("what needs a failing task fails, and nothing else", () => {
    const plan = createPlan();
    const sound = plan.run([], { isResult: true });
    const failing = plan.run([], { work: { fails: true } });
    const consumer = plan.run([sound, failing]);
    const last = plan.merge([consumer], { isResult: true });
    const oracle = createOracle([plan.build()]);
    expect(oracle.outcomes.get(sound)?.kind).toBe("value");
    expect(oracle.outcomes.get(last)?.kind).toBe("failed");
    expect([...oracle.neededBy([last])].sort()).toEqual([sound, failing, consumer, last]);
  });

  test("edges of tasks that no result needs do not count", () => {
    const plan = createPlan();
    const source = plan.run([], { work: { sizeBytes: 1000 } });
    plan.run([source, source], { isResult: true });
    plan.run([source]);
    expect(createOracle([plan.build()]).edgeBytes).toBe(2000);
  });
});
