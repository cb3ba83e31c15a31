import { chainSteps } from "./chain-steps.ts";
import { edges } from "./edges.ts";
import { flatness } from "./flatness.ts";
import { efficiency, functionCalls } from "./functions.ts";
import { accept, memory } from "./memory.ts";
import { plans } from "./plans.ts";
import { programs } from "./programs.ts";
import { roundTrips } from "./round-trips.ts";
import type { Scenario } from "./scenario.ts";
import { soak } from "./soak.ts";
import { clientStart, workerStart } from "./start-up.ts";
import { fetchLarge, transferLarge, transferSmall } from "./transfers.ts";
import { workflows } from "./workflow.ts";

/** What a client process can be asked to measure, by name. */
export const SCENARIOS = {
  accept,
  chainSteps,
  clientStart,
  edges,
  efficiency,
  fetchLarge,
  flatness,
  functionCalls,
  memory,
  plans,
  programs,
  roundTrips,
  soak,
  transferLarge,
  transferSmall,
  workerStart,
  workflows,
} as const satisfies Readonly<Record<string, Scenario>>;

export type ScenarioName = keyof typeof SCENARIOS;
