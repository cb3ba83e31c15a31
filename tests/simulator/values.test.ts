import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TASK_TYPE } from "../../src/core/model/symbols.ts";
import { encodeTaskWork, type TaskWork } from "../../src/simulator/task-work.ts";
import { evaluateTask, isSameValue, type SimulatedValue } from "../../src/simulator/values.ts";

const work = (changes: Partial<TaskWork>): Uint8Array =>
  encodeTaskWork({
    durationUs: 1,
    sizeBytes: 10,
    salt: 0,
    operation: "hash",
    fails: false,
    failures: 0,
    pieces: 0,
    ...changes,
  });

function evaluate(
  taskType: number,
  config: Uint8Array,
  inputs: readonly SimulatedValue[],
): SimulatedValue {
  const evaluation = evaluateTask(taskType, config, inputs);
  if (evaluation.kind === "failure") throw new Error(evaluation.message);
  return evaluation.value;
}

const leaf = (salt: number): SimulatedValue => evaluate(TASK_TYPE.run, work({ salt }), []);
const merge = (inputs: readonly SimulatedValue[]): SimulatedValue =>
  evaluate(TASK_TYPE.merge, work({}), inputs);

function u64s(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setUint32(8 * index, value, true);
  return bytes;
}

describe("simulated values", () => {
  test("a merge of merges is the merge of all, and order matters", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(), { minLength: 2, maxLength: 12 }),
        fc.nat(),
        (salts, at) => {
          const leaves = salts.map(leaf);
          const cut = at % (leaves.length + 1);
          const all = merge(leaves);
          const parts = [merge(leaves.slice(0, cut)), merge(leaves.slice(cut))];
          expect(isSameValue(merge(parts), all)).toBe(true);
          expect(isSameValue(merge([...leaves].reverse()), all)).toBe(false);
        },
      ),
    );
  });

  test("a fold of the slices of an array or an index is a fold of the whole", () => {
    const array = evaluate(TASK_TYPE.arrayMake, work({}), [1, 2, 3, 4, 5].map(leaf));
    const index = evaluate(TASK_TYPE.split, work({ pieces: 5 }), [leaf(1)]);
    for (const whole of [array, index]) {
      const fold = (value: SimulatedValue): SimulatedValue =>
        evaluate(TASK_TYPE.run, work({ operation: "fold" }), [value]);
      const pieces = [u64s(0, 2), u64s(2, 4), u64s(4, 6)].map((config) =>
        fold(evaluate(TASK_TYPE.slice, config, [whole])),
      );
      expect(isSameValue(merge(pieces), fold(whole))).toBe(true);
    }
  });

  test("get takes the item, and fails beyond the end", () => {
    const array = evaluate(TASK_TYPE.arrayMake, work({}), [leaf(1), leaf(2)]);
    expect(evaluate(TASK_TYPE.get, u64s(1), [array])).toEqual(leaf(2));
    expect(evaluateTask(TASK_TYPE.get, u64s(2), [array]).kind).toBe("failure");
  });

  test("values depend on type, salt and every input", () => {
    const inputs = [leaf(1), leaf(2)];
    const value = evaluate(TASK_TYPE.run, work({ salt: 9 }), inputs);
    const others = [
      evaluate(TASK_TYPE.run, work({ salt: 8 }), inputs),
      evaluate(TASK_TYPE.save, work({ salt: 9 }), inputs),
      evaluate(TASK_TYPE.run, work({ salt: 9 }), [leaf(1), leaf(3)]),
      evaluate(TASK_TYPE.run, work({ salt: 9 }), [leaf(2), leaf(1)]),
    ];
    for (const other of others) expect(isSameValue(value, other)).toBe(false);
  });
});
