import { createStepContext } from "../context.ts";
import { addLastWord, type LastWord } from "../last-words.ts";
import { clientOf } from "../plans/clients.ts";
import type { FailedTask } from "../plans/end-plan.ts";
import type { PlanRecord, SchedulerState } from "../state.ts";
import { CHECKPOINT_WRITTEN, DORMANT, FREE, INDEXED, NOTIFIED, RESULT } from "../task-table.ts";
import { isWanted, resurrect } from "../wants.ts";
import { RestoreError } from "./restore-error.ts";
import { restoreExpansions } from "./restore-expansions.ts";
import {
  discardRow,
  type Restore,
  type RestoredFailure,
  type RestoredPlan,
} from "./restore-state.ts";

/**
 * All records were read: forgets what was gone, leads inputs to their consumers, and begins the
 * recovery, during which the workers of before come back with what they hold.
 */
export function finishRestore(restore: Restore, atMs: number, graceMs: number): void {
  const { state } = restore;
  const plans = [...restore.plans.values()].sort((a, b) => a.serial - b.serial);
  restoreClients(restore, atMs);
  for (const restored of plans) applyFacts(state, restored);
  restoreExpansions(restore, plans);
  sweep(restore, mark(restore, plans));
  for (const { record } of plans) if (record !== undefined) connectPlan(state, record);
  for (const restored of plans) openAgain(state, restored);
  for (const { record } of plans) {
    if (record === undefined || record.liveCount > 0 || record.isOpen) continue;
    state.plans.delete(record.serial);
    for (const serial of record.expandedSerials) state.plans.delete(serial);
    state.clients.get(record.clientId)?.plans.delete(record);
  }
  state.tasks.endRestore(restore.attemptCeiling);
  state.nextSerial = restore.greatestSerial + 1;
  state.nowMs = atMs;
  const context = createStepContext(state, () => {});
  resurrect(context, wantedRows(state));
  state.recovery = {
    missing: new Set(restore.workers.keys()),
    untilMs: atMs + graceMs,
    readied: context.readied,
    expansions: context.expansions,
    heldTasks: [],
    reports: [],
    failed: failedPlans(restore),
  };
}

/** What is wanted, from the last row to the first: `resurrect` begins with its last. */
function wantedRows(state: SchedulerState): number[] {
  const { tasks } = state;
  const rows: number[] = [];
  for (let row = tasks.capacity - 1; row >= 0; row -= 1) {
    if (tasks.state[row] === DORMANT && isWanted(state, row)) rows.push(row);
  }
  return rows;
}

/** Plans that failed and of which something is left; what is there of their results, their clients were told. */
function failedPlans({ state, failures }: Restore): Map<PlanRecord, FailedTask> {
  const { tasks } = state;
  const failed = new Map<PlanRecord, FailedTask>();
  for (const { serial, told } of failures) {
    const plan = state.plans.get(serial);
    if (plan === undefined) continue;
    failed.set(plan, { clientTask: told.clientTask, message: told.failure.message });
    for (let i = 0; i < plan.rows.length; i += 1) {
      const row = plan.rows.at(i);
      if (!tasks.isOf(row, serial)) continue;
      const flags = tasks.flags[row] as number;
      if ((flags & RESULT) !== 0) tasks.flags[row] = flags | NOTIFIED;
    }
  }
  return failed;
}

function restoreClients({ state, clients, failures }: Restore, atMs: number): void {
  for (const client of state.clients.values()) {
    if (!clients.has(client.id)) {
      throw new RestoreError(`plans are of client ${client.id}, of which nothing else is known`);
    }
  }
  for (const { clientId, takesCarried, life } of clients.values()) {
    const client = clientOf(state, clientId);
    client.isJournaled = true;
    client.takesCarried = takesCarried;
    client.life = life;
    client.isAttached = life === "named";
    client.detachedAtMs = atMs;
  }
  for (const failure of failures) {
    const client = state.clients.get(failure.clientId);
    if (client === undefined) continue;
    client.failedIds.add(failure.idBase, failure.idBase + failure.taskCount);
    addLastWord(client, lastWordOf(failure));
    const plan = state.plans.get(failure.serial);
    if (plan !== undefined) plan.isGivenUp = true;
  }
}

function lastWordOf({ clientId, idBase, told }: RestoredFailure): LastWord {
  const { clientTask, worker, attempts, label, failure, cause, isRefusal } = told;
  if (isRefusal) {
    return { kind: "refuse", clientId, message: failure.message, planIdBase: idBase };
  }
  return { kind: "notify-failed", clientId, clientTask, worker, attempts, label, failure, cause };
}

