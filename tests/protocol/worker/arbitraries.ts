import fc from "fast-check";
import type {
  AssignedTasks,
  CarriedResults,
  FinishedTasks,
  HeldObjects,
  HeldTasks,
  TaskRefs,
} from "../../../src/core/model/batches.ts";
import { CarriedList } from "../../../src/core/model/carried-list.ts";
import { FAILURE_KINDS } from "../../../src/core/model/failures.ts";
import type { FromWorker, ToWorker } from "../../../src/protocol/worker/messages.ts";

export const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
export const u16: fc.Arbitrary<number> = fc.integer({ min: 0, max: 0xffff });
const i32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const size = fc.maxSafeNat();
const name = fc.string({ minLength: 1, maxLength: 20, unit: "grapheme" });
const text = fc.string({ maxLength: 50, unit: "grapheme" });

const columnOf = (length: number, item: fc.Arbitrary<number>): fc.Arbitrary<number[]> =>
  fc.array(item, { minLength: length, maxLength: length });

const refsOf = (count: number): fc.Arbitrary<TaskRefs> =>
  fc.tuple(columnOf(count, u32), columnOf(count, u32)).map(([tasks, attempts]) => ({
    tasks: Uint32Array.from(tasks),
    attempts: Uint32Array.from(attempts),
  }));

export const refs: fc.Arbitrary<TaskRefs> = fc.nat(5).chain(refsOf);

export const finishedTasks: fc.Arbitrary<FinishedTasks> = fc
  .nat(5)
  .chain((count) =>
    fc.tuple(
      refsOf(count),
      columnOf(count, size),
      columnOf(count, size),
      columnOf(count, u16),
      columnOf(count, fc.nat(1e9)),
    ),
  )
  .map(([of, sizesBytes, lengths, dataTypes, durationsUs]) => ({
    ...of,
    sizesBytes: Float64Array.from(sizesBytes),
    lengths: Float64Array.from(lengths),
    dataTypes: Uint16Array.from(dataTypes),
    durationsUs: Float32Array.from(durationsUs),
  }))
  .chain((finished) =>
    carriedResults(finished.tasks.length).map((carried) => ({ ...finished, carried })),
  );

/** Of some of `count` tasks; undefined for none. */
export function carriedResults(count: number): fc.Arbitrary<CarriedResults | undefined> {
  const result = fc.record({ type: u16, frames: u32, bytes: fc.uint8Array({ maxLength: 9 }) });
  return fc.array(fc.option(result), { minLength: count, maxLength: count }).map((results) => {
    const list = new CarriedList();
    results.forEach((one, position) => {
      if (one === null) return;
      list.add(position, one.type, one.frames);
      list.append(one.bytes);
    });
    return list.take();
  });
}

/** Where each of the lists begins, and the end of the last. */
function startsOf(lists: readonly { readonly length: number }[]): Uint32Array {
  const starts = new Uint32Array(lists.length + 1);
  lists.forEach((list, index) => {
    starts[index + 1] = (starts[index] ?? 0) + list.length;
  });
  return starts;
}

const request = fc.uniqueArray(fc.tuple(u32, fc.integer({ min: 1, max: 2 ** 31 - 1 })), {
  maxLength: 3,
  selector: ([resource]) => resource,
});

