import { expect, test } from "vitest";
import { PlanColumns } from "../../../src/protocol/client/plan-columns.ts";
import { MAX_PLAN_INPUTS, MAX_PLAN_TASKS } from "../../../src/protocol/limits.ts";
import { ProtocolError } from "../../../src/protocol/protocol-error.ts";
import { allocateFor } from "../../../src/protocol/wire/allocate.ts";

test("rows grow as expected, at least to the double, and keep what they hold", () => {
  const columns = new PlanColumns(1);
  columns.taskTypes[0] = 7;
  columns.taskCount = 1;
  columns.inputIds.set([5, 6]);
  columns.inputCount = 2;
  columns.grow(0);
  expect(columns.capacity).toBe(2);
  columns.grow(100);
  expect(columns.capacity).toBe(100);
  expect(columns.taskTypes[0]).toBe(7);
  expect(columns.inputStarts.length).toBe(101);
  expect(columns.inputIds.length).toBe(200);
  expect([...columns.inputIds.subarray(0, 3)]).toEqual([5, 6, 0]);
});

test("a plan of too many tasks or inputs is refused before memory is taken for it", () => {
  const columns = new PlanColumns(1);
  // As if it had grown that far.
  columns.capacity = MAX_PLAN_TASKS;
  expect(() => columns.grow(0)).toThrow(/at most 50000000 tasks/);
  columns.inputIds = { length: MAX_PLAN_INPUTS } as Int32Array;
  expect(() => columns.growInputs()).toThrow(/at most 268435456 inputs/);
});

test("memory that the host does not have is a ProtocolError", () => {
  const tooMuch = (): unknown => allocateFor("a test", () => new Uint8Array(2 ** 52));
  expect(tooMuch).toThrow(ProtocolError);
  expect(tooMuch).toThrow("expected memory for a test, got none");
});
