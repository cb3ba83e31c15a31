import { decodeUtf8Lossy } from "../../base/utf8.ts";
import type { TaskFailure } from "../../model/failures.ts";
import type { StepContext } from "../context.ts";
import { tellPlanFailed } from "../record.ts";
import { planOf } from "../wants.ts";
import { countFailure, endPlan } from "./end-plan.ts";
import { failRows, mayGoOn } from "./fail-rows.ts";

/**
 * A task failed for good. As a rule its plan is given up, and so is every plan that needs an
 * unfinished task of a plan that is given up; each of them is told once, and what is finished stays.
 * Plans that keep going, and inputs that may fail: see `failRows`.
 */
export function failTask(context: StepContext, row: number, failure: TaskFailure): void {
  const { state } = context;
  const { tasks } = state;
  const plan = planOf(state, row);
  // It goes with the rest of its plan.
  if (plan.endings > 0) return;
  const clientTask = tasks.clientTask[row] as number;
  const label = decodeUtf8Lossy(tasks.label(row));
  const cause = { clientTask, message: failure.message };
  if (mayGoOn(state)) {
    failRows(context, [row], cause, failure);
  } else {
    tellPlanFailed(context, plan, {
      clientTask,
      worker: state.workers.get(tasks.worker[row] as number)?.name ?? "",
      attempts: tasks.attemptsMade(row),
      label,
      failure,
      cause: undefined,
    });
    countFailure(state, plan);
    endPlan(state, plan, cause);
  }
  context.continueWork();
}
