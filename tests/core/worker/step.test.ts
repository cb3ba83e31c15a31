import { describe, expect, test } from "vitest";
import { FLAG_LOAD_CHECKPOINT } from "../../../src/core/model/batches.ts";
import { BUILTIN_SYMBOLS, CPUS, TASK_TYPE } from "../../../src/core/model/symbols.ts";
import { cpusAt, findTaskState } from "../../../src/core/worker/state.ts";
import { TASK_RUNNING } from "../../../src/core/worker/tables/task-table.ts";
import {
  type Assigned,
  createTestWorker,
  type Input,
  type Ref,
  SELF,
  type TestWorker,
  type Told,
} from "./builders.ts";

const NOWHERE = 0xffff_ffff;
const at = (holder: number, task: number, attempt = 1): Input => ({ task, attempt, holder });
const oneCpu = { [CPUS]: 1 };

describe("inputs", () => {
  test("a task without inputs starts at once", () => {
    const worker = createTestWorker({ [CPUS]: 1 });
    expect(worker.assign({ task: 1 })).toEqual({ execute: [[1, 1]] });
  });

  test("missing inputs are fetched, one command for each peer, by falling priority", () => {
    const worker = createTestWorker({ [CPUS]: 1 });
    expect(
      worker.assign(
        { task: 1, priority: 1, inputs: [at(1, 10), at(2, 11)] },
        { task: 2, priority: 5, inputs: [at(1, 12), at(1, 10)] },
        { task: 3, priority: 1, inputs: [at(1, 13), at(1, 13)] },
      ),
    ).toEqual({
      "fetch 1": [
        [12, 1],
        [10, 1],
        [13, 1],
      ],
      "fetch 2": [[11, 1]],
    });
    expect(worker.fetched([10, 1])).toEqual({ "report-replicas": [[10, 1]] });
    expect(worker.fetched([12, 1], [13, 1])).toEqual({
      "report-replicas": [
        [12, 1],
        [13, 1],
      ],
      execute: [
        [2, 1],
        [3, 1],
      ],
    });
  });

  test("what comes and has no room fails those that wait for it", () => {
    const worker = createTestWorker({ [CPUS]: 1 });
    worker.assign(
      { task: 1, inputs: [at(1, 10), at(1, 11)] },
      { task: 2, inputs: [at(1, 10)] },
      { task: 3, inputs: [at(1, 11)] },
    );
    const failure = { kind: "disk-full" as const, message: "no room" };
    const refs = { tasks: Uint32Array.of(10, 99), attempts: Uint32Array.of(1, 1) };
    const commands = worker.step({ kind: "objects-refused", atMs: 0, refs, failure });
    expect(commands).toEqual([
      { kind: "report-failed", task: 1, attempt: 1, failure },
      { kind: "report-failed", task: 2, attempt: 1, failure },
    ]);
    expect(worker.fetched([11, 1])).toMatchObject({ execute: [[3, 1]] });
  });

  test("fetch commands carry the sizes", () => {
    const worker = createTestWorker({});
    worker.assign({ task: 1, inputs: [at(1, 10)] });
    const [command] = worker.step({
      kind: "tasks-assigned",
      atMs: 0,
      batch: {
        tasks: Uint32Array.of(2),
        attempts: Uint32Array.of(1),
        taskTypes: Uint16Array.of(TASK_TYPE.merge),
        flags: Uint8Array.of(0),
        clientTasks: Int32Array.of(2),
        priorities: Int32Array.of(0),
        requests: Uint16Array.of(0),
        requestStarts: Uint32Array.of(0, 0),
        requestResources: new Uint32Array(0),
        requestAmounts: new Uint32Array(0),
        inputStarts: Uint32Array.of(0, 2),
        inputTasks: Uint32Array.of(10, 11),
        inputAttempts: Uint32Array.of(1, 1),
        inputSizesBytes: Float64Array.of(7, 8),
        inputHolders: Uint32Array.of(1, 1),
        detailStarts: Uint32Array.of(0, 0),
        checkpointLengths: Uint32Array.of(0),
        details: new Uint8Array(0),
      },
    });
    expect(command).toEqual({
      kind: "fetch",
      peer: 1,
      refs: { tasks: Uint32Array.of(11), attempts: Uint32Array.of(1) },
      sizesBytes: Float64Array.of(8),
    });
  });

  test("what is here or was made here is not fetched, whatever the holder", () => {
    const worker = createTestWorker({});
    worker.assign({ task: 1 });
    worker.executed([1, 1]);
    expect(
      worker.assign({ task: 2, inputs: [at(1, 1)] }, { task: 3, inputs: [at(SELF, 1)] }),
    ).toEqual({
      execute: [
        [2, 1],
        [3, 1],
      ],
    });
  });

  test("another attempt's object is another object", () => {
    const worker = createTestWorker({});
    worker.assign({ task: 1 });
    worker.executed([1, 1]);
    expect(worker.assign({ task: 2, inputs: [at(1, 1, 2)] })).toEqual({ "fetch 1": [[1, 2]] });
    expect(worker.drop([1, 1])).toEqual({ discard: [[1, 1]] });
    expect(worker.fetched([1, 2])).toEqual({ "report-replicas": [[1, 2]], execute: [[2, 1]] });
  });

  test("an input that no peer has is unreachable, and nothing of the task stays", () => {
    const worker = createTestWorker({});
    expect(
      worker.assign(
        { task: 1, inputs: [at(1, 10), at(NOWHERE, 11)] },
        { task: 2, inputs: [at(SELF, 12)] },
      ),
    ).toEqual({
      "report-unreachable": [
        [[1, 1], [11, 1], NOWHERE],
        [[2, 1], [12, 1], SELF],
      ],
    });
    expect(worker.state.tasks.size + worker.state.objects.size).toBe(0);
  });

  test("a task that loads its checkpoint waits for no input", () => {
    const worker = createTestWorker({});
    const flags = FLAG_LOAD_CHECKPOINT;
    expect(worker.assign({ task: 1, flags, inputs: [at(NOWHERE, 10)] })).toEqual({
      execute: [[1, 1]],
    });
    expect(worker.noCheckpoint([1, 1], [2, 1])).toEqual({ "report-checkpoints-missing": [[1, 1]] });
    expect(findTaskState(worker.state, 1, 1)).toBeUndefined();
  });
});

