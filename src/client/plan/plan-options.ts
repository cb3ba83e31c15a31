import { DEFAULT_POLICY, type PlanOptions } from "../../core/model/policies.ts";
import { invalidArgument } from "../errors.ts";
import {
  checkPriority,
  completePolicy,
  type PolicyOptions,
  policyOf,
} from "../tasks/policy-options.ts";

/** What holds for a plan as a whole, and for those of its tasks that do not say otherwise. */
export type PlanRules = Omit<PolicyOptions, "priority"> & {
  /**
   * What a task's failure is to the others. "fail-fast", the default: the end of the plan.
   * "keep-going": all that does not need the task still runs, and each result fails by itself.
   */
  readonly onFailure?: "fail-fast" | "keep-going";
  /** From -1000 to 1000, added to those of its tasks: greater runs first, whatever else waits. */
  readonly priority?: number;
};

/** Undefined where all is as usual. Throws a HyperloomError. */
export function planOptionsOf(rules: PlanRules): PlanOptions | undefined {
  const { onFailure = "fail-fast", priority = 0, ...others } = rules;
  if (onFailure !== "fail-fast" && onFailure !== "keep-going") {
    throw invalidArgument(`onFailure is "fail-fast" or "keep-going", but got ${onFailure}`);
  }
  const policy = policyOf(others);
  const isKeepGoing = onFailure === "keep-going";
  if (!isKeepGoing && priority === 0 && policy === undefined) return undefined;
  return {
    isKeepGoing,
    priority: checkPriority(priority),
    defaultPolicy: policy && completePolicy(policy, DEFAULT_POLICY),
  };
}
