import type { Plan } from "../../model/plan.ts";
import type { PlanOptions } from "../../model/policies.ts";
import { LEVEL_MAX, levelOf, priorityOf } from "../../model/urgency.ts";

/** Below every priority: nothing that comes later is known so far. */
const UNKNOWN = -(2 ** 31);

/** For `findNeeds`: less than any consumer would make them. */
export function unknownPriorities(plan: Plan): Int32Array {
  const priorities = new Int32Array(plan.taskCount);
  return hasUrgencies(plan) ? priorities.fill(UNKNOWN) : priorities;
}

/** Whether tasks of the plan are asked to be before others of it, or of other plans. */
export const hasUrgencies = ({ policies }: Plan): boolean =>
  policies?.some(({ priority }) => priority !== 0) ?? false;

/** What tasks are asked to be before others of their plan; undefined where no task of it is. */
export function urgencies(
  plan: Plan,
  options: PlanOptions | undefined,
): ((i: number) => number) | undefined {
  if (!hasUrgencies(plan)) return undefined;
  const { policies = [], policyIndexes } = plan;
  const usual = options?.defaultPolicy?.priority ?? 0;
  return (i) => policies[policyIndexes?.[i] ?? -1]?.priority ?? usual;
}

/**
 * The priority of a task, given the greatest of what those that use it make it: they make it as
 * urgent as they are themselves, unless it was given an urgency of its own.
 */
export function ownPriority(fromConsumers: number, urgency: number): number {
  const isFirst = fromConsumers === UNKNOWN || fromConsumers === 0;
  if (urgency === 0) return isFirst ? 1 : fromConsumers;
  return priorityOf(urgency, isFirst ? 1 : levelOf(fromConsumers));
}

/** A chunk tells the levels itself; what is not in it, its tasks cannot be as urgent as. */
export function chunkPriorities(plan: Plan, options: PlanOptions | undefined): Int32Array {
  const { taskCount, priorities: levels } = plan;
  const urgencyOf = urgencies(plan, options);
  const priorities = new Int32Array(taskCount);
  for (let i = 0; i < taskCount; i += 1) {
    const level = Math.min(LEVEL_MAX, Math.max(1, levels?.[i] ?? 1));
    priorities[i] = urgencyOf === undefined ? level : priorityOf(urgencyOf(i), level);
  }
  return priorities;
}
