import fc from "fast-check";
import { expect, test } from "vitest";
import { ColdQueue } from "../../../../src/core/worker/memory/cold-queue.ts";

test("what came first goes first, but not what was used since", () => {
  const queue = new ColdQueue();
  for (const entry of [7, 3, 9]) queue.add(entry, 100);
  queue.use(7);
  expect([...queue.takeColdest(150)]).toEqual([3, 9]);
  expect(queue.totalBytes).toBe(100);
  expect([...queue.takeColdest(1)]).toEqual([7]);
  expect([...queue.takeColdest(1)]).toEqual([]);
});

test("a use counts once, and all entries in use are no obstacle", () => {
  const queue = new ColdQueue();
  for (const entry of [0, 1, 2]) queue.add(entry, 10);
  for (const entry of [0, 1, 2]) queue.use(entry);
  expect([...queue.takeColdest(20)]).toEqual([0, 1]);
});

test("whatever comes and goes, its bytes and entries are those that are there", () => {
  const steps = fc.array(
    fc.record({ kind: fc.constantFrom("add", "use", "remove", "take"), entry: fc.nat(40) }),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(steps, (all) => {
      const queue = new ColdQueue();
      const there = new Map<number, number>();
      for (const { kind, entry } of all) {
        if (kind === "add" && !there.has(entry)) {
          queue.add(entry, entry + 1);
          there.set(entry, entry + 1);
        } else if (kind === "use") queue.use(entry);
        else if (kind === "remove") {
          queue.remove(entry);
          there.delete(entry);
        } else if (kind === "take") {
          const total = queue.totalBytes;
          const taken = [...queue.takeColdest(entry)];
          for (const one of taken) expect(there.delete(one)).toBe(true);
          expect(total - queue.totalBytes).toBeGreaterThanOrEqual(Math.min(total, entry));
        }
        expect(queue.count).toBe(there.size);
        expect(queue.totalBytes).toBe([...there.values()].reduce((sum, size) => sum + size, 0));
        expect(queue.has(entry)).toBe(there.has(entry));
      }
    }),
  );
});
