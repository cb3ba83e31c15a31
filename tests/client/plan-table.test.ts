import fc from "fast-check";
import { expect, test } from "vitest";
import type { Future } from "../../src/client/index.ts";
import { PlanTable } from "../../src/client/plan/plan-table.ts";
import { findFuture, type SubmittedPlan } from "../../src/client/plan/submitted-plan.ts";

const LAST_ID = 2 ** 31 - 1;

function plan(idBase: number, taskCount: number, rows: readonly number[] = []): SubmittedPlan {
  const resultIds = Int32Array.from(rows, (row) => idBase + row);
  return {
    idBase,
    taskCount,
    isHidden: false,
    name: undefined,
    futures: Array.from(resultIds, (id) => ({ id }) as Future),
    resultIds,
    earlier: new Set(),
    earlierPlans: new Set(),
    pendingCount: 0,
    heldCount: 0,
    userCount: 0,
    onSettled: undefined,
  };
}

test("ids in use are never handed out, also after the last one", () => {
  const step = fc.record({ count: fc.integer({ min: 1, max: 40 }), remove: fc.nat({ max: 9 }) });
  fc.assert(
    fc.property(fc.nat({ max: 200 }), fc.array(step, { maxLength: 200 }), (room, steps) => {
      const table = new PlanTable(LAST_ID - room);
      const living: SubmittedPlan[] = [];
      for (const { count, remove } of steps) {
        const made = plan(table.takeIds(count), count);
        const isOverlapping = living.some(
          ({ idBase, taskCount }) =>
            idBase < made.idBase + count && made.idBase < idBase + taskCount,
        );
        expect(isOverlapping).toBe(false);
        expect(made.idBase).toBeGreaterThanOrEqual(0);
        expect(made.idBase + count - 1).toBeLessThanOrEqual(LAST_ID);
        table.add(made);
        living.push(made);
        const gone = living[remove];
        if (gone !== undefined) {
          table.remove(gone);
          living.splice(remove, 1);
          expect(table.find(gone.idBase)).not.toBe(gone);
        }
        expect(table.size).toBe(living.length);
        for (const one of living) {
          expect(table.find(one.idBase)).toBe(one);
          expect(table.find(one.idBase + one.taskCount - 1)).toBe(one);
        }
      }
      expect(new Set(table.list())).toEqual(new Set(living));
    }),
  );
});

test("says so when no ids are free", () => {
  const table = new PlanTable();
  table.add(plan(table.takeIds(LAST_ID), LAST_ID));
  expect(table.takeIds(1)).toBe(LAST_ID);
  table.add(plan(LAST_ID, 1));
  expect(() => table.takeIds(1)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
});

test("finds the result of an id among those of its plan", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat({ max: 60 })), fc.nat(), (unsorted, idBase) => {
      const rows = unsorted.sort((a, b) => a - b);
      const made = plan(idBase % 1000, 61, rows);
      for (let row = 0; row <= 60; row++) {
        const found = findFuture(made, made.idBase + row)?.id;
        expect(found).toBe(rows.includes(row) ? made.idBase + row : undefined);
      }
    }),
  );
});
