import {
  type HeldByClient,
  RESULT_FINISHED,
  RESULT_HERE,
  RESULT_PENDING,
} from "../../core/model/held-by-client.ts";
import type { HeldResults } from "../../protocol/client/held-results.ts";
import type { Future } from "../futures/future.ts";
import type { SubmittedPlan } from "../plan/submitted-plan.ts";
import type { KeptPlan } from "./kept-plans.ts";

/** Runs in one request, well below its limit of bytes. */
const RUNS_PER_REQUEST = 65_536;

/** What a client that comes back says that it has. */
export type HeldByUs = {
  readonly parts: readonly HeldResults[];
  /** Released here, but inputs of plans that the server may not have: to be released behind those. */
  readonly releaseLate: readonly number[];
};

/**
 * Lists what is pending and what is held of the plans of a session.
 * @param kept plans that the server may not have
 */
export function listHeld(plans: readonly SubmittedPlan[], kept: readonly KeptPlan[]): HeldByUs {
  const own = plans.filter(({ name }) => name === undefined);
  const runs: Run[] = [];
  for (const plan of own) addRuns(runs, plan);
  // Also of plans that are gone here: what was sent, and may not have arrived, uses them.
  const late = new Set<number>();
  for (const { inputs } of kept) {
    for (const { id, released, failed } of inputs) if (released || failed) late.add(id);
  }
  for (const start of late) runs.push({ start, count: 1, state: RESULT_FINISHED });
  runs.sort((a, b) => a.start - b.start);
  const told = new Set(own.filter(({ pendingCount }) => pendingCount > 0));
  for (const { plan } of kept) if (plan.name === undefined) told.add(plan);
  const toldPlans = [...told].sort((a, b) => a.idBase - b.idBase);
  const held: HeldByClient = {
    planBases: Int32Array.from(toldPlans, ({ idBase }) => idBase),
    planCounts: Int32Array.from(toldPlans, ({ taskCount }) => taskCount),
    runStarts: Int32Array.from(runs, ({ start }) => start),
    runCounts: Int32Array.from(runs, ({ count }) => count),
    runStates: Uint8Array.from(runs, ({ state }) => state),
  };
  return { parts: partsOf(held), releaseLate: [...late] };
}

type Run = { readonly start: number; count: number; readonly state: number };

function addRuns(runs: Run[], plan: SubmittedPlan): void {
  for (const future of plan.futures) {
    const state = stateOf(future);
    if (state === undefined) continue;
    const last = runs.at(-1);
    if (last?.state === state && last.start + last.count === future.id) last.count += 1;
    else runs.push({ start: future.id, count: 1, state });
  }
}

function stateOf(future: Future): number | undefined {
  if (future.pending) return RESULT_PENDING;
  if (!future.finished) return undefined;
  return future.isHere ? RESULT_HERE : RESULT_FINISHED;
}

function partsOf(held: HeldByClient): HeldResults[] {
  const parts: HeldResults[] = [];
  const length = Math.max(held.runStarts.length, held.planBases.length, 1);
  for (let start = 0; start < length; start += RUNS_PER_REQUEST) {
    const end = start + RUNS_PER_REQUEST;
    parts.push({
      planBases: held.planBases.slice(start, end),
      planCounts: held.planCounts.slice(start, end),
      runStarts: held.runStarts.slice(start, end),
      runCounts: held.runCounts.slice(start, end),
      runStates: held.runStates.slice(start, end),
      hasMore: end < length,
    });
  }
  return parts;
}
