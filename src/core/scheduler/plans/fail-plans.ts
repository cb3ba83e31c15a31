import { decodeUtf8Lossy } from "../../base/utf8.ts";
import type { TaskFailure } from "../../model/failures.ts";
import { forgetCarried } from "../carried-results.ts";
import type { StepContext } from "../context.ts";
import type { PlanRecord, SchedulerState } from "../state.ts";
import {
  ASSIGNED,
  CHECKPOINT_PENDING,
  FREE,
  PRESENT,
  READY,
  RESULT,
  RUNNING,
  WAITING,
} from "../task-table.ts";
import { forEachConsumer, letGo, planOf } from "../wants.ts";

/**
 * A task failed by its own fault: its plan is given up, and so is every plan that needs an
 * unfinished task of a plan that is given up. Each of them is told once. What is finished stays.
 */
export function failTask(context: StepContext, row: number, failure: TaskFailure): void {
  const { state, outbox } = context;
  const { tasks } = state;
  const plan = planOf(state, row);
  const label = decodeUtf8Lossy(tasks.label(row));
  const clientTask = tasks.clientTask[row] as number;
  outbox.others.push({
    kind: "notify-failed",
    clientId: plan.clientId,
    clientTask,
    worker: state.workers.get(tasks.worker[row] as number)?.name ?? "",
    attempts: tasks.attemptsMade(row),
    label,
    failure,
    cause: undefined,
  });
  const given = new Set([plan]);
  // Grows while it is walked: plans of the same client that need what is given up.
  for (const failed of given) {
    for (const { plan: needy, row: needyRow } of giveUp(context, failed)) {
      if (given.has(needy)) continue;
      given.add(needy);
      outbox.others.push({
        kind: "notify-failed",
        clientId: needy.clientId,
        clientTask: tasks.clientTask[needyRow] as number,
        worker: "",
        attempts: tasks.attemptsMade(needyRow),
        label: decodeUtf8Lossy(tasks.label(needyRow)),
        failure: {
          message: `Needs task ${clientTask} of another plan, which failed: ${failure.message}`,
        },
        cause: clientTask,
      });
    }
  }
  letGo(context, rowsOf(state, given));
}

/** Ends what is unfinished in the plan; returns the tasks of other plans that needed it. */
function giveUp(
  { state }: StepContext,
  plan: PlanRecord,
): { readonly plan: PlanRecord; readonly row: number }[] {
  const { tasks } = state;
  const needy = new Map<PlanRecord, number>();
  state.counters.tasksFailed += 1;
  state.clients.get(plan.clientId)?.failedIds.add(plan.idBase, plan.idBase + plan.taskCount);
  for (const row of rowsOf(state, [plan])) {
    if (!isUnfinished(state, row)) continue;
    forgetCarried(state, row);
    // Without these marks nobody wants it, once the consumers in this and the needy plans are gone.
    tasks.flags[row] = (tasks.flags[row] as number) & ~(RESULT | CHECKPOINT_PENDING);
    forEachConsumer(state, row, (consumer) => {
      const consumerPlan = planOf(state, consumer);
      if (consumerPlan !== plan && isUnfinished(state, consumer)) {
        if (!needy.has(consumerPlan)) needy.set(consumerPlan, consumer);
      }
    });
  }
  return [...needy].map(([needyPlan, row]) => ({ plan: needyPlan, row }));
}

function isUnfinished({ tasks }: SchedulerState, row: number): boolean {
  const current = tasks.state[row];
  return (
    current === WAITING ||
    current === READY ||
    current === ASSIGNED ||
    current === RUNNING ||
    // Its checkpoint could not be written: it counts as failed.
    (current === PRESENT && ((tasks.flags[row] as number) & CHECKPOINT_PENDING) !== 0)
  );
}

/** The rows that still belong to the plans. */
export function rowsOf(state: SchedulerState, plans: Iterable<PlanRecord>): number[] {
  const { tasks } = state;
  const rows: number[] = [];
  for (const plan of plans) {
    for (const row of plan.rows) {
      if (tasks.state[row] !== FREE && tasks.serial[row] === plan.serial) rows.push(row);
    }
    for (const row of plan.expandedRows) {
      const serial = tasks.serial[row] as number;
      if (tasks.state[row] !== FREE && state.plans.get(serial) === plan) rows.push(row);
    }
  }
  return rows;
}
