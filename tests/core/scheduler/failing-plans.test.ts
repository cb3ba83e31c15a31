import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "../../../src/core/base/random.ts";
import { nextDueAtMs } from "../../../src/core/scheduler/retries.ts";
import { createFakeCluster } from "./fake-cluster.ts";
import { planOfTasks, type TestTask } from "./plans.ts";

/** A task as chance makes it: it fails its first `failures` attempts, and may be tried `attempts` times. */
type ChanceTask = {
  /** How far before it its inputs are, and whether it can do without them. */
  readonly inputs: readonly { readonly back: number; readonly isOptional: boolean }[];
  readonly failures: number;
  readonly attempts: number;
  readonly isResult: boolean;
};

const anyTask: fc.Arbitrary<ChanceTask> = fc.record({
  inputs: fc.array(fc.record({ back: fc.integer({ min: 1, max: 8 }), isOptional: fc.boolean() }), {
    maxLength: 3,
  }),
  failures: fc.constantFrom(0, 0, 0, 0, 1, 2),
  attempts: fc.integer({ min: 1, max: 3 }),
  isResult: fc.boolean(),
});

const anyPlan = fc.record({
  tasks: fc.array(anyTask, { minLength: 1, maxLength: 16 }),
  isKeepGoing: fc.boolean(),
});

type Written = { readonly task: TestTask; readonly chance: ChanceTask };

/** The tasks of all plans; ids count on, so that later plans use results of earlier ones. */
function write(plans: readonly { readonly tasks: readonly ChanceTask[] }[]): Written[][] {
  const all: Written[] = [];
  return plans.map(({ tasks }) => {
    const base = all.length;
    return tasks.map((chance) => {
      const id = all.length;
      const usable = chance.inputs
        .map(({ back, isOptional }) => ({ input: id - back, isOptional }))
        .filter(({ input }) => input >= base || (all[input]?.task.result ?? false));
      const task: TestTask = {
        type: "arrayMake",
        inputs: usable.map(({ input }) => input),
        optional: [...usable.keys()].filter((i) => usable[i]?.isOptional),
        result: chance.isResult,
        policy: { attemptsMax: chance.attempts, backoffMs: 10 * (id % 3) },
      };
      all.push({ task, chance });
      return { task, chance };
    });
  });
}

/** Which tasks can be had, were all of them tried. */
function whatCanBe(tasks: readonly Written[]): boolean[] {
  const can: boolean[] = [];
  for (const { task, chance } of tasks) {
    const { inputs = [], optional = [] } = task;
    const needed = new Set(inputs.filter((_, i) => !optional.includes(i)));
    can.push(chance.failures < chance.attempts && [...needed].every((input) => can[input]));
  }
  return can;
}

test("of plans that keep going exactly what can be had is had, whatever fails and is lost", () => {
  fc.assert(
    fc.property(
      fc.array(anyPlan, { minLength: 1, maxLength: 3 }),
      fc.nat(),
      fc.boolean(),
      (plans, seed, losesWorkers) => {
        const written = write(plans);
        const all = written.flat();
        const random = createRandom(seed);
        const cluster = createFakeCluster({ options: { seed, crashLimit: 1_000 } });
        const { state } = cluster;
        const attemptsFailed = new Map<number, number>();
        let workerId = 1;
        cluster.join(workerId);
        const advance = (): boolean => {
          if (losesWorkers && random.below(12) === 0) {
            cluster.step({ kind: "worker-lost", workerId });
            workerId += 1;
            cluster.join(workerId);
          }
          const given = cluster.given.get(workerId) ?? [];
          const next = given[0];
          if (next === undefined) {
            const dueAtMs = nextDueAtMs(state);
            if (dueAtMs === undefined) return false;
            cluster.wait(dueAtMs - state.nowMs);
            return true;
          }
          const { chance } = all[next.clientTask] as Written;
          const count = attemptsFailed.get(next.clientTask) ?? 0;
          const isAbsent = state.failed.has(next.task);
          if (!isAbsent && count < chance.failures) {
            attemptsFailed.set(next.clientTask, count + 1);
            cluster.fail(workerId, next.clientTask);
          } else cluster.finish(workerId);
          return true;
        };
        let idBase = 0;
        for (const tasks of written) {
          const plan = planOfTasks(
            tasks.map(({ task }) => task),
            idBase,
            { isKeepGoing: true },
          );
          cluster.step({ kind: "plan-submitted", clientId: 1, plan, loadable: undefined });
          idBase += tasks.length;
          // Some of it happens before the next plan comes.
          for (let i = random.below(6); i > 0; i -= 1) advance();
        }
        while (advance());

        const can = whatCanBe(all);
        const results = all.flatMap(({ task }, id) => (task.result ? [id] : []));
        const finished = new Set(cluster.finishedOf(1));
        const failed = new Set(cluster.failuresOf(1).map(({ clientTask }) => clientTask));
        for (const id of results) {
          expect([id, finished.has(id), failed.has(id)]).toEqual([id, can[id], !can[id]]);
        }
        cluster.step({
          kind: "results-released",
          clientId: 1,
          clientTasks: Int32Array.from(results),
        });
        expect(state.tasks.liveCount).toBe(0);
        expect([state.failed.size, state.retries.failures.size, state.plans.size]).toEqual([
          0, 0, 0,
        ]);
        expect(cluster.commands.filter(({ kind }) => kind === "refuse")).toEqual([]);
      },
    ),
    { numRuns: 150 },
  );
});