export const assignedTasks: fc.Arbitrary<AssignedTasks> = fc
  .array(request, { minLength: 1, maxLength: 3 })
  .chain((requests) =>
    fc.tuple(
      fc.constant(requests),
      fc.array(
        fc.record({
          task: u32,
          attempt: u32,
          taskType: u16,
          flags: fc.nat(3),
          clientTask: i32,
          priority: i32,
          request: fc.nat(requests.length - 1),
          inputs: fc.array(fc.record({ task: u32, attempt: u32, sizeBytes: size, holder: u32 }), {
            maxLength: 3,
          }),
          config: fc.uint8Array({ maxLength: 9 }),
          checkpoint: fc.uint8Array({ maxLength: 9 }),
        }),
        { maxLength: 4 },
      ),
    ),
  )
  .map(([requests, tasks]) => {
    const inputs = tasks.flatMap((task) => task.inputs);
    const details = tasks.map((task) => [...task.config, ...task.checkpoint]);
    return {
      tasks: Uint32Array.from(tasks, (task) => task.task),
      attempts: Uint32Array.from(tasks, (task) => task.attempt),
      taskTypes: Uint16Array.from(tasks, (task) => task.taskType),
      flags: Uint8Array.from(tasks, (task) => task.flags),
      clientTasks: Int32Array.from(tasks, (task) => task.clientTask),
      priorities: Int32Array.from(tasks, (task) => task.priority),
      requests: Uint16Array.from(tasks, (task) => task.request),
      requestStarts: startsOf(requests),
      requestResources: Uint32Array.from(requests.flat(), ([resource]) => resource),
      requestAmounts: Uint32Array.from(requests.flat(), ([, amount]) => amount),
      inputStarts: startsOf(tasks.map((task) => task.inputs)),
      inputTasks: Uint32Array.from(inputs, (input) => input.task),
      inputAttempts: Uint32Array.from(inputs, (input) => input.attempt),
      inputSizesBytes: Float64Array.from(inputs, (input) => input.sizeBytes),
      inputHolders: Uint32Array.from(inputs, (input) => input.holder),
      detailStarts: startsOf(details),
      checkpointLengths: Uint32Array.from(tasks, (task) => task.checkpoint.length),
      details: Uint8Array.from(details.flat()),
    };
  });

const heldObjects: fc.Arbitrary<HeldObjects> = fc
  .nat(4)
  .chain((count) =>
    fc.tuple(
      refsOf(count),
      columnOf(count, size),
      columnOf(count, size),
      columnOf(count, u16),
      columnOf(count, fc.nat(2)),
    ),
  )
  .map(([of, sizesBytes, lengths, dataTypes, checkpoints]) => ({
    ...of,
    sizesBytes: Float64Array.from(sizesBytes),
    lengths: Float64Array.from(lengths),
    dataTypes: Uint16Array.from(dataTypes),
    checkpoints: Uint8Array.from(checkpoints),
  }));

const heldTasks: fc.Arbitrary<HeldTasks> = fc
  .array(fc.record({ task: u32, attempt: u32, flags: fc.nat(3), inputs: fc.array(u32) }), {
    maxLength: 4,
  })
  .map((tasks) => ({
    tasks: Uint32Array.from(tasks, ({ task }) => task),
    attempts: Uint32Array.from(tasks, ({ attempt }) => attempt),
    flags: Uint8Array.from(tasks, ({ flags }) => flags),
    inputStarts: startsOf(tasks.map(({ inputs }) => inputs)),
    inputAttempts: Uint32Array.from(tasks.flatMap(({ inputs }) => inputs)),
  }));

const peer = fc.record({ workerId: u32, host: name, port: fc.integer({ min: 1, max: 0xffff }) });

