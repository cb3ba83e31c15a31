import type { ResourceOffer } from "../model/resources.ts";
import { BUILTIN_SYMBOLS, CPUS } from "../model/symbols.ts";
import type { StepContext } from "./context.ts";
import { failTask } from "./plans/fail-plans.ts";
import type { RequestClass, SchedulerState } from "./state.ts";
import { planOf } from "./wants.ts";

/** A retraction that is not answered for so long is forgotten, so that the worker can be asked again. */
const RETRACTION_TIMEOUT_MS = 2_000;

/** Tells the clients of tasks that no worker can run now; they wait for a bigger worker. */
export function findUnsatisfiable(context: StepContext): void {
  const { state, outbox } = context;
  if (state.workers.size === 0) return;
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
      message: `${describe(state, requestClass)}; it waits for one that can`,
    });
  }
}

/** Fails what has waited too long for a worker that never came. */
export function failUnsatisfiable(context: StepContext): void {
  const { state } = context;
  findUnsatisfiable(context);
  if (state.workers.size === 0) return;
  for (const requestClass of state.pooledClasses) {
    // The class goes with its last task, and its queue with it.
    while (state.pooledClasses.has(requestClass)) {
      const row = firstStuck(state, requestClass);
      if (row === -1) break;
      const since = Math.max(planOf(state, row).submittedAtMs, state.workersSinceMs);
      const waitedMs = state.nowMs - since;
      if (waitedMs < state.options.unsatisfiableAfterMs) break;
      const message = `${describe(state, requestClass)}, and none came for ${Math.round(waitedMs / 1000)} s`;
      failTask(context, row, { message });
    }
  }
}

function firstStuck(state: SchedulerState, requestClass: RequestClass): number {
  if (requestClass.capableKinds.size > 0) return -1;
  return state.queues.peek(requestClass.pool);
}

/** "Task asks for cpus=64, which no worker offers; the largest has cpus=8" */
function describe(state: SchedulerState, requestClass: RequestClass): string {
  let largest: ResourceOffer = [];
  let largestAmount = -1;
  for (const kind of state.kinds.values()) {
    const amount = requestClass.request.reduce((sum, { resource, amount: needed }) => {
      const offered = kind.offer.find((other) => other.resource === resource)?.amount ?? 0;
      return sum + Math.min(1, offered / needed);
    }, 0);
    if (amount > largestAmount) {
      largest = kind.offer;
      largestAmount = amount;
    }
  }
  return `The task asks for ${listOf(state, requestClass.request)}, which no worker offers; the largest worker has ${listOf(state, largest)}`;
}

function listOf(state: SchedulerState, amounts: ResourceOffer): string {
  if (amounts.length === 0) return "nothing";
  return amounts
    .map(({ resource, amount }) => {
      if (resource === CPUS) return `cpus=${amount}`;
      const name = state.options.symbolName(resource);
      return resource >= BUILTIN_SYMBOLS.length && !name.startsWith("loom/resource/")
        ? `task type ${name}`
        : `${name.slice(name.lastIndexOf("/") + 1)}=${amount}`;
    })
    .join(", ");
}

/** Lets workers be asked again whose answer got lost with something else. */
export function forgetOldRetractions({ state }: StepContext): void {
  for (const worker of state.workers.values()) {
    if (worker.retractedAtMs !== -1 && state.nowMs - worker.retractedAtMs > RETRACTION_TIMEOUT_MS) {
      worker.retractedAtMs = -1;
    }
  }
}