describe("failed fetches", () => {
  test("all who wait are unreachable, and their other fetches are abandoned", () => {
    const worker = createTestWorker({});
    worker.assign(
      { task: 1, inputs: [at(1, 10), at(2, 11)] },
      { task: 2, inputs: [at(1, 10), at(1, 10), at(2, 12)] },
      { task: 3, inputs: [at(2, 12)] },
    );
    expect(worker.fetchFailed(1, [10, 1])).toEqual({
      "abandon-fetch": [[11, 1]],
      "report-unreachable": [
        [[1, 1], [10, 1], 1],
        [[2, 1], [10, 1], 1],
      ],
    });
    expect(worker.fetched([12, 1])).toEqual({ "report-replicas": [[12, 1]], execute: [[3, 1]] });
  });

  test("the failure of a peer that is not asked any more says nothing", () => {
    const worker = createTestWorker({});
    worker.assign({ task: 1, inputs: [at(1, 10)] });
    worker.cancel([1, 1]);
    worker.assign({ task: 2, inputs: [at(2, 10)] });
    expect(worker.fetchFailed(1, [10, 1])).toEqual({});
    expect(findTaskState(worker.state, 2, 1)).toBe("fetching");
  });

  test("a lost peer fails what is fetched from it, and only that", () => {
    const worker = createTestWorker({});
    worker.assign(
      { task: 1, inputs: [at(1, 10)] },
      { task: 2, inputs: [at(2, 11)] },
      { task: 3, inputs: [at(3, 12)] },
    );
    expect(worker.losePeers(1, 3, 9)).toEqual({
      "abandon-fetch": expect.arrayContaining([
        [10, 1],
        [12, 1],
      ]),
      "report-unreachable": expect.arrayContaining([
        [[1, 1], [10, 1], 1],
        [[3, 1], [12, 1], 3],
      ]),
    });
    expect(findTaskState(worker.state, 2, 1)).toBe("fetching");
  });
});

