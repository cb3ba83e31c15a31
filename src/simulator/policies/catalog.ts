import { createRandom } from "../../core/base/random.ts";
import type { Policy } from "../../core/scheduler/policy.ts";
import { createBLevelGreedyTransferPolicy } from "./blevel-gt.ts";
import { createEarliestTimeFirstPolicy } from "./etf.ts";
import { createOriginalPolicy } from "./original.ts";
import { createRandomPolicy } from "./random.ts";
import { createWorkStealingPolicy } from "./work-stealing.ts";

export type PolicyName = "hyperloom" | "original" | "random" | "blevel-gt" | "ws" | "etf";

/**
 * By name, how to make a policy for one simulation with its seed; `hyperloom` is the product's own,
 * which is part of the scheduler.
 */
export const POLICIES: Readonly<Record<PolicyName, (seed: number) => Policy | undefined>> = {
  hyperloom: () => undefined,
  original: createOriginalPolicy,
  random: (seed) => createRandomPolicy(createRandom(seed)),
  "blevel-gt": createBLevelGreedyTransferPolicy,
  ws: createWorkStealingPolicy,
  etf: createEarliestTimeFirstPolicy,
};

export const POLICY_NAMES: readonly PolicyName[] = Object.keys(POLICIES) as PolicyName[];
