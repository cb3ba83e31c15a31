import { decodeUtf8Lossy } from "../../base/utf8.ts";
import type { TaskFailure } from "../../model/failures.ts";
import type { StepContext } from "../context.ts";
import { tellPlanFailed } from "../record.ts";
import { planOf } from "../wants.ts";
import { countFailure, endPlan } from "./endings.ts";

/**
 * A task failed by its own fault: its plan is given up, and so is every plan that needs an
 * unfinished task of a plan that is given up. Each of them is told once. What is finished stays.
 */
export function failTask(context: StepContext, row: number, failure: TaskFailure): void {
  const { state } = context;
  const { tasks } = state;
  const plan = planOf(state, row);
  // It goes with the rest of its plan.
  if (plan.endings > 0) return;
  const clientTask = tasks.clientTask[row] as number;
  tellPlanFailed(context, plan, {
    clientTask,
    worker: state.workers.get(tasks.worker[row] as number)?.name ?? "",
    attempts: tasks.attemptsMade(row),
    label: decodeUtf8Lossy(tasks.label(row)),
    failure,
    cause: undefined,
  });
  countFailure(state, plan);
  endPlan(state, plan, { clientTask, message: failure.message });
  context.continueWork();
}