describe("executions", () => {
  test("a finished task is reported, its object used, its cpu given to the next", () => {
    const worker = createTestWorker({ [CPUS]: 1 });
    worker.assign({ task: 1, request: oneCpu }, { task: 2, request: oneCpu });
    expect(worker.executed([1, 1])).toEqual({ "report-finished": [[1, 1]], execute: [[2, 1]] });
    expect(worker.assign({ task: 3, inputs: [at(SELF, 1)] })).toEqual({ execute: [[3, 1]] });
  });

  test("reports of stale attempts are taken out, and their objects discarded", () => {
    const worker = createTestWorker({ [CPUS]: 3 });
    worker.assign({ task: 1 }, { task: 2 }, { task: 3 });
    worker.cancel([2, 1]);
    const [discard, report] = worker.step({
      kind: "tasks-executed",
      atMs: 0,
      finished: {
        tasks: Uint32Array.of(1, 2, 3),
        attempts: Uint32Array.of(1, 1, 1),
        sizesBytes: Float64Array.of(10, 20, 30),
        lengths: Float64Array.of(1, 2, 3),
        dataTypes: Uint16Array.of(16, 17, 18),
        durationsUs: Float32Array.of(5, 6, 7),
      },
    });
    expect(discard).toMatchObject({ kind: "discard", refs: { tasks: Uint32Array.of(2) } });
    expect(report).toEqual({
      kind: "report-finished",
      finished: {
        tasks: Uint32Array.of(1, 3),
        attempts: Uint32Array.of(1, 1),
        sizesBytes: Float64Array.of(10, 30),
        lengths: Float64Array.of(1, 3),
        dataTypes: Uint16Array.of(16, 18),
        durationsUs: Float32Array.of(5, 7),
      },
    });
  });

  test("a failure is reported once and frees the cpu", () => {
    const worker = createTestWorker({ [CPUS]: 1 });
    worker.assign({ task: 1, request: oneCpu }, { task: 2, request: oneCpu });
    expect(worker.failed(1)).toEqual({ "report-failed": [1, 1, "broken"], execute: [[2, 1]] });
    expect(worker.failed(1)).toEqual({});
    expect(worker.failed(2, 7)).toEqual({});
  });

  test("the start of what may take long is reported", () => {
    const worker = createTestWorker({ [CPUS]: 9, [BUILTIN_SYMBOLS.length]: 1 });
    const told = worker.assign(
      { task: 1, taskType: TASK_TYPE.run },
      { task: 2, taskType: TASK_TYPE.merge },
      { task: 3, taskType: TASK_TYPE.pyCall },
      { task: 4, taskType: BUILTIN_SYMBOLS.length, request: { [BUILTIN_SYMBOLS.length]: 1 } },
    );
    expect(told["report-started"]).toEqual(
      expect.arrayContaining([
        [1, 1],
        [3, 1],
        [4, 1],
      ]),
    );
    expect(told["report-started"]).toHaveLength(3);
  });
});

