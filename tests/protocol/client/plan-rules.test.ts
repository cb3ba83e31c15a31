import fc from "fast-check";
import { expect, test } from "vitest";
import {
  ALL_RETRIABLE_KINDS,
  DEFAULT_POLICY,
  type PlanOptions,
  POLICY_MS_MAX,
  PRIORITY_MAX,
  type TaskPolicy,
} from "../../../src/core/model/policies.ts";
import { decodeClientRequest } from "../../../src/protocol/client/client-request.ts";
import { PlanRefusal } from "../../../src/protocol/client/plan-context.ts";
import { PlanEncoder } from "../../../src/protocol/client/plan-encoder.ts";
import { testContext } from "./plan-values.ts";

const MERGE = 8;
const NO_BYTES = new Uint8Array(0);

const hundredths = fc.integer({ min: 100, max: 100_000 }).map((value) => value / 100);
const ms = fc.integer({ min: 0, max: POLICY_MS_MAX });
const priority = fc.integer({ min: -PRIORITY_MAX, max: PRIORITY_MAX });
const anyPolicy: fc.Arbitrary<TaskPolicy> = fc.record({
  attemptsMax: fc.integer({ min: 1, max: 1_000_000 }),
  backoffMs: ms,
  backoffFactor: hundredths,
  backoffMsMax: ms,
  retriedKinds: fc.nat(ALL_RETRIABLE_KINDS).map((bits) => bits & ALL_RETRIABLE_KINDS),
  timeLimitMs: ms,
  priority,
  crashLimit: fc.nat(1_000),
  memoryFactor: hundredths,
});
const policy = fc.oneof(anyPolicy, fc.constant(DEFAULT_POLICY));
const anyTask = fc.record({
  inputCount: fc.nat(4),
  policy: fc.option(policy, { nil: undefined }),
  isOptional: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
});
const anyOptions: fc.Arbitrary<PlanOptions> = fc.record({
  isKeepGoing: fc.boolean(),
  priority,
  defaultPolicy: fc.option(policy, { nil: undefined }),
});

function planOf(frame: Uint8Array) {
  const request = decodeClientRequest(frame.subarray(8), testContext);
  if (request.kind !== "plan" && request.kind !== "planChunk") throw new Error(request.kind);
  return request.plan;
}

test("policies, optional inputs and options of a plan that are encoded are decoded", () => {
  fc.assert(
    fc.property(
      fc.array(anyTask, { minLength: 1, maxLength: 20 }),
      fc.option(anyOptions, { nil: undefined }),
      fc.boolean(),
      (tasks, options, inChunks) => {
        const encoder = new PlanEncoder();
        if (options !== undefined) encoder.setOptions(options);
        const expectedOptional: number[] = [];
        let inputCount = 0;
        for (const task of tasks) {
          const inputs = new Array<number>(task.inputCount).fill(-1);
          const optionalInputs = [...inputs.keys()].filter((at) => task.isOptional[at]);
          expectedOptional.push(...optionalInputs.map((at) => inputCount + at));
          inputCount += task.inputCount;
          const policyIndex = task.policy === undefined ? -1 : encoder.policyIndex(task.policy);
          encoder.addTask(MERGE, NO_BYTES, inputs, -1, false, undefined, undefined, undefined, {
            policyIndex,
            optionalInputs,
          });
        }
        const count = tasks.length;
        const plan = planOf(
          inChunks
            ? encoder.finishChunk(0, new Int32Array(count), new Uint32Array(count))
            : encoder.finish(0, false),
        );
        tasks.forEach((task, row) => {
          expect(plan.policies?.[plan.policyIndexes?.[row] ?? -1]).toEqual(task.policy);
        });
        expect([...(plan.optionalInputs ?? [])]).toEqual(expectedOptional);
        const isPlain =
          options === undefined ||
          (!options.isKeepGoing && options.priority === 0 && options.defaultPolicy === undefined);
        expect(plan.options).toEqual(isPlain ? undefined : options);
      },
    ),
    { numRuns: 300 },
  );
});

test("a plan without them has no columns for them", () => {
  const encoder = new PlanEncoder();
  for (let i = 0; i < 5; i++) encoder.addTask(MERGE, NO_BYTES, [], -1, false);
  const plan = planOf(encoder.finish(0, false));
  expect([plan.policies, plan.policyIndexes, plan.optionalInputs, plan.options]).toEqual(
    new Array(4).fill(undefined),
  );
});

test.each<[string, (encoder: PlanEncoder) => void, RegExp]>([
  [
    "a policy that allows no attempt",
    (encoder) => void encoder.policyIndex({ ...DEFAULT_POLICY, attemptsMax: 0 }),
    /policy 0: expected attemptsMax from 1 to 1000000, got 0/,
  ],
  [
    "a priority beyond the greatest",
    (encoder) =>
      encoder.setOptions({ isKeepGoing: false, priority: 1_001, defaultPolicy: undefined }),
    /expected a priority from -1000 to 1000, got 1001/,
  ],
  [
    "a policy index that is none",
    (encoder) =>
      encoder.addTask(MERGE, NO_BYTES, [], -1, false, undefined, undefined, undefined, {
        policyIndex: 3,
      }),
    /task 7 \(row 0 of the plan\): expected a policy_index from -1 to -1, got 3/,
  ],
  [
    "an optional input that is none",
    (encoder) =>
      encoder.addTask(MERGE, NO_BYTES, [1], -1, false, undefined, undefined, undefined, {
        policyIndex: -1,
        optionalInputs: [1],
      }),
    /task 7 \(row 0 of the plan\): its optional input 1 is none of its inputs/,
  ],
])("%s is refused", (_, write, message) => {
  const encoder = new PlanEncoder();
  write(encoder);
  const frame = encoder.finish(7, false);
  const decode = () => planOf(frame);
  expect(decode).toThrow(PlanRefusal);
  expect(decode).toThrow(message);
});
