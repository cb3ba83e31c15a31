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
 * Lists what is pending and what is held of the plans of a session, which are in the order of their ids.
 * @param kept plans that the server may not have
 */
export function listHeld(plans: readonly SubmittedPlan[], kept: readonly KeptPlan[]): HeldByUs {
  const own = plans.filter(({ name }) => name === undefined);
  const needed = new Set<Future>();
  for (const { plan } of kept) {
    for (const future of plan.earlier) if (future.released) needed.add(future);
  }
  const isKept = new Set(kept.map(({ plan }) => plan));
  const told = own.filter((plan) => plan.pendingCount > 0 || isKept.has(plan));
  const starts: number[] = [];
  const counts: number[] = [];
  const states: number[] = [];
  for (const plan of own) {
    for (const future of plan.futures) {
      const state = needed.has(future) ? RESULT_FINISHED : stateOf(future);
      if (state === undefined) continue;
      const last = starts.length - 1;
      const isNext = last >= 0 && (starts[last] as number) + (counts[last] as number) === future.id;
      if (isNext && states[last] === state) counts[last] = (counts[last] as number) + 1;
      else {
        starts.push(future.id);
        counts.push(1);
        states.push(state);
      }
    }
  }
  const held: HeldByClient = {
    planBases: Int32Array.from(told, ({ idBase }) => idBase),
    planCounts: Int32Array.from(told, ({ taskCount }) => taskCount),
    runStarts: Int32Array.from(starts),
    runCounts: Int32Array.from(counts),
    runStates: Uint8Array.from(states),
  };
  return { parts: partsOf(held), releaseLate: Array.from(needed, ({ id }) => id) };
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
