import fc from "fast-check";
import { test } from "vitest";
import { CPUS, TASK_TYPE } from "../../../src/core/model/symbols.ts";
import { type Assigned, createTestWorker, type Input, type Ref, SELF } from "./builders.ts";
import { type Happening, Oracle } from "./oracle.ts";

const GPUS = 30;
const OFFER = { [CPUS]: 3, [GPUS]: 1 };

/** Few ids and attempts, so that they meet often: 0-7 are given to this worker, 20-25 are elsewhere, 40 nowhere. */
const attempt = fc.integer({ min: 1, max: 3 });
const localRef: fc.Arbitrary<Ref> = fc.tuple(fc.nat(7), attempt);
const remoteRef: fc.Arbitrary<Ref> = fc.tuple(fc.integer({ min: 20, max: 25 }), attempt);
const anyRef = fc.oneof(localRef, remoteRef);

/** The same object is always said to be at the same place. */
function inputOf([task, of]: Ref): Input {
  if (task === 40) return { task, attempt: of, holder: 0xffff_ffff };
  return { task, attempt: of, holder: task < 20 ? SELF : 1 + (task % 3) };
}
const input = fc
  .oneof(
    { weight: 8, arbitrary: remoteRef },
    { weight: 6, arbitrary: localRef },
    { weight: 1, arbitrary: fc.constant<Ref>([40, 1]) },
  )
  .map(inputOf);

const assigned: fc.Arbitrary<Assigned> = fc
  .record({
    task: fc.nat(7),
    attempt,
    taskType: fc.constantFrom(TASK_TYPE.merge, TASK_TYPE.run, TASK_TYPE.pyCall, TASK_TYPE.pyCall),
    flags: fc.constantFrom(0, 0, 0, 1),
    priority: fc.integer({ min: -1, max: 2 }),
    request: fc.constantFrom<Record<number, number>>(
      {},
      { [CPUS]: 1 },
      { [CPUS]: 3 },
      { [CPUS]: 2, [GPUS]: 1 },
      { [GPUS]: 1 },
    ),
    inputs: fc.array(input, { maxLength: 3 }),
  })
  // No task waits for itself, over others or not.
  .map((task) => ({
    ...task,
    inputs: task.inputs.filter((other) => other.task >= 20 || other.task < task.task),
  }));

const someOf = <Value>(of: fc.Arbitrary<Value>): fc.Arbitrary<Value[]> =>
  fc.array(of, { minLength: 1, maxLength: 6 });

/** A batch names a task once. */
const batch = fc.uniqueArray(assigned, {
  minLength: 1,
  maxLength: 6,
  selector: ({ task }) => task,
});

const peer = fc.integer({ min: 1, max: 3 });
/** Each ref once: an event does not report one end twice. */
const distinct = (refs: fc.Arbitrary<Ref>): fc.Arbitrary<Ref[]> =>
  fc.uniqueArray(refs, { minLength: 1, maxLength: 8, selector: ([task, of]) => `${task}/${of}` });

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("assign"), tasks: batch }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("executed"), refs: distinct(localRef) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("fetched"), refs: distinct(remoteRef) }) },
  fc.record({ kind: fc.constant("fetch-failed"), refs: someOf(remoteRef), peer }),
  fc.record({ kind: fc.constant("lose-peers"), peers: fc.array(peer, { maxLength: 2 }) }),
  fc.record({
    kind: fc.constantFrom("failed", "no-checkpoint", "retract"),
    refs: someOf(localRef),
  }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("killed"), refs: distinct(localRef) }) },
  fc.record({ kind: fc.constant("postponed"), refs: distinct(localRef) }),
  fc.record({
    kind: fc.constant("redirected"),
    ref: localRef,
    request: fc.constantFrom<Record<number, number>>(
      {},
      { [CPUS]: 2 },
      { [CPUS]: 4 },
      { [GPUS]: 1 },
    ),
  }),
  fc.record({ kind: fc.constantFrom("cancel"), refs: someOf(localRef) }),
  fc.record({ kind: fc.constant("drop"), refs: distinct(anyRef) }),
) as fc.Arbitrary<Happening>;

test("any events in any order, next to the plainest worker", () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
      const oracle = new Oracle(createTestWorker(OFFER), OFFER);
      for (const next of happenings) oracle.happen(next);
      oracle.drain();
    }),
    { numRuns: 1500 },
  );
}, 60_000);