export const toWorker: fc.Arbitrary<ToWorker> = fc.oneof(
  fc.record({
    kind: fc.constant("welcome" as const),
    workerId: u32,
    serverId: name,
    clusterId: name,
    heartbeatMs: fc.integer({ min: 1, max: 0xffff_ffff }),
    memberKey: fc.uint8Array({ maxLength: 40 }),
    receivedFrames: u32,
    ticketKey: fc.uint8Array({ maxLength: 40 }),
  }),
  fc.record({
    kind: fc.constant("symbols" as const),
    firstId: fc.nat(1000),
    names: fc.array(name, { maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant("peers" as const), peers: fc.array(peer, { maxLength: 4 }) }),
  fc.record({
    kind: fc.constant("peers-lost" as const),
    workers: fc.array(u32, { maxLength: 4 }).map((ids) => Uint32Array.from(ids)),
  }),
  fc.record({ kind: fc.constant("assign" as const), batch: assignedTasks }),
  fc.record({
    kind: fc.constantFrom("retract" as const, "cancel" as const, "drop" as const),
    refs,
  }),
  fc
    .nat(4)
    .chain((count) => fc.tuple(refsOf(count), columnOf(count, size), columnOf(count, u32)))
    .map(([of, sizesBytes, holders]) => ({
      kind: "replicate" as const,
      copies: {
        refs: of,
        sizesBytes: Float64Array.from(sizesBytes),
        holders: Uint32Array.from(holders),
      },
    })),
  fc.record({ kind: fc.constant("heartbeat" as const), sequence: u32, receivedFrames: u32 }),
  fc.constant({ kind: "find-python" as const }),
  fc.constant({ kind: "draining" as const }),
  fc.constant({ kind: "stop" as const }),
);

const failure = fc.record(
  {
    message: text,
    // The first one is as good as absent.
    kind: fc.constantFrom(...FAILURE_KINDS.slice(1)),
    exitCode: i32,
    signal: text,
    stderr: text,
  },
  { requiredKeys: ["message"] },
);

const workerPython = fc.oneof(
  fc.record({ kind: fc.constant("missing" as const), reason: text }),
  fc.record({
    kind: fc.constant("found" as const),
    interpreter: name,
    versions: fc.array(fc.record({ name, version: name }), { maxLength: 4 }),
  }),
);

export const fromWorker: fc.Arbitrary<FromWorker> = fc.oneof(
  fc.record({ kind: fc.constant("tasks-finished" as const), finished: finishedTasks }),
  fc.record({ kind: fc.constant("task-failed" as const), task: u32, attempt: u32, failure }),
  fc.record({
    kind: fc.constantFrom(
      "tasks-started" as const,
      "tasks-returned" as const,
      "replicas-added" as const,
      "checkpoints-written" as const,
      "checkpoints-missing" as const,
      "replication-failed" as const,
    ),
    refs,
  }),
  fc.record({
    kind: fc.constant("inventory" as const),
    isLast: fc.boolean(),
    objects: heldObjects,
    tasks: heldTasks,
  }),
  fc.constant({ kind: "drain" as const }),
  fc.constant({ kind: "leaving" as const }),
  fc
    .nat(4)
    .chain((count) => fc.tuple(refsOf(count), refsOf(count), columnOf(count, u32)))
    .map(([of, inputs, holders]) => ({
      kind: "inputs-unreachable" as const,
      unreachable: { refs: of, inputs, holders: Uint32Array.from(holders) },
    })),
  fc.record({ kind: fc.constant("python-looked-for" as const), python: workerPython }),
  fc.record({ kind: fc.constant("heartbeat" as const), sequence: u32 }),
);

/** Cuts the bytes at the given fractions of their length. */
export function cutAt(bytes: Uint8Array, fractions: readonly number[]): Uint8Array[] {
  const cuts = fractions.map((f) => Math.floor(f * bytes.length)).sort((a, b) => a - b);
  return [0, ...cuts].map((start, index) => bytes.slice(start, cuts[index] ?? bytes.length));
}

export const fractions: fc.Arbitrary<number[]> = fc.array(
  fc.double({ min: 0, max: 1, noNaN: true }),
  { maxLength: 20 },
);

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

/** Bytes to change: where, as a fraction of the length, and to what. */
export const mutations: fc.Arbitrary<[number, number][]> = fc.array(
  fc.tuple(
    fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 255)),
  ),
  { minLength: 1, maxLength: 6 },
);

export function mutated(bytes: Uint8Array, changes: readonly [number, number][]): Uint8Array {
  const copy = bytes.slice();
  for (const [at, value] of changes) {
    if (copy.length > 0) copy[Math.floor(at * copy.length)] = value;
  }
  return copy;
}