describe("withdrawals", () => {
  test("what has not started is given back, with its fetches", () => {
    const worker = createTestWorker({ [CPUS]: 1 });
    worker.assign(
      { task: 1, request: oneCpu },
      { task: 2, request: oneCpu },
      { task: 3, inputs: [at(1, 10), at(1, 11)] },
      { task: 4, inputs: [at(1, 11)] },
    );
    expect(worker.retract([1, 1], [2, 1], [3, 1], [4, 9], [5, 1])).toEqual({
      "abandon-fetch": [[10, 1]],
      "report-returned": [
        [2, 1],
        [3, 1],
      ],
    });
    expect(worker.executed([1, 1])).toEqual({ "report-finished": [[1, 1]] });
  });

  test("one that is canceled gracefully has time to end, and loses it when it is canceled again", () => {
    const worker = createTestWorker({ [CPUS]: 1 });
    worker.assign({ task: 1, request: oneCpu }, { task: 2, request: oneCpu });
    expect(worker.cancelGracefully([1, 1])).toEqual({ "end-gracefully": [[1, 1]] });
    expect(worker.cancelGracefully([1, 1])).toEqual({});
    expect(worker.cancel([1, 1])).toEqual({ hurry: [[1, 1]] });
    expect(worker.cancel([1, 1])).toEqual({});
    expect(worker.killed([1, 1])).toEqual({ execute: [[2, 1]] });
    worker.cancelGracefully([2, 1]);
    worker.killed([2, 1]);
    expect(worker.cancel([2, 1])).toEqual({});
  });

  test("a canceled execution is killed, and what it held is free when it has ended", () => {
    const worker = createTestWorker({ [CPUS]: 1 });
    worker.assign(
      { task: 1, request: oneCpu },
      { task: 2, request: oneCpu },
      { task: 3, request: oneCpu },
    );
    expect(worker.cancel([1, 1], [2, 1])).toEqual({ kill: [[1, 1]] });
    expect(worker.executed([1, 1])).toEqual({ discard: [[1, 1]] });
    expect(worker.killed([1, 1])).toEqual({ execute: [[3, 1]] });
    expect(worker.killed([1, 1], [3, 1]), "told twice, or of what runs").toEqual({});
  });

  test("a fetch that ends after it was abandoned leaves nothing in the store", () => {
    const worker = createTestWorker({});
    worker.assign({ task: 1, inputs: [at(1, 10)] });
    expect(worker.cancel([1, 1])).toEqual({ "abandon-fetch": [[10, 1]] });
    expect(worker.fetched([10, 1])).toEqual({ discard: [[10, 1]] });
  });

  test("a newer attempt takes the place of the older; the same or an older one is no news", () => {
    const worker = createTestWorker({ [CPUS]: 1 });
    worker.assign({ task: 1, attempt: 3, request: oneCpu });
    expect(worker.assign({ task: 1, attempt: 3, request: oneCpu })).toEqual({});
    expect(worker.assign({ task: 1, attempt: 2, request: oneCpu })).toEqual({});
    expect(worker.assign({ task: 1, attempt: 4, request: oneCpu })).toEqual({
      kill: [[1, 3]],
    });
    expect(worker.assign({ task: 1, attempt: 5, request: oneCpu })).toEqual({});
    expect(worker.killed([1, 3])).toEqual({ execute: [[1, 5]] });
  });

  test("a newer attempt that needs the same input goes on with its fetch", () => {
    const worker = createTestWorker({});
    worker.assign({ task: 1, attempt: 1, inputs: [at(1, 10), at(1, 11)] });
    expect(worker.assign({ task: 1, attempt: 2, inputs: [at(2, 10)] })).toEqual({
      "abandon-fetch": [[11, 1]],
    });
    expect(worker.fetched([10, 1])).toEqual({ "report-replicas": [[10, 1]], execute: [[1, 2]] });
  });
});

