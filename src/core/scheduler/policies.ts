import { DEFAULT_POLICY, type TaskPolicy } from "../model/policies.ts";
import { planOf } from "./plan-of.ts";
import type { SchedulerState } from "./state.ts";

/** What holds for the row: its own policy, else that of its plan. */
export function policyOf(state: SchedulerState, row: number): TaskPolicy {
  return (
    state.tasks.policies.get(row) ?? planOf(state, row).options?.defaultPolicy ?? DEFAULT_POLICY
  );
}
