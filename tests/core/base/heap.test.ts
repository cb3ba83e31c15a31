import fc from "fast-check";
import { expect, test } from "vitest";
import { popHeap, pushHeap } from "../../../src/core/base/heap.ts";

const isBefore = (a: number, b: number): boolean => a < b;

test("what is pushed in any order, with pops between, comes out in order", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer(), { nil: undefined })), (actions) => {
      const heap: number[] = [];
      let model: number[] = [];
      for (const action of actions) {
        if (action === undefined) popHeap(heap, isBefore);
        else pushHeap(heap, action, isBefore);
        model = action === undefined ? model.slice(1) : [...model, action].sort((a, b) => a - b);
        expect([heap.length, heap[0]]).toEqual([model.length, model[0]]);
      }
    }),
  );
});
