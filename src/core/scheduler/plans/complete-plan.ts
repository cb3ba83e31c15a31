import type { StepContext } from "../context.ts";
import { notifyIfFinished } from "../notify.ts";
import type { PlanRecord } from "../state.ts";
import { PRESENT } from "../task-table.ts";
import { isWanted } from "../wants.ts";

/**
 * Ends the hold of a plan that came in chunks on its own rows, and tells which of its results are
 * finished already; true once all are done.
 */
export function completePlan(context: StepContext, plan: PlanRecord): boolean {
  const { state } = context;
  const { tasks } = state;
  while (plan.heldFrom < plan.heldTo && context.budget > 0) {
    const row = plan.rows.at(plan.heldFrom);
    plan.heldFrom += 1;
    context.budget -= 1;
    tasks.consumersLeft[row] = (tasks.consumersLeft[row] as number) - 1;
    if (tasks.state[row] === PRESENT) notifyIfFinished(context, row);
    if (!isWanted(state, row)) state.work.unwanted.push(row);
  }
  return plan.heldFrom === plan.heldTo;
}
