import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BUILTIN_SYMBOLS } from "../../../src/core/model/symbols.ts";
import { decodeClientRequest } from "../../../src/protocol/client/client-request.ts";
import { PlanRefusal } from "../../../src/protocol/client/plan-context.ts";
import { PlanEncoder } from "../../../src/protocol/client/plan-encoder.ts";
import { trimPlan } from "../../../src/protocol/client/trim-plan.ts";
import {
  MAX_PLAN_REQUESTS,
  MAX_PLAN_SYMBOLS,
  MAX_REQUEST_RESOURCES,
} from "../../../src/protocol/limits.ts";
import { ProtocolError } from "../../../src/protocol/protocol-error.ts";
import { ByteWriter } from "../../../src/protocol/wire/byte-writer.ts";
import { beginMessage, endMessage } from "../../../src/protocol/wire/protobuf-fields.ts";
import { type PlainPlan, type PlainTask, plainOfPlan, testContext } from "./plan-values.ts";

const MAX = 2 ** 31 - 1;
const MERGE = 8;
const MY_COUNT = BUILTIN_SYMBOLS.length;
const GPUS = MY_COUNT + 1;

const text = fc.string({ unit: "binary", maxLength: 150 });
const bytes = fc.uint8Array({ maxLength: 200 });
const request = fc.constantFrom<number[][]>(
  [],
  [[6, 1]],
  [[6, 300]],
  [[GPUS, 2]],
  [
    [GPUS, 1],
    [6, 1],
  ],
);
const anyTask = fc.record({
  taskType: fc.constantFrom(0, 5, 7, 8, 15, MY_COUNT),
  config: bytes,
  /** Turned into ids: from -200, which is before any plan here, up to the task before. */
  inputs: fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { maxLength: 5 }),
  request,
  result: fc.boolean(),
  label: fc.option(text, { nil: undefined }),
  checkpointPath: fc.option(text, { nil: undefined }),
  metadata: fc.option(bytes, { nil: undefined }),
});

function decodeFrame(frame: Uint8Array): ReturnType<typeof decodeClientRequest> {
  return decodeClientRequest(frame.subarray(8), testContext);
}

/** The body of a PLAN request whose plan is written by hand. */
function planBody(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  writer.raw(Uint8Array.of(0x08, 1));
  const plan = beginMessage(writer, 0x12);
  write(writer);
  endMessage(writer, plan);
  return writer.take();
}

function decodeHandmade(write: (writer: ByteWriter) => void): unknown {
  return decodeClientRequest(planBody(write), testContext);
}

function putNested(writer: ByteWriter, tag: number, ...content: number[]): void {
  const at = beginMessage(writer, tag);
  writer.raw(Uint8Array.from(content));
  endMessage(writer, at);
}

const trimmedText = (value: string | undefined): string =>
  // A lone surrogate cannot be said in UTF-8.
  Buffer.from(value ?? "", "utf8").toString("utf8");

test("any plan that is encoded is decoded", () => {
  fc.assert(
    fc.property(
      fc.array(anyTask, { maxLength: 60 }),
      fc.integer({ min: -(2 ** 31), max: MAX - 60 }),
      fc.boolean(),
      (tasks, idBase, loadCheckpoints) => {
        const encoder = new PlanEncoder();
        const expected: PlainTask[] = [];
        for (const [row, task] of tasks.entries()) {
          const least = Math.max(-(2 ** 31), idBase - 200);
          const inputIds = task.inputs
            .map((part) => least + Math.floor(part * (idBase + row - least)))
            .filter((id) => id < idBase + row);
          const requestIndex =
            task.request.length === 0
              ? -1
              : encoder.requestIndex(
                  task.request.map(([resource = 0, amount = 0]) => ({ resource, amount })),
                );
          const isExtension = task.taskType === MY_COUNT;
          encoder.addTask(
            isExtension ? encoder.symbolId("my/count") : task.taskType,
            task.config,
            inputIds,
            requestIndex,
            task.result,
            task.label,
            task.checkpointPath,
            task.metadata,
          );
          expected.push({
            taskType: task.taskType,
            config: Buffer.from(task.config).toString("hex"),
            inputIds,
            request: [...task.request, ...(isExtension ? [[MY_COUNT, 1]] : [])].sort(),
            result: task.result,
            label: trimmedText(task.label),
            checkpointPath: trimmedText(task.checkpointPath),
            metadata: Buffer.from(task.metadata ?? []).toString("hex"),
          });
        }
        const frame = encoder.finish(idBase, loadCheckpoints);
        const decoded = decodeFrame(frame);
        if (decoded.kind !== "plan") throw new Error(decoded.kind);
        const plain: PlainPlan = { idBase, tasks: expected };
        expect(decoded.loadCheckpoints).toBe(loadCheckpoints);
        expect(plainOfPlan(decoded.plan)).toEqual(plain);
        const trimmed = trimPlan(decoded.plan);
        expect(plainOfPlan(trimmed)).toEqual(plain);
        expect(trimmed.inputIds.buffer.byteLength).toBe(trimmed.inputIds.byteLength);
        expect(trimmed.configs.starts.buffer.byteLength).toBe(4 * tasks.length);
      },
    ),
    { numRuns: 300 },
  );
});