describe("resources", () => {
  test("each running task has cpus of its own", () => {
    const worker = createTestWorker({ [CPUS]: 4 });
    worker.assign({ task: 1, request: { [CPUS]: 3 } }, { task: 2, request: oneCpu }, { task: 3 });
    const { state } = worker;
    const cpusOf = (task: number): number[] => cpusAt(state, state.tasks.find(task));
    expect([...cpusOf(1), ...cpusOf(2)].sort()).toEqual([0, 1, 2, 3]);
    expect(cpusOf(1)).toHaveLength(3);
    expect(cpusOf(3)).toEqual([]);
  });

  test("every named amount is a limit", () => {
    const gpus = 30;
    const worker = createTestWorker({ [CPUS]: 8, [gpus]: 1 });
    const both = { [CPUS]: 1, [gpus]: 1 };
    const told = worker.assign(
      { task: 1, request: both },
      { task: 2, request: both },
      { task: 3, request: oneCpu },
    );
    expect(told).toEqual({
      execute: [
        [1, 1],
        [3, 1],
      ],
    });
    expect(worker.executed([1, 1]).execute).toEqual([[2, 1]]);
  });

  test("what this worker can never run fails and says why", () => {
    const worker = createTestWorker({ [CPUS]: 2 });
    expect(worker.assign({ task: 1, request: { [CPUS]: 3 } })).toEqual({
      "report-failed": [1, 1, "The task asks for 3 of resource 6, but this worker has 2"],
    });
    expect(worker.assign({ task: 1, attempt: 2, request: { 30: 1 } })).toHaveProperty(
      "report-failed",
    );
  });

  test("the greatest priority starts first, over all requests", () => {
    const worker = createTestWorker({ [CPUS]: 2 });
    worker.assign({ task: 1, request: { [CPUS]: 2 } });
    worker.assign(
      { task: 2, priority: 1, request: oneCpu },
      { task: 3, priority: 9, request: { [CPUS]: 2 } },
      { task: 4, priority: 5, request: oneCpu },
      { task: 5, priority: 5, request: oneCpu },
    );
    expect(worker.executed([1, 1]).execute).toEqual([[3, 1]]);
    expect(worker.executed([3, 1]).execute).toEqual([
      [4, 1],
      [5, 1],
    ]);
  });

  test("programs that ask for nothing are 16 a cpu", () => {
    const worker = createTestWorker({ [CPUS]: 2 });
    const programs = Array.from({ length: 40 }, (_, task) => ({ task, taskType: TASK_TYPE.run }));
    expect(worker.assign(...programs).execute).toHaveLength(32);
    expect(worker.executed([0, 1], [1, 1]).execute).toHaveLength(2);
    const others = Array.from({ length: 40 }, (_, task) => ({ task: 100 + task }));
    expect(worker.assign(...others).execute).toHaveLength(40);
  });

  test("a big task is overtaken a bounded number of times", () => {
    const worker = createTestWorker({ [CPUS]: 2 });
    worker.assign({ task: 1, request: oneCpu }, { task: 2, priority: -1, request: { [CPUS]: 2 } });
    let running = 1;
    let overtakes = 0;
    // An endless stream of small tasks of lower priority keeps one cpu busy at any time.
    for (let task = 100; findTaskState(worker.state, 2, 1) !== "running"; task += 1) {
      const before = worker.assign({ task, priority: -2, request: oneCpu }).execute ?? [];
      const after = worker.executed([running, 1]).execute ?? [];
      const started = [before, after].flat() as Ref[];
      for (const [small] of started) {
        if (small === 2) continue;
        running = small;
        overtakes += 1;
      }
      expect(overtakes).toBeLessThanOrEqual(16);
    }
    expect(overtakes).toBe(16);
    expect(worker.executed([2, 1]).execute).toHaveLength(1);
  });

  test("nor is it overtaken by more in one step", () => {
    const worker = createTestWorker({ [CPUS]: 40 });
    worker.assign({ task: 1, request: oneCpu });
    const small = Array.from({ length: 39 }, (_, i) => ({ task: 100 + i, request: oneCpu }));
    const told = worker.assign({ task: 2, priority: 1, request: { [CPUS]: 40 } }, ...small);
    expect(told.execute).toHaveLength(16);
  });

  test("a blocked task holds back only who needs what it waits for", () => {
    const [gpus, disks] = [30, 31];
    const worker = createTestWorker({ [CPUS]: 1, [gpus]: 2, [disks]: 1 });
    worker.assign({ task: 1, request: { [gpus]: 1 } }, { task: 2, request: { [gpus]: 2 } });
    for (let task = 100; task < 150; task++) {
      expect(worker.assign({ task, request: { [disks]: 1 } }).execute).toEqual([[task, 1]]);
      expect(worker.assign({ task: task + 100 }).execute).toEqual([[task + 100, 1]]);
      worker.executed([task, 1]);
    }
    expect(worker.executed([1, 1]).execute).toEqual([[2, 1]]);
  });

  test("when a blocked task leaves, those it held back start", () => {
    const worker = createTestWorker({ [CPUS]: 2 });
    worker.assign({ task: 1, request: oneCpu }, { task: 2, request: { [CPUS]: 2 } });
    for (let task = 100; task < 116; task++) {
      worker.assign({ task, request: oneCpu });
      worker.executed([task, 1]);
    }
    expect(worker.assign({ task: 200, request: oneCpu })).toEqual({});
    expect(worker.retract([2, 1])).toEqual({ "report-returned": [[2, 1]], execute: [[200, 1]] });
  });
});

