import { describe, expect, test } from "vitest";
import { CPUS, TASK_TYPE } from "../../../src/core/model/symbols.ts";
import { type Assigned, createTestWorker, type Ref, SELF } from "./builders.ts";

/** Needs what these attempts make here. */
const needing = (task: number, ...inputs: Ref[]): Assigned => ({
  task,
  inputs: inputs.map(([input, attempt]) => ({ task: input, attempt, holder: SELF })),
});
const cpu = { [CPUS]: 1 };

describe("a task that waits for what another one here makes", () => {
  test("starts in the step in which that has ended, and so on along a chain", () => {
    const worker = createTestWorker({ [CPUS]: 1 });
    expect(worker.assign({ task: 1 }, needing(2, [1, 1]), needing(3, [2, 1]))).toEqual({
      execute: [[1, 1]],
    });
    expect(worker.executed([1, 1])).toEqual({ "report-finished": [[1, 1]], execute: [[2, 1]] });
    expect(worker.executed([2, 1])).toEqual({ "report-finished": [[2, 1]], execute: [[3, 1]] });
    expect(worker.executed([3, 1])).toEqual({ "report-finished": [[3, 1]] });
    expect(worker.state.objects.size).toBe(3);
  });

  test("may come before it in the batch, with a greater priority, or in a later batch", () => {
    const worker = createTestWorker({ [CPUS]: 1 });
    worker.assign({ ...needing(2, [1, 1]), priority: 9 }, { task: 1, priority: 1 });
    worker.assign({ ...needing(3, [2, 1]), priority: 20 });
    expect(worker.executed([1, 1])).toEqual({ "report-finished": [[1, 1]], execute: [[2, 1]] });
    expect(worker.executed([2, 1])).toEqual({ "report-finished": [[2, 1]], execute: [[3, 1]] });
  });

  test("has its other inputs fetched meanwhile", () => {
    const worker = createTestWorker({ [CPUS]: 1 });
    const task = {
      task: 2,
      inputs: [
        { task: 1, attempt: 1, holder: SELF },
        { task: 20, attempt: 1, holder: 3 },
      ],
    };
    expect(worker.assign({ task: 1 }, task)).toEqual({ execute: [[1, 1]], "fetch 3": [[20, 1]] });
    expect(worker.fetched([20, 1])).toEqual({ "report-replicas": [[20, 1]] });
    expect(worker.executed([1, 1])).toEqual({ "report-finished": [[1, 1]], execute: [[2, 1]] });
  });

  test("waits on while that is redirected", () => {
    const worker = createTestWorker({ [CPUS]: 1 });
    worker.assign({ task: 1, taskType: TASK_TYPE.pyCall, request: cpu }, needing(2, [1, 1]));
    expect(worker.redirected(1, cpu)).toMatchObject({ execute: [[1, 1]] });
    expect(worker.executed([1, 1])).toEqual({ "report-finished": [[1, 1]], execute: [[2, 1]] });
  });

  test("takes its turn for resources like any other", () => {
    const worker = createTestWorker({ [CPUS]: 1 });
    worker.assign(
      { task: 1, request: cpu, priority: 3 },
      { task: 5, request: cpu, priority: 2 },
      { ...needing(2, [1, 1]), request: cpu, priority: 1 },
    );
    expect(worker.executed([1, 1])).toEqual({ "report-finished": [[1, 1]], execute: [[5, 1]] });
    expect(worker.executed([5, 1])).toEqual({ "report-finished": [[5, 1]], execute: [[2, 1]] });
  });
});

describe("a task whose input is not going to be made here", () => {
  const chainOf = (): ReturnType<typeof createTestWorker> => {
    const worker = createTestWorker({ [CPUS]: 1 });
    worker.assign(
      { task: 9, request: cpu, priority: 9 },
      { task: 1, request: cpu },
      needing(2, [1, 1]),
      needing(3, [2, 1]),
    );
    return worker;
  };
  const lost = [
    [[2, 1], [1, 1], SELF],
    [[3, 1], [2, 1], SELF],
  ];

  test("goes when that is given back, with all that waits for it in turn", () => {
    const worker = chainOf();
    expect(worker.retract([1, 1])).toEqual({
      "report-returned": [[1, 1]],
      "report-unreachable": lost,
    });
    expect(worker.state.tasks.size).toBe(1);
    expect(worker.state.objects.size).toBe(0);
    // The server's own word comes later, and changes nothing.
    expect(worker.cancel([2, 1], [3, 1])).toEqual({});
  });

  test("stays when the question for it comes too late", () => {
    const worker = chainOf();
    worker.executed([9, 1]);
    expect(worker.retract([1, 1])).toEqual({});
    expect(worker.executed([1, 1])).toEqual({ "report-finished": [[1, 1]], execute: [[2, 1]] });
  });

  test("is canceled with it, in any order and without a word", () => {
    for (const refs of [
      [1, 2, 3],
      [3, 2, 1],
      [2, 3, 1],
    ]) {
      const worker = chainOf();
      expect(worker.cancel(...refs.map((task): Ref => [task, 1]))).toEqual({});
      expect(worker.state.objects.size).toBe(0);
      expect(worker.state.tasks.size).toBe(1);
    }
  });

  test("goes when that fails", () => {
    const worker = chainOf();
    worker.executed([9, 1]);
    expect(worker.failed(1)).toEqual({
      "report-failed": [1, 1, "broken"],
      "report-unreachable": lost,
    });
  });

  test("goes when that cannot be loaded, or cannot have what it needs", () => {
    const worker = createTestWorker({ [CPUS]: 1 });
    worker.assign(
      { task: 1, flags: 1 },
      needing(2, [1, 1]),
      { task: 4, inputs: [{ task: 20, attempt: 1, holder: 3 }] },
      needing(5, [4, 1]),
    );
    expect(worker.noCheckpoint([1, 1])).toEqual({
      "report-checkpoints-missing": [[1, 1]],
      "report-unreachable": [[[2, 1], [1, 1], SELF]],
    });
    expect(worker.fetchFailed(3, [20, 1])).toEqual({
      "report-unreachable": [
        [[4, 1], [20, 1], 3],
        [[5, 1], [4, 1], SELF],
      ],
    });
  });

  test("goes when a newer attempt takes that one's place", () => {
    const worker = chainOf();
    expect(worker.assign({ task: 1, attempt: 2, request: cpu }, needing(6, [1, 2]))).toEqual({
      "report-unreachable": lost,
    });
    worker.executed([9, 1]);
    expect(worker.executed([1, 2])).toEqual({ "report-finished": [[1, 2]], execute: [[6, 1]] });
  });

  test("is refused when it comes after the end of that", () => {
    const worker = chainOf();
    worker.retract([1, 1]);
    expect(worker.assign(needing(7, [1, 1]))).toEqual({
      "report-unreachable": [[[7, 1], [1, 1], SELF]],
    });
  });
});

test("what nobody waits for any more is not expected, and is made all the same", () => {
  const worker = createTestWorker({ [CPUS]: 1 });
  worker.assign({ task: 1 }, needing(2, [1, 1]));
  expect(worker.cancel([2, 1])).toEqual({});
  expect(worker.state.objects.size).toBe(0);
  expect(worker.executed([1, 1])).toEqual({ "report-finished": [[1, 1]] });
  expect(worker.state.objects.size).toBe(1);
});
