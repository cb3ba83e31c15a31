import { expect, test } from "vitest";
import { LateEdges } from "../../../src/core/scheduler/late-edges.ts";

const consumersOf = (edges: LateEdges, row: number, isCurrent: (consumer: number) => boolean) => {
  const consumers: number[] = [];
  edges.forEach(row, isCurrent, (consumer) => consumers.push(consumer));
  return consumers;
};

test("each place of each consumer is visited, until the row is forgotten", () => {
  const edges = new LateEdges();
  for (const consumer of [5, 5, 7]) edges.add(1, consumer, 1, () => true);
  edges.add(2, 9, 1, () => true);
  expect(consumersOf(edges, 1, () => true).sort()).toEqual([5, 5, 7]);
  edges.delete(1);
  expect(consumersOf(edges, 1, () => true)).toEqual([]);
  expect(consumersOf(edges, 2, () => true)).toEqual([9]);
});

test("a row that many consumers use one after another costs each of them the same", () => {
  const edges = new LateEdges();
  let looks = 0;
  const count = 50_000;
  for (let consumer = 0; consumer < count; consumer += 1) {
    edges.add(1, consumer, consumer, (other) => {
      looks += 1;
      // All but the newest ten are gone.
      return other > consumer - 10;
    });
  }
  expect(looks / count).toBeLessThan(3);
  expect(consumersOf(edges, 1, (other) => other >= count - 10)).toHaveLength(10);
});
