import type { TasksExpanded } from "../../model/journal-record.ts";
import { TASK_TYPE } from "../../model/symbols.ts";
import { copyTask, inputsOf, pieceConfigs, placesIn, replaced } from "../plans/expand-dynamic.ts";
import { reserveRows } from "../record.ts";
import type { PlanRecord, SchedulerState } from "../state.ts";
import { FREE } from "../task-table.ts";
import { RestoreError } from "./restore-error.ts";
import { discardRow, type Restore, type RestoredPlan } from "./restore-state.ts";

/** Replaces dynamic tasks and their consumers once more, in the order in which it was done. */
export function restoreExpansions(restore: Restore, plans: readonly RestoredPlan[]): void {
  const expansions = plans.flatMap((plan) => plan.expansions);
  expansions.sort((a, b) => a.newSerial - b.newSerial);
  for (const expansion of expansions) {
    const record = restore.plans.get(expansion.serial)?.record;
    if (record !== undefined) expandAgain(restore, record, expansion);
  }
}

function expandAgain(restore: Restore, plan: PlanRecord, expansion: TasksExpanded): void {
  const { state } = restore;
  const { tasks } = state;
  const { x, y, newSerial, length, pieceItems, rows, attemptBases } = expansion;
  // Their rows were reserved while the plan was there.
  if (!tasks.isOf(x, plan.serial) || !tasks.isOf(y, plan.serial)) {
    throw new RestoreError(`plan ${plan.serial} has no tasks in rows ${x} and ${y}`);
  }
  const configs = pieceConfigs(length, pieceItems);
  if (rows.length !== 2 * configs.length) {
    throw new RestoreError(`plan ${plan.serial} expands to another number of tasks`);
  }
  state.plans.set(newSerial, plan);
  plan.expandedSerials.push(newSerial);
  const source = (k: number): number => (k % 2 === 0 ? x : y);
  const placed = Array.from(rows, (row, k) => {
    if (!tasks.isFreeFor(row, attemptBases[k] as number)) return false;
    if (tasks.isTaken(row)) discardRow(restore, row);
    tasks.allocateAt(row, attemptBases[k] as number);
    const config = k % 2 === 0 ? configs[k / 2] : undefined;
    copyTask(state, plan, {
      row,
      serial: newSerial,
      source: source(k),
      taskType: typeOf(state, source(k)),
      ...(config !== undefined && { config }),
    });
    return true;
  });
  const inputsOfX = inputsOf(state, x);
  const inputsOfY = inputsOf(state, y);
  const places = placesIn(state, y, x);
  rows.forEach((row, k) => {
    if (placed[k] !== true) return;
    if (k % 2 === 0) setInputs(state, row, inputsOfX, places);
    else setInputs(state, row, replaced(inputsOfY, x, [rows[k - 1] as number]), 0);
  });
  const ys = Array.from(rows).filter((_, k) => k % 2 === 1);
  for (const z of expansion.consumers) replaceInput(state, z, y, ys);
  discardRow(restore, x);
  discardRow(restore, y);
  reserveRows(state, plan, x, y);
}

function typeOf({ tasks }: SchedulerState, source: number): number {
  const taskType = tasks.taskType[source] as number;
  if (taskType === TASK_TYPE.dget) return TASK_TYPE.get;
  return taskType === TASK_TYPE.dslice ? TASK_TYPE.slice : taskType;
}

function setInputs(
  { tasks }: SchedulerState,
  row: number,
  inputs: readonly number[],
  consumerCount: number,
): void {
  tasks.allocateEdges(row, inputs.length, consumerCount);
  tasks.edges.items.set(inputs, tasks.edgeStart[row] as number);
}

/** In z, if it is still the task that used `old`, puts `by` in each place of it. Its consumers are connected later. */
function replaceInput(state: SchedulerState, z: number, old: number, by: readonly number[]): void {
  const { tasks } = state;
  if (z >= tasks.capacity || tasks.state[z] === FREE) return;
  const inputs = inputsOf(state, z);
  if (!inputs.includes(old)) return;
  const consumerCount = tasks.consumerCount[z] as number;
  tasks.freeEdges(z);
  setInputs(state, z, replaced(inputs, old, by), consumerCount);
}
