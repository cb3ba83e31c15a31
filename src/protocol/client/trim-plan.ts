import type { ByteRanges, Plan } from "../../core/model/plan.ts";
import { trimColumn } from "../wire/columns.ts";

/** The plan with columns of exactly its size, for whoever keeps them; `bytes` stay the frame's. */
export function trimPlan(plan: Plan): Plan {
  const { taskCount } = plan;
  return {
    ...plan,
    isResult: trimColumn(plan.isResult, taskCount),
    requestIndexes: trimColumn(plan.requestIndexes, taskCount),
    inputStarts: trimColumn(plan.inputStarts, taskCount + 1),
    inputIds: trimColumn(plan.inputIds, plan.inputIds.length),
    configs: trimRanges(plan.configs),
    labels: plan.labels && trimRanges(plan.labels),
    checkpointPaths: plan.checkpointPaths && trimRanges(plan.checkpointPaths),
    policyIndexes: plan.policyIndexes && trimColumn(plan.policyIndexes, taskCount),
    metadata: plan.metadata && trimRanges(plan.metadata),
  };
}

function trimRanges({ starts, lengths }: ByteRanges): ByteRanges {
  return {
    starts: trimColumn(starts, starts.length),
    lengths: trimColumn(lengths, lengths.length),
  };
}
