import { chainSteps } from "./chain-steps.ts";
import { edges } from "./edges.ts";
import { flatness } from "./flatness.ts";
import { efficiency, functionCalls } from "./functions.ts";
import { plans } from "./plans.ts";
import { programs } from "./programs.ts";
import { roundTrips } from "./round-trips.ts";
import type { Scenario } from "./scenario.ts";
import { fetchLarge, transferLarge, transferSmall } from "./transfers.ts";

/** What a client process can be asked to measure, by name. */
export const SCENARIOS = {
  chainSteps,
  edges,
  efficiency,
  fetchLarge,
  flatness,
  functionCalls,
  plans,
  programs,
  roundTrips,
  transferLarge,
  transferSmall,
} as const satisfies Readonly<Record<string, Scenario>>;

export type ScenarioName = keyof typeof SCENARIOS;