/** The plan's rows in the order of its tasks, and what became of them. */
function applyFacts({ tasks }: SchedulerState, restored: RestoredPlan): void {
  const { record, serial, parts, endedRows, checkpointRows } = restored;
  if (record === undefined) return;
  parts.sort((a, b) => a.idBase - b.idBase);
  for (const { rows } of parts) {
    for (const row of rows) if (row !== -1 && tasks.isOf(row, serial)) record.rows.push(row);
  }
  for (let i = 0; i < endedRows.length; i += 1) {
    const row = endedRows.at(i);
    if (tasks.isOf(row, serial)) tasks.flags[row] = (tasks.flags[row] as number) & ~RESULT;
  }
  for (let i = 0; i < checkpointRows.length; i += 1) {
    const row = checkpointRows.at(i);
    if (!tasks.isOf(row, serial)) continue;
    tasks.flags[row] = (tasks.flags[row] as number) | CHECKPOINT_WRITTEN;
  }
}

/** 1 for each row that a result needs, or that is part of a plan of which more is to come. */
function mark({ state }: Restore, plans: readonly RestoredPlan[]): Uint8Array {
  const { tasks } = state;
  const isKept = new Uint8Array(tasks.capacity);
  const stack: number[] = [];
  for (const { record, isChunked, isCompleted } of plans) {
    if (record === undefined) continue;
    const isOpen = isChunked && !isCompleted && !record.isGivenUp;
    for (let i = 0; i < record.rows.length; i += 1) {
      const row = record.rows.at(i);
      if (isOpen || ((tasks.flags[row] as number) & RESULT) !== 0) stack.push(row);
    }
  }
  for (let row = stack.pop(); row !== undefined; row = stack.pop()) {
    if (isKept[row] === 1) continue;
    if (row >= tasks.capacity || tasks.state[row] === FREE) {
      throw new RestoreError(`a task needs row ${row}, of which nothing is known`);
    }
    isKept[row] = 1;
    const start = tasks.edgeStart[row] as number;
    const end = start + (tasks.inputCount[row] as number);
    for (let k = start; k < end; k += 1) stack.push(tasks.edges.items[k] as number);
  }
  return isKept;
}

function sweep(restore: Restore, isKept: Uint8Array): void {
  const { tasks } = restore.state;
  for (let row = 0; row < tasks.capacity; row += 1) {
    if (tasks.state[row] !== FREE && isKept[row] === 0) discardRow(restore, row);
  }
}

/** Counts the plan's tasks at their inputs, in the plan's order, and lets its client name them. */
function connectPlan(state: SchedulerState, plan: PlanRecord): void {
  const { tasks } = state;
  const client = state.clients.get(plan.clientId);
  const connect = (row: number): void => {
    const count = tasks.inputCount[row] as number;
    for (let k = 0; k < count; k += 1) {
      // To add a consumer may move the edges.
      const input = tasks.edges.items[(tasks.edgeStart[row] as number) + k] as number;
      tasks.lineage[input] = (tasks.lineage[input] as number) + 1;
      if (tasks.serial[input] === tasks.serial[row]) tasks.addConsumer(input, row);
      else tasks.addLateConsumer(input, row);
    }
  };
  for (let i = 0; i < plan.rows.length; i += 1) {
    const row = plan.rows.at(i);
    if (!tasks.isOf(row, plan.serial)) continue;
    connect(row);
    const id = tasks.clientTask[row] as number;
    const older = client?.rows.get(id) ?? -1;
    if (older !== -1) tasks.flags[older] = (tasks.flags[older] as number) & ~INDEXED;
    client?.rows.set(id, row);
    tasks.flags[row] = (tasks.flags[row] as number) | INDEXED;
  }
  // A row may have come to several of its expansions, one after another.
  for (const row of new Set(plan.expandedRows)) {
    // Those that nobody needs were freed a moment ago.
    if (tasks.isTaken(row) && plan.expandedSerials.includes(tasks.serial[row] as number)) {
      connect(row);
    }
  }
}

/** A plan of which chunks are to come holds its tasks, and its client goes on with it. */
function openAgain(state: SchedulerState, restored: RestoredPlan): void {
  const { record, isChunked, isCompleted } = restored;
  if (record === undefined || !isChunked || isCompleted || record.isGivenUp) return;
  const { tasks } = state;
  record.isOpen = true;
  record.heldTo = record.rows.length;
  for (let i = 0; i < record.rows.length; i += 1) tasks.consumersLeft[record.rows.at(i)] = 1;
  const client = state.clients.get(record.clientId);
  if (client !== undefined) client.openPlan = record;
}
