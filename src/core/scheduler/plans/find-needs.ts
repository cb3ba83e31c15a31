import { priorityBefore } from "../../model/urgency.ts";
import type { StepContext } from "../context.ts";
import type { PlanIntake } from "./intake.ts";
import { ownPriority, urgencies } from "./urgencies.ts";

/** What becomes of a task of a plan: nothing. */
export const UNNEEDED = 0;
/** Only the record: it may be needed when a checkpoint turns out not to be loadable. */
export const RECORDED = 1;
export const NEEDED = 2;
/** It was needed, and has been started. */
export const BEGUN = 3;

/**
 * Walks from the plan's end to its begin, so that each task is met after all that use it: who is
 * needed, the longest path to a result, and at how many places each is used. A task that is loaded
 * needs no inputs, as long as it can be.
 */
export function findNeeds(context: StepContext, intake: PlanIntake): void {
  const { plan, needs, priorities, consumerCounts, loadable } = intake;
  const { inputStarts, inputIds, idBase, isResult } = plan;
  const urgencyOf = urgencies(plan, intake.record.options);
  let { position, neededCount, neededEdges } = intake;
  while (position > 0 && context.budget > 0) {
    position -= 1;
    context.budget -= 1;
    const i = position;
    if (isResult[i] === 1) needs[i] = NEEDED;
    const need = needs[i] as number;
    if (need === UNNEEDED) continue;
    const start = inputStarts[i] as number;
    const end = inputStarts[i + 1] as number;
    const ofInputs = need === NEEDED && loadable?.[i] !== 1 ? NEEDED : RECORDED;
    if (urgencyOf !== undefined) {
      priorities[i] = ownPriority(priorities[i] as number, urgencyOf(i));
    } else if (priorities[i] === 0) priorities[i] = 1;
    const priority = priorityBefore(priorities[i] as number);
    for (let k = start; k < end; k += 1) {
      const input = (inputIds[k] as number) - idBase;
      // What is out of place, `adding` refuses.
      if (input < 0 || input >= i) continue;
      if ((needs[input] as number) < ofInputs) needs[input] = ofInputs;
      if ((priorities[input] as number) < priority) priorities[input] = priority;
      consumerCounts[input] = (consumerCounts[input] as number) + 1;
    }
    neededCount += 1;
    neededEdges += end - start + (consumerCounts[i] as number);
    context.budget -= end - start;
  }
  intake.position = position;
  intake.neededCount = neededCount;
  intake.neededEdges = neededEdges;
}