test("more requests than the encoder's headroom holds", () => {
  const encoder = new PlanEncoder();
  for (let i = 0; i < 1000; i++) {
    const index = encoder.requestIndex([{ resource: 6, amount: i + 1 }]);
    encoder.addTask(7, Uint8Array.of(i), [], index, false);
  }
  const decoded = decodeFrame(encoder.finish(5, false));
  if (decoded.kind !== "plan") throw new Error(decoded.kind);
  expect(plainOfPlan(decoded.plan).tasks.map((task) => task.request)).toEqual(
    Array.from({ length: 1000 }, (_, i) => [[6, i + 1]]),
  );
});

test("ranges that few tasks have are absent where none has them", () => {
  const encoder = new PlanEncoder();
  encoder.addTask(7, Uint8Array.of(), [], -1, false);
  const decoded = decodeFrame(encoder.finish(0, false));
  if (decoded.kind !== "plan") throw new Error(decoded.kind);
  expect(decoded.plan).toMatchObject({
    labels: undefined,
    checkpointPaths: undefined,
    metadata: undefined,
  });
});

test("tasks of an extension type share the requests that were made for them", () => {
  const encoder = new PlanEncoder();
  const cpu = encoder.requestIndex([{ resource: 6, amount: 1 }]);
  const type = encoder.symbolId("my/count");
  for (let i = 0; i < 1000; i++) encoder.addTask(type, Uint8Array.of(), [], i % 2 ? cpu : -1, true);
  const decoded = decodeFrame(encoder.finish(0, false));
  if (decoded.kind !== "plan") throw new Error(decoded.kind);
  expect(decoded.plan.requests).toEqual([
    [{ resource: 6, amount: 1 }],
    [{ resource: MY_COUNT, amount: 1 }],
    [
      { resource: 6, amount: 1 },
      { resource: MY_COUNT, amount: 1 },
    ],
  ]);
});

