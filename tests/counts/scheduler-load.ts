/**
 * A program: steps a scheduler through plans of merges of two constants, and prints what it
 * allocated for each task. It must run with a young generation so large that it is hardly ever
 * collected.
 */
import { createFakeCluster } from "../core/scheduler/fake-cluster.ts";
import { planOfTasks, type TestTask } from "../core/scheduler/plans.ts";

const TASKS = 30_000;
const FINISHED_TOGETHER = 500;

const tasks: TestTask[] = [];
for (let i = 0; i < TASKS; i += 3) {
  tasks.push({ type: "const" }, { type: "const" }, { inputs: [i, i + 1], result: true });
}
const plan = planOfTasks(tasks);

/** Sums up what comes between two looks at the heap; a collection in between hides that one step. */
function runPlan(): { heapBytes: number; bufferBytes: number } {
  const cluster = createFakeCluster({ check: false });
  cluster.join(1);
  const sums = { heapBytes: 0, bufferBytes: 0 };
  let before = process.memoryUsage();
  const look = (): void => {
    const after = process.memoryUsage();
    sums.heapBytes += Math.max(0, after.heapUsed - before.heapUsed) / TASKS;
    sums.bufferBytes += Math.max(0, after.arrayBuffers - before.arrayBuffers) / TASKS;
    before = process.memoryUsage();
  };
  cluster.step({ kind: "plan-submitted", clientId: 1, plan, loadable: undefined });
  look();
  for (let given = cluster.given.get(1); given !== undefined && given.length > 0; ) {
    cluster.finish(1, Math.min(given.length, FINISHED_TOGETHER));
    given = cluster.given.get(1);
    look();
  }
  return sums;
}

// The compilers are done after a few.
for (let i = 0; i < 3; i += 1) runPlan();
process.stdout.write(JSON.stringify(runPlan()));
