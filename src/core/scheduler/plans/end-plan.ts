import type { TaskFailure } from "../../model/failures.ts";
import type { PlanRecord, SchedulerState } from "../state.ts";

/** What ends a plan: a task that failed, and what its plan's users are told. */
export type FailedTask = { readonly clientTask: number; readonly message: string };

/** Of a failure, in what is said of those that need it, which may be many. */
const CAUSE_TEXT_MAX = 4_096;

/** A plan that is given up, row by row. */
export type PlanEnding = {
  readonly plan: PlanRecord;
  /** "all" also ends what is finished, and what the client asked to keep. */
  readonly extent: FailedTask | "all";
  /** Rows that were not looked at: those of the plan, then those that it expanded to. */
  position: number;
};

/** Has the plan given up, by this step's work and the next ones'. From now on nothing of it is told. */
export function endPlan(
  state: SchedulerState,
  plan: PlanRecord,
  extent: PlanEnding["extent"],
): void {
  plan.isGivenUp = true;
  plan.isOpen = false;
  plan.endings += 1;
  const position = plan.rows.length + plan.expandedRows.length;
  state.work.endings.push({ plan, extent, position });
}

/** What is said of what needs a task that failed. */
export function inputFailed(cause: FailedTask, which = ""): TaskFailure {
  const { clientTask, message } = cause;
  const told =
    message.length > CAUSE_TEXT_MAX ? `${message.slice(0, CAUSE_TEXT_MAX)} ...` : message;
  return {
    kind: "input-failed",
    message: `Needs task ${clientTask} ${which}which failed: ${told}`,
  };
}

export function countFailure(state: SchedulerState, plan: PlanRecord): void {
  state.counters.tasksFailed += 1;
  state.clients.get(plan.clientId)?.failedIds.add(plan.idBase, plan.idBase + plan.taskCount);
}