describe("a broken task is named", () => {
  const task =
    (...content: number[]) =>
    (writer: ByteWriter) => {
      putNested(writer, 0x12, 0x08, 7, 0x12, 0);
      putNested(writer, 0x12, ...content);
      writer.raw(Uint8Array.of(0x20, 100));
    };
  test.each([
    ["without a type", task(0x12, 0), /^task 101 \(row 1 of the plan\): its task_type is missing/],
    ["without a config", task(0x08, 7), /^task 101 \(row 1 .*its config is missing/],
    ["with a config beyond its end", task(0x08, 7, 0x12, 1), /^task 101 .* 1 more bytes/],
    ["with a cut input", task(0x08, 7, 0x12, 0, 0x18, 0x80), /^task 101 .*rest of a varint/],
    ["with a cut tag", task(0x08, 7, 0x12, 0, 0x98), /^task 101 .*rest of a varint/],
    ["with a tag alone", task(0x08, 7, 0x12, 0, 0x18), /^task 101 .*rest of a varint/],
    ["with an endless input", task(0x18, ...Array(11).fill(0xff)), /^task 101 .*at most 10 bytes/],
    ["with a label beyond its end", task(0x08, 7, 0x12, 0, 0x62, 9), /^task 101 .*9 more bytes/],
    ["with packed inputs cut", task(0x08, 7, 0x12, 0, 0x1a, 1, 0x80), /^task 101 .*varint/],
    ["with field 0", task(0x08, 7, 0x12, 0, 0x00), /^task 101 .*field number/],
    ["with a padded tag", task(0x08, 7, 0x12, 0, 0x98, 0, 5), /^task 101 .*in one byte/],
    ["with deep groups", task(0x08, 7, 0x12, 0, ...Array(101).fill(0x73)), /^task 101 .*nested/],
  ])("%s", (_, write, message) => {
    const decode = (): unknown => decodeHandmade(write);
    expect(decode).toThrow(message);
    expect(decode).toThrow(ProtocolError);
    expect(decode).not.toThrow(PlanRefusal);
  });

  test("by its row where the rest of the plan is broken too", () => {
    const decode = (): unknown =>
      decodeHandmade((writer) => {
        putNested(writer, 0x12, 0x08, 7);
        writer.raw(Uint8Array.of(0x20));
      });
    expect(decode).toThrow(/^the task in row 0 of the plan: its config is missing/);
  });
});

describe("hostile plans", () => {
  test("inputs outside the plan pass, those inside must come before", () => {
    const plan = (input: number): unknown => {
      const encoder = new PlanEncoder();
      for (let i = 0; i < 3; i++) encoder.addTask(7, Uint8Array.of(), [], -1, false);
      encoder.addTask(MERGE, Uint8Array.of(), [input], -1, false);
      encoder.addTask(7, Uint8Array.of(), [], -1, false);
      return decodeFrame(encoder.finish(-3, false));
    };
    for (const fine of [-(2 ** 31), -4, -3, -2, -1, 2, MAX]) expect(() => plan(fine)).not.toThrow();
    expect(() => plan(0)).toThrow(/^task 0 \(row 3 of the plan\): .*itself/);
    expect(() => plan(1)).toThrow(/^task 0 \(row 3 of the plan\): .*task 1/);
  });

  test("a refusal carries the client's id of the task", () => {
    const encoder = new PlanEncoder();
    encoder.addTask(99, Uint8Array.of(), [], -1, false);
    const frame = encoder.finish(-8, false);
    expect(() => decodeFrame(frame)).toThrow(expect.objectContaining({ clientTaskId: -8 }));
  });

  test("a symbol that the server does not take", () => {
    const encoder = new PlanEncoder();
    encoder.addTask(encoder.symbolId("no/such"), Uint8Array.of(), [], -1, false);
    const frame = encoder.finish(0, false);
    expect(() => decodeFrame(frame)).toThrow(/does not take the symbol "no\/such"/);
  });

  test.each<[string, (writer: ByteWriter) => void, RegExp]>([
    [
      "requests over the limit",
      (w) => {
        for (let i = 0; i <= MAX_PLAN_REQUESTS; i++) putNested(w, 0x0a);
      },
      /at most 65536 resource requests/,
    ],
    [
      "resources over the limit",
      (w) => {
        const at = beginMessage(w, 0x0a);
        for (let i = 0; i <= MAX_REQUEST_RESOURCES; i++) putNested(w, 0x0a, 0x08, 6, 0x10, 1);
        endMessage(w, at);
      },
      /at most 64 resources/,
    ],
    [
      "symbols over the limit",
      (w) => {
        for (let i = 0; i <= MAX_PLAN_SYMBOLS; i++) putNested(w, 0x192, 0x61);
      },
      /at most 1024 symbols/,
    ],
    ["a long symbol", (w) => putNested(w, 0x192, ...Array(1025).fill(0x61)), /at most 1024 bytes/],
    ["a resource without a type", (w) => putNested(w, 0x0a, 0x0a, 2, 0x10, 1), /no resource_type/],
    ["a resource without a value", (w) => putNested(w, 0x0a, 0x0a, 2, 0x08, 6), /no value/],
    ["a task beyond the plan", (w) => w.raw(Uint8Array.of(0x12, 5, 0x08)), /5 more bytes/],
    ["the end of a group", (w) => w.raw(Uint8Array.of(0x0c)), /no start/],
  ])("%s", (_, write, message) => {
    const decode = (): unknown => decodeHandmade(write);
    expect(decode).toThrow(ProtocolError);
    expect(decode).toThrow(message);
  });

  test("two plans in one request", () => {
    const body = planBody(() => {});
    const twice = Uint8Array.from([...body, ...body]);
    expect(() => decodeClientRequest(twice, testContext)).toThrow(/one plan in a request/);
  });

  test("a PLAN without a plan", () => {
    const body = Uint8Array.of(0x08, 1);
    expect(() => decodeClientRequest(body, testContext)).toThrow(/has no plan/);
  });

  test("a long request whose type, at its end, is not PLAN", () => {
    const body = planBody((writer) => putNested(writer, 0x12, 0x08, 7, 0x12, 0));
    const writer = new ByteWriter();
    writer.raw(body);
    writer.varint(0x7a);
    writer.lengthPrefixed(new Uint8Array(1024 * 1024));
    expect(decodeClientRequest(writer.written(), testContext).kind).toBe("plan");
    writer.raw(Uint8Array.of(0x08, 6));
    expect(() => decodeClientRequest(writer.written(), testContext)).toThrow(/no PLAN/);
  });

  test("a chain of 100,000 tasks", () => {
    const encoder = new PlanEncoder();
    for (let i = 0; i < 100_000; i++) {
      encoder.addTask(MERGE, Uint8Array.of(), i === 0 ? [] : [i - 1], -1, false);
    }
    const decoded = decodeFrame(encoder.finish(0, false));
    if (decoded.kind !== "plan") throw new Error(decoded.kind);
    expect(decoded.plan.taskCount).toBe(100_000);
    expect(decoded.plan.inputIds.at(-1)).toBe(99_998);
  });
});

test("a plan that gets longer than a server takes is refused while it is built", () => {
  const encoder = new PlanEncoder();
  // Its length is all that is looked at before it is copied.
  const huge = { length: MAX } as Uint8Array;
  expect(() => encoder.addTask(7, huge, [], -1, false)).toThrow(/at most 2147483647 bytes/);
});
