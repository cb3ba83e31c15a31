import { assert } from "../base/assert.ts";
import type { PlanRecord, SchedulerState } from "./state.ts";

/** The plan of a row that is not free. */
export function planOf(state: SchedulerState, row: number): PlanRecord {
  const serial = state.tasks.serial[row] as number;
  if (state.recentPlan?.serial === serial) return state.recentPlan;
  const plan = state.plans.get(serial);
  assert(plan !== undefined, "a task that is not free belongs to a plan");
  state.recentPlan = plan;
  return plan;
}
