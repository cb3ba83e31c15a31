import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IntArena } from "../../../src/core/base/int-arena.ts";
import { IntervalSet } from "../../../src/core/base/interval-set.ts";
import { PagedIndex } from "../../../src/core/base/paged-index.ts";
import { PriorityQueues } from "../../../src/core/base/priority-queues.ts";
import { createRandom } from "../../../src/core/base/random.ts";

const KEYS = fc.oneof(
  fc.integer({ min: -300, max: 600 }),
  fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, -1, 0),
);

test("PagedIndex is a map from int32 to rows", () => {
  const action = fc.record({ key: KEYS, row: fc.nat(100), remove: fc.boolean() });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
      const index = new PagedIndex();
      const oracle = new Map<number, number>();
      for (const { key, row, remove } of actions) {
        if (remove) {
          index.delete(key);
          oracle.delete(key);
        } else {
          index.set(key, row);
          oracle.set(key, row);
        }
        expect(index.size).toBe(oracle.size);
        for (const { key: other } of actions) {
          expect(index.get(other)).toBe(oracle.get(other) ?? -1);
        }
      }
    }),
    { numRuns: 50 },
  );
});

test("IntervalSet is a set of numbers", () => {
  const interval = fc.record({ start: fc.integer({ min: -20, max: 60 }), length: fc.nat(8) });
  fc.assert(
    fc.property(fc.array(interval, { maxLength: 20 }), (intervals) => {
      const set = new IntervalSet();
      const oracle = new Set<number>();
      for (const { start, length } of intervals) {
        set.add(start, start + length);
        for (let value = start; value < start + length; value += 1) oracle.add(value);
      }
      for (let value = -25; value < 75; value += 1) expect(set.has(value)).toBe(oracle.has(value));
    }),
  );
});

describe("PriorityQueues", () => {
  type Entry = { row: number; priority: number };

  test("give rows by priority, then in order, and lose those that are removed", () => {
    const action = fc.record({
      kind: fc.constantFrom("push", "push", "pop", "remove"),
      queue: fc.nat(2),
      row: fc.nat(30),
      priority: fc.nat(4),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 150 }), (actions) => {
        const queues = new PriorityQueues();
        const ids = [queues.createQueue(), queues.createQueue(), queues.createQueue()];
        const oracle: Entry[][] = [[], [], []];
        const find = (row: number) => oracle.findIndex((list) => list.some((e) => e.row === row));
        for (const { kind, queue, row, priority } of actions) {
          const id = ids[queue] ?? 0;
          const list = oracle[queue] ?? [];
          if (kind === "push" && find(row) === -1) {
            queues.push(id, row, priority);
            list.push({ row, priority });
            // Stable, so rows of equal priority stay in the order of their coming.
            list.sort((a, b) => b.priority - a.priority);
          } else if (kind === "pop") {
            expect(queues.pop(id)).toBe(list.shift()?.row ?? -1);
          } else if (kind === "remove") {
            queues.remove(row);
            const at = find(row);
            if (at !== -1) oracle[at] = (oracle[at] ?? []).filter((entry) => entry.row !== row);
          }
          oracle.forEach((entries, at) => {
            const queueId = ids[at] ?? 0;
            expect(queues.count(queueId)).toBe(entries.length);
            expect(queues.peek(queueId)).toBe(entries[0]?.row ?? -1);
            const top = entries.filter((entry) => entry.priority === entries[0]?.priority);
            expect(queues.peekLast(queueId)).toBe(top.at(-1)?.row ?? -1);
            if (entries.length > 0) expect(queues.topPriority(queueId)).toBe(entries[0]?.priority);
            const last = queues.lastRows(queueId, 3, () => true);
            const byPriority = [...entries].reverse().slice(0, 3);
            expect(last).toEqual(byPriority.map((entry) => entry.row));
          });
        }
      }),
    );
  });
});

test("IntArena gives blocks that do not meet, and gives all back when nothing lives", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(200), { maxLength: 100 }), fc.nat(), (sizes, seed) => {
      const random = createRandom(seed);
      const arena = new IntArena();
      const live: { offset: number; size: number; mark: number }[] = [];
      sizes.forEach((size, mark) => {
        const offset = arena.allocate(size);
        arena.items.fill(mark, offset, offset + size);
        live.push({ offset, size, mark });
        if (random.unit() < 0.4) {
          const [gone] = live.splice(random.below(live.length), 1);
          if (gone !== undefined) arena.free(gone.offset, gone.size);
        }
        for (const block of live) {
          const items = arena.items.subarray(block.offset, block.offset + block.size);
          expect(items.every((item) => item === block.mark)).toBe(true);
        }
      });
      for (const block of live) arena.free(block.offset, block.size);
      expect(arena.liveItems).toBe(0);
      expect(arena.items.length).toBeLessThan(2 ** 15);
    }),
    { numRuns: 50 },
  );
});

test("a seed always gives the same numbers, spread over the unit interval", () => {
  const draw = (seed: number) => {
    const random = createRandom(seed);
    return Array.from({ length: 1000 }, () => random.unit());
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  const mean = draw(7).reduce((sum, value) => sum + value, 0) / 1000;
  expect(mean).toBeGreaterThan(0.45);
  expect(mean).toBeLessThan(0.55);
});
