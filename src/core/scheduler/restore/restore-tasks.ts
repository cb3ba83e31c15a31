import type { PlanAccepted } from "../../model/journal-record.ts";
import type { Plan } from "../../model/plan.ts";
import { createStepContext } from "../context.ts";
import { beginTasks, fillColumns, fillDetails, markOptional } from "../plans/add-tasks.ts";
import { createClient } from "../plans/clients.ts";
import { findNeeds, RECORDED, UNNEEDED } from "../plans/find-needs.ts";
import { createChunkIntake, createPlanIntake, type PlanIntake } from "../plans/intake.ts";
import { forgetTaskOfClass } from "../request-classes.ts";
import { RestoreError } from "./restore-error.ts";
import { discardRow, planFor, type Restore, recordFor } from "./restore-state.ts";

/**
 * Puts the tasks of an accepted plan, or chunk, where they were, as records without data. Edges lead
 * to their inputs alone; `finishRestore` sees to the other direction, and to what has gone since.
 */
export function restoreTasks(restore: Restore, accepted: PlanAccepted, plan: Plan): void {
  const { state } = restore;
  const { serial, clientId, idBase, taskCount } = accepted;
  if (accepted.rows.length !== plan.taskCount) {
    throw new RestoreError(
      `plan ${serial} has ${plan.taskCount} tasks, and places for ${accepted.rows.length}`,
    );
  }
  const restored = planFor(restore, serial);
  const record = recordFor(restore, restored, clientId, idBase, taskCount);
  const rows = accepted.rows.slice();
  restored.isChunked ||= accepted.isChunk;
  restored.parts.push({ idBase: plan.idBase, rows });
  // Ids are given their rows at the end: those of two plans may be the same.
  const client = createClient(clientId);
  const intake = accepted.isChunk
    ? createChunkIntake(state, client, record, plan)
    : weighed(restore, createPlanIntake(state, client, record, plan, accepted.loadable));
  takePlaces(restore, intake, accepted, rows);
  beginTasks(state, intake);
  fillColumns(state, intake, 0, plan.taskCount);
  fillDetails(state, intake, 0, plan.taskCount);
  addInputs(restore, intake, accepted);
  for (const requestClass of intake.classes) forgetTaskOfClass(state, requestClass);
}

/** Computes what a plan is looked through for when it comes. */
function weighed({ state }: Restore, intake: PlanIntake): PlanIntake {
  intake.position = intake.plan.taskCount;
  const context = createStepContext(state, () => {});
  while (intake.position > 0) {
    context.budget = Number.POSITIVE_INFINITY;
    findNeeds(context, intake);
  }
  return intake;
}

/** Gives each task its row, unless a later one has it: then this one has gone. */
function takePlaces(
  restore: Restore,
  intake: PlanIntake,
  { attemptBases }: PlanAccepted,
  rows: Int32Array,
): void {
  const { tasks } = restore.state;
  const { needs, record } = intake;
  for (let i = 0; i < rows.length; i += 1) {
    const row = rows[i] as number;
    const base = attemptBases[i] as number;
    if (row === -1 || !tasks.isFreeFor(row, base)) {
      rows[i] = -1;
      needs[i] = UNNEEDED;
      continue;
    }
    if (tasks.isTaken(row)) discardRow(restore, row);
    tasks.allocateAt(row, base);
    // So that a later one of this very batch finds whose it is.
    tasks.serial[row] = record.serial;
    needs[i] = RECORDED;
    intake.rows[i] = row;
    record.liveCount += 1;
  }
}

/** Writes the inputs, by the rows that they had when the plan was accepted. */
function addInputs({ state }: Restore, intake: PlanIntake, accepted: PlanAccepted): void {
  const { tasks } = state;
  const { plan, rows, consumerCounts } = intake;
  const { inputStarts, inputIds, idBase, taskCount } = plan;
  let nextOuter = 0;
  for (let i = 0; i < taskCount; i += 1) {
    if (accepted.rows[i] === -1) continue;
    const start = inputStarts[i] as number;
    const end = inputStarts[i + 1] as number;
    const row = rows[i] as number;
    if (row !== -1) tasks.allocateEdges(row, end - start, consumerCounts[i] as number);
    const edgeStart = row === -1 ? -1 : (tasks.edgeStart[row] as number) - start;
    for (let k = start; k < end; k += 1) {
      const index = (inputIds[k] as number) - idBase;
      const isOuter = index < 0 || index >= i;
      const input = isOuter ? accepted.inputRows[nextOuter++] : accepted.rows[index];
      if (input === undefined) {
        throw new RestoreError(`plan ${accepted.serial} has more inputs than were noted`);
      }
      if (row !== -1) tasks.edges.items[edgeStart + k] = input;
    }
    if (row !== -1 && plan.optionalInputs !== undefined) markOptional(state, intake, i, row);
  }
}
