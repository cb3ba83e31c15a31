import { describeUnsatisfiable } from "./amounts.ts";
import type { StepContext } from "./context.ts";
import { failTask } from "./plans/fail-task.ts";
import type { RequestClass, SchedulerState } from "./state.ts";
import { planOf } from "./wants.ts";

/** A retraction that is not answered for so long is forgotten, so that the worker can be asked again. */
const RETRACTION_TIMEOUT_MS = 2_000;

/** Tells the clients of tasks that no worker can run now; they wait for a bigger worker. */
export function findUnsatisfiable(context: StepContext): void {
  const { state, outbox } = context;
  if (state.kinds.size === 0) return;
  for (const requestClass of state.pooledClasses) {
    const row = firstStuck(state, requestClass);
    if (row === -1) continue;
    const plan = planOf(state, row);
    if (plan.isToldUnsatisfiable) continue;
    plan.isToldUnsatisfiable = true;
    outbox.others.push({
      kind: "notify-notice",
      clientId: plan.clientId,
      clientTask: state.tasks.clientTask[row] as number,
      message: `${describeUnsatisfiable(state, requestClass)}; it waits for one that can`,
    });
  }
}

/** Fails what has waited too long for a worker that never came. */
export function failUnsatisfiable(context: StepContext): void {
  const { state } = context;
  findUnsatisfiable(context);
  if (state.kinds.size === 0) return;
  for (const requestClass of state.pooledClasses) {
    // The class goes with its last task, and its queue with it.
    while (state.pooledClasses.has(requestClass)) {
      const row = firstStuck(state, requestClass);
      // What is given up leaves the pool in later steps.
      if (row === -1 || planOf(state, row).endings > 0) break;
      const since = Math.max(planOf(state, row).submittedAtMs, state.workersSinceMs);
      const waitedMs = state.nowMs - since;
      if (waitedMs < state.options.unsatisfiableAfterMs) break;
      const message = `${describeUnsatisfiable(state, requestClass)}, and none came for ${Math.round(waitedMs / 1000)} s`;
      failTask(context, row, { message });
    }
  }
}

function firstStuck(state: SchedulerState, requestClass: RequestClass): number {
  if (requestClass.capableKinds.size > 0) return -1;
  return state.queues.peek(requestClass.pool);
}

/** Lets workers be asked again whose answer got lost with something else. */
export function forgetOldRetractions({ state }: StepContext): void {
  for (const worker of state.workers.values()) {
    if (worker.retractedAtMs !== -1 && state.nowMs - worker.retractedAtMs > RETRACTION_TIMEOUT_MS) {
      worker.retractedAtMs = -1;
    }
  }
}
