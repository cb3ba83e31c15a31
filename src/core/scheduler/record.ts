import type { FailureTold } from "../model/journal-record.ts";
import type { SchedulerCommand } from "./commands.ts";
import type { StepContext } from "./context.ts";
import { addEnded } from "./outbox.ts";
import type { PlanIntake } from "./plans/intake.ts";
import type { PlanRecord, SchedulerState } from "./state.ts";
import { planOf } from "./wants.ts";

/** The row is no result any more. */
export function recordEnded({ state, outbox }: StepContext, row: number): void {
  const plan = planOf(state, row);
  // A client's end is the end of its plans.
  if (plan.isJournaled && state.clients.has(plan.clientId)) addEnded(outbox, plan, row);
}

/** The intake's tasks have their rows. */
export function recordAccepted({ state, outbox }: StepContext, intake: PlanIntake): void {
  const { journal } = state;
  const { record, plan, rows, loadable } = intake;
  if (journal === undefined || !record.isJournaled || intake.neededCount === 0) return;
  outbox.records.push({
    kind: "plan-accepted",
    serial: record.serial,
    clientId: record.clientId,
    idBase: record.idBase,
    taskCount: record.taskCount,
    isChunk: intake.kind === "chunk",
    frame: plan.bytes,
    rows,
    attemptBases: Uint32Array.from(rows, (row) => state.tasks.attemptBase[row] ?? 0),
    loadable,
    inputRows: outerInputs(state, intake),
  });
  record.acceptedRecord = recordsSoFar(state, outbox);
}

/** All chunks of the plan have come; from now on its results are told. */
export function recordCompleted({ state, outbox }: StepContext, plan: PlanRecord): void {
  if (state.journal === undefined) return;
  outbox.records.push({ kind: "plan-completed", serial: plan.serial });
  plan.acceptedRecord = recordsSoFar(state, outbox);
}

/** The checkpoint of the row is complete: the next server may load it. */
export function recordCheckpoint({ state, outbox }: StepContext, row: number): void {
  const { serial, isJournaled, clientId } = planOf(state, row);
  if (!isJournaled || !state.clients.has(clientId)) return;
  outbox.records.push({ kind: "checkpoints-written", serial, rows: Uint32Array.of(row) });
}

/** A dynamic task and its consumer were replaced: their rows are kept free as long as the plan is written down. */
export function recordExpanded(
  { state, outbox }: StepContext,
  plan: PlanRecord,
  expanded: {
    readonly serial: number;
    readonly x: number;
    readonly y: number;
    readonly length: number;
    readonly pieceItems: number;
    readonly xs: readonly number[];
    readonly ys: readonly number[];
    readonly consumersOfY: readonly number[];
  },
): void {
  if (!plan.isJournaled || state.journal === undefined) return;
  const { serial, x, y, length, pieceItems, xs, ys, consumersOfY } = expanded;
  const rows = Uint32Array.from(xs.flatMap((row, i) => [row, ys[i] as number]));
  reserveRows(state, plan, x, y);
  outbox.records.push({
    kind: "tasks-expanded",
    serial: plan.serial,
    newSerial: serial,
    x,
    y,
    length,
    pieceItems,
    rows,
    attemptBases: rows.map((row) => state.tasks.attemptBase[row] as number),
    consumers: Uint32Array.from(consumersOfY),
  });
}

/** Nobody else gets the rows of what was expanded: the next server has the tasks there until it has read all. */
export function reserveRows({ tasks }: SchedulerState, plan: PlanRecord, ...rows: number[]): void {
  for (const row of rows) {
    tasks.reserveRow(row);
    plan.reservedRows.push(row);
  }
}

/** Rows of the inputs that are not of the intake's own tasks, in order. */
function outerInputs({ tasks }: SchedulerState, { plan, rows }: PlanIntake): Uint32Array {
  const { inputStarts, inputIds, idBase, taskCount } = plan;
  const outer: number[] = [];
  for (let i = 0; i < taskCount; i += 1) {
    const row = rows[i] as number;
    if (row === -1) continue;
    const start = inputStarts[i] as number;
    const edgeStart = (tasks.edgeStart[row] as number) - start;
    for (let k = start; k < (inputStarts[i + 1] as number); k += 1) {
      const index = (inputIds[k] as number) - idBase;
      if (index >= 0 && index < i) continue;
      outer.push(tasks.edges.items[edgeStart + k] as number);
    }
  }
  return Uint32Array.from(outer);
}

type Failed = Omit<Extract<SchedulerCommand, { kind: "notify-failed" }>, "kind" | "clientId">;

/** Has the client of the plan told that a task of it failed, once that is written down. */
export function tellPlanFailed(context: StepContext, plan: PlanRecord, failed: Failed): void {
  const { failure, clientTask, worker, attempts, label, cause } = failed;
  const told = { clientTask, worker, attempts, label, failure, cause };
  recordFailed(context, plan, { ...told, isRefusal: false });
  const { outbox, state } = context;
  outbox.others.push({
    kind: "notify-failed",
    clientId: plan.clientId,
    clientTask,
    worker,
    attempts,
    label,
    failure,
    cause,
    ...(plan.isJournaled ? { afterRecord: recordsSoFar(state, outbox) } : {}),
  });
}

/** Has the client told that a task failed, and that its plan goes on. */
export function tellTaskFailed({ outbox }: StepContext, plan: PlanRecord, failed: Failed): void {
  const { clientTask, worker, attempts, label, failure, cause } = failed;
  outbox.others.push({
    kind: "notify-failed",
    clientId: plan.clientId,
    clientTask,
    worker,
    attempts,
    label,
    failure,
    cause,
    planGoesOn: true,
  });
}

/** What came of a plan is refused, and its client told so. */
export function recordRefused(context: StepContext, plan: PlanRecord, message: string): void {
  recordFailed(context, plan, {
    clientTask: plan.idBase,
    worker: "",
    attempts: 0,
    label: "",
    failure: { message },
    cause: undefined,
    isRefusal: true,
  });
}

function recordFailed({ outbox }: StepContext, plan: PlanRecord, told: FailureTold): void {
  if (!plan.isJournaled) return;
  const { serial, clientId, idBase, taskCount } = plan;
  outbox.records.push({ kind: "plan-failed", serial, clientId, idBase, taskCount, told });
}

const recordsSoFar = ({ journal }: SchedulerState, { records }: StepContext["outbox"]): number =>
  (journal?.recordCount ?? 0) + records.length;