describe("function calls", () => {
  const call = (task: number, more: Partial<Assigned> = {}): Assigned => ({
    task,
    taskType: TASK_TYPE.pyCall,
    request: oneCpu,
    inputs: [at(SELF, 1000)],
    ...more,
  });
  /** A worker that has the function, and knows how long it takes if that is given. */
  const createWorker = (cpus: number, knownUs?: number): TestWorker => {
    const worker = createTestWorker({ [CPUS]: cpus });
    worker.assign({ task: 1000 });
    worker.executed([1000, 1]);
    if (knownUs !== undefined) {
      worker.assign(call(999));
      worker.executedIn(knownUs, [999, 1]);
    }
    return worker;
  };
  const calls = (count: number, more?: Partial<Assigned>): Assigned[] =>
    Array.from({ length: count }, (_, i) => call(i + 1, more));
  const startedBy = (told: Told): number => ((told.execute as Ref[] | undefined) ?? []).length;

  test("of an unknown function one runs on each cpu", () => {
    const worker = createWorker(2);
    const told = worker.assign(...calls(10));
    expect(startedBy(told)).toBe(2);
    expect(told["report-started"]).toHaveLength(2);
  });

  test("fast ones share a cpu, and each cpu gets the same", () => {
    const worker = createWorker(2, 100);
    const told = worker.assign(...calls(100));
    expect(startedBy(told)).toBe(100);
    expect(told["report-started"], "their start is not worth telling").toBeUndefined();
    const cpusOf = calls(100).map(({ task }) =>
      cpusAt(worker.state, worker.state.tasks.find(task)),
    );
    expect(cpusOf.filter(([cpu]) => cpu === 0)).toHaveLength(50);
    expect(cpusOf.every((cpus) => cpus.length === 1)).toBe(true);
  });

  test("so few that they take next to no time stay together", () => {
    const worker = createWorker(2, 10);
    worker.assign(...calls(20));
    expect([...worker.state.lanes.all()]).toHaveLength(1);
  });

  test("a lane is short, and is filled up when half of its tasks have ended", () => {
    const worker = createWorker(1, 5000);
    expect(startedBy(worker.assign(...calls(20)))).toBe(6);
    expect(worker.executedIn(5000, [1, 1], [2, 1]).execute).toBeUndefined();
    expect(worker.executedIn(5000, [3, 1]).execute).toHaveLength(3);
  });

  test("lanes share what is left evenly", () => {
    const worker = createWorker(2, 2000);
    expect(startedBy(worker.assign(...calls(38)))).toBe(30);
    const [one, other] = [...worker.state.lanes.all()];
    const ended = Array.from({ length: 10 }, (_, i): Ref[] => [
      [i + 1, 1],
      [i + 16, 1],
    ]).flat();
    expect(startedBy(worker.executedIn(2000, ...ended))).toBe(7);
    expect([one?.taskCount, other?.taskCount]).toEqual([9, 8]);
  });

  test("long ones run alone, and their start is told", () => {
    const worker = createWorker(1, 50_000);
    const told = worker.assign(...calls(3));
    expect(told).toEqual({ execute: [[1, 1]], "report-started": [[1, 1]] });
  });

  test("what was fast and takes long then is expected to take long", () => {
    const worker = createWorker(1, 10);
    worker.assign(call(1));
    worker.executedIn(30_000, [1, 1]);
    expect(startedBy(worker.assign(call(2), call(3)))).toBe(1);
  });

  test("the cpu of a lane is free when its last task has ended", () => {
    const worker = createWorker(1, 100);
    worker.assign(...calls(3));
    expect(worker.assign({ task: 50, request: oneCpu, taskType: TASK_TYPE.run })).toEqual({});
    worker.executed([1, 1], [2, 1]);
    expect(worker.failed(3)).toMatchObject({ execute: [[50, 1]] });
  });

  test("one that is canceled is killed, and the others of its lane go on", () => {
    const worker = createWorker(1, 100);
    worker.assign(...calls(3));
    worker.assign({ task: 50, request: oneCpu });
    expect(worker.cancel([2, 1])).toEqual({ kill: [[2, 1]] });
    worker.executed([1, 1]);
    worker.killed([2, 1]);
    expect(worker.executed([3, 1]).execute).toEqual([[50, 1]]);
  });

  test("a lane with one that is being killed keeps its cpu, and gets no more", () => {
    const worker = createWorker(1, 100);
    worker.assign(...calls(2));
    worker.cancel([1, 1]);
    worker.executed([2, 1]);
    expect(worker.assign(call(3))).toEqual({});
    expect(startedBy(worker.killed([1, 1]))).toBe(1);
  });

  test("those behind one that takes long go back to the queue, and may be retracted there", () => {
    const worker = createWorker(2, 500);
    worker.assign({ task: 50, request: oneCpu, taskType: TASK_TYPE.run });
    worker.assign(...calls(4));
    expect(worker.postponed([2, 1], [3, 1], [4, 1])).toEqual({ "report-started": [[1, 1]] });
    expect(findTaskState(worker.state, 3, 1)).toBe("runnable");
    expect(worker.retract([3, 1])).toEqual({ "report-returned": [[3, 1]] });
    expect(startedBy(worker.executed([50, 1])), "on the other cpu").toBe(2);
  });

  test("functions of two languages are in lanes of their own", () => {
    const worker = createWorker(2, 100);
    worker.assign(call(900, { taskType: TASK_TYPE.jsCall }));
    worker.executedIn(100, [900, 1]);
    worker.assign(...calls(4), call(5, { taskType: TASK_TYPE.jsCall }));
    expect(
      [...worker.state.lanes.all()].map(({ taskType, taskCount }) => [taskType, taskCount]),
    ).toEqual([
      [TASK_TYPE.pyCall, 4],
      [TASK_TYPE.jsCall, 1],
    ]);
  });

  test("lanes do not hold back a big task for ever", () => {
    const worker = createWorker(2, 1000);
    worker.assign(...calls(10));
    worker.assign(call(2000, { request: { [CPUS]: 2 }, priority: 1 }));
    let next = 100;
    for (let round = 0; findTaskState(worker.state, 2000, 1) !== "running"; round++) {
      expect(round).toBeLessThan(60);
      worker.assign(call(next++));
      const { tasks } = worker.state;
      for (let row = 0; row < tasks.rowEnd; row++) {
        if (tasks.states[row] !== TASK_RUNNING) continue;
        worker.executedIn(1000, [tasks.tasks[row] as number, 1]);
        break;
      }
    }
  });

  test("those that ask for nothing are two a cpu", () => {
    const worker = createWorker(2);
    expect(startedBy(worker.assign(...calls(10, { request: {} })))).toBe(4);
  });

  test("one that loads its checkpoint is no call", () => {
    const worker = createWorker(1, 100);
    const flags = FLAG_LOAD_CHECKPOINT;
    expect(startedBy(worker.assign(...calls(2, { flags })))).toBe(1);
  });

  test("a redirected task waits for what its new work asks for", () => {
    const worker = createWorker(2, 100);
    worker.assign(call(1), call(2));
    worker.assign({ task: 50, request: oneCpu, taskType: TASK_TYPE.run });
    expect(worker.redirected(1, { [CPUS]: 2 })).toEqual({});
    expect(worker.retract([1, 1]), "it can run nowhere else").toEqual({});
    worker.executed([50, 1]);
    expect(worker.executed([2, 1]).execute).toEqual([[1, 1]]);
    expect(worker.executedIn(1e6, [1, 1])["report-finished"]).toEqual([[1, 1]]);
    expect(startedBy(worker.assign(call(3), call(4))), "the function itself is fast").toBe(2);
  });

  test("a redirected task that is canceled while it waits is told to the shell", () => {
    const worker = createWorker(1, 100);
    worker.assign(call(1), call(2));
    worker.redirected(1, oneCpu);
    expect(worker.cancel([1, 1])).toEqual({ kill: [[1, 1]] });
  });

  test("a redirect that asks for more than there is fails", () => {
    const worker = createWorker(1);
    worker.assign(call(1));
    expect(worker.redirected(1, { [CPUS]: 2 })).toEqual({
      kill: [[1, 1]],
      "report-failed": [1, 1, expect.stringContaining("asks for 2")],
    });
  });
});
