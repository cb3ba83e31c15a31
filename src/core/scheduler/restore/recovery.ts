import type { Uint32List } from "../../base/columns.ts";
import type { HeldTasks } from "../../model/batches.ts";
import type { StepContext } from "../context.ts";
import type { SchedulerEvent } from "../events.ts";
import { endPlan, type FailedTask } from "../plans/end-plan.ts";
import type { PlanRecord } from "../state.ts";

/**
 * After a restore, until the workers of before are back or their time is over: what they bring is
 * adopted, and ends the wait for it as if it had just been made; nothing is given to anybody.
 */
export type Recovery = {
  /** Workers that had joined the server before and have not come back. */
  readonly missing: Set<number>;
  readonly untilMs: number;
  /** What waits for a place, and dynamic tasks whose input is there. */
  readonly readied: Uint32List;
  readonly expansions: Uint32List;
  /**
   * What workers that are back have, and what they told of it since, oldest first: whether a task can go
   * on where it runs is known when all have said what they hold.
   */
  readonly heldTasks: { readonly workerId: number; readonly tasks: HeldTasks }[];
  readonly reports: WorkerReport[];
  /** Plans that had failed, and why: what is not there does not come any more. */
  readonly failed: ReadonlyMap<PlanRecord, FailedTask>;
};

/** What a worker tells of attempts. */
export type WorkerReport = Extract<
  SchedulerEvent,
  {
    readonly kind:
      | "tasks-finished"
      | "tasks-started"
      | "task-failed"
      | "tasks-returned"
      | "inputs-unreachable"
      | "checkpoints-written"
      | "checkpoints-missing";
  }
>;

const REPORT_KINDS: ReadonlySet<string> = new Set<WorkerReport["kind"]>([
  "tasks-finished",
  "tasks-started",
  "task-failed",
  "tasks-returned",
  "inputs-unreachable",
  "checkpoints-written",
  "checkpoints-missing",
]);

/** Keeps a report of a worker for later; false for any other event. */
export function putOffReport({ reports }: Recovery, event: SchedulerEvent): boolean {
  if (!REPORT_KINDS.has(event.kind)) return false;
  reports.push(event as WorkerReport);
  return true;
}

/** The worker is gone again: what it had and told is of no use. */
export function forgetPutOff(recovery: Recovery, workerId: number): void {
  for (const list of [recovery.heldTasks, recovery.reports]) {
    const kept = list.filter((entry) => entry.workerId !== workerId);
    list.splice(0, list.length, ...(kept as never[]));
  }
}

/** The worker is back, or has come for the first time. */
export function noteWorkerBack(context: StepContext, workerId: number): void {
  context.state.recovery?.missing.delete(workerId);
}

/** Ends the recovery once nobody is missing, or the time is over. In each step, after its event. */
export function endRecoveryIfDue(context: StepContext): void {
  const { state, outbox } = context;
  const { recovery } = state;
  if (recovery === undefined) return;
  const { missing, readied, expansions, failed } = recovery;
  if (missing.size > 0 && state.nowMs < recovery.untilMs) return;
  state.recovery = undefined;
  // Nobody has looked so far at what those can take that came meanwhile.
  for (const workerId of state.workers.keys()) context.dirtyWorkers.add(workerId);
  if (state.journal !== undefined) {
    for (const workerId of missing) outbox.records.push({ kind: "worker-left", workerId });
  }
  for (const [plan, cause] of failed) {
    if (plan.liveCount > 0 && plan.endings === 0) endPlan(state, plan, cause);
  }
  moveAll(readied, context.readied);
  moveAll(expansions, context.expansions);
}

/** Puts off what would be placed or expanded in this step. */
export function putOff({ readied, expansions }: StepContext, recovery: Recovery): void {
  moveAll(readied, recovery.readied);
  moveAll(expansions, recovery.expansions);
}

function moveAll(from: Uint32List, to: Uint32List): void {
  for (let i = 0; i < from.length; i += 1) to.push(from.at(i));
  from.clear();
}
