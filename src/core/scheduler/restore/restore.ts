import type { Uint32List } from "../../base/columns.ts";
import type { JournalRecord } from "../../model/journal-record.ts";
import type { Plan } from "../../model/plan.ts";
import { RestoreError } from "./restore-error.ts";
import {
  discardRow,
  noteId,
  noteSerial,
  planFor,
  type Restore,
  recordFor,
} from "./restore-state.ts";
import { restoreTasks } from "./restore-tasks.ts";

/**
 * Takes one record into account. `plan` is what its frame was decoded to, of one that was accepted.
 * Throws a RestoreError when it does not fit the others.
 */
export function restoreRecord(
  restore: Restore,
  record: JournalRecord,
  plan: Plan | undefined,
): void {
  switch (record.kind) {
    case "plan-accepted":
      if (plan === undefined) throw new RestoreError("a plan was not decoded");
      restoreTasks(restore, record, plan);
      break;
    case "tasks-expanded":
      noteSerial(restore, record.newSerial);
      // A record may be there twice: a server can die between writing it once more and forgetting the old one.
      addOnce(planFor(restore, record.serial).expansions, record, (other) => {
        return other.newSerial === record.newSerial;
      });
      break;
    case "plan-begun": {
      const restored = planFor(restore, record.serial);
      restored.isChunked = true;
      recordFor(restore, restored, record.clientId, record.idBase, record.taskCount);
      break;
    }
    case "plan-completed":
      planFor(restore, record.serial).isCompleted = true;
      break;
    case "results-ended":
      addAll(planFor(restore, record.serial).endedRows, record.rows);
      break;
    case "checkpoints-written":
      addAll(planFor(restore, record.serial).checkpointRows, record.rows);
      break;
    case "plan-failed":
      addOnce(restore.failures, record, ({ serial, told }) => {
        return serial === record.serial && told.clientTask === record.told.clientTask;
      });
      noteSerial(restore, record.serial);
      break;
    case "plan-ended":
      noteSerial(restore, record.serial);
      forgetPlan(restore, record.serial);
      break;
    case "client-joined": {
      const { clientId, takesCarried, life, session } = record;
      noteId(restore, clientId);
      restore.clients.set(clientId, { clientId, takesCarried, life, session: session.slice() });
      break;
    }
    case "client-left":
      noteId(restore, record.clientId);
      forgetClient(restore, record.clientId);
      break;
    case "worker-joined":
      noteId(restore, record.workerId);
      restore.workers.set(record.workerId, record.name);
      break;
    case "worker-left":
      restore.workers.delete(record.workerId);
      break;
    case "attempts-reserved":
      restore.attemptCeiling = Math.max(restore.attemptCeiling, record.ceiling);
      break;
    case "symbols-named":
      // The shell's.
      break;
  }
}

function addOnce<Item>(list: Item[], item: Item, isSame: (other: Item) => boolean): void {
  if (!list.some(isSame)) list.push(item);
}

function addAll(list: Uint32List, rows: Uint32Array): void {
  for (let i = 0; i < rows.length; i += 1) list.push(rows[i] as number);
}

function forgetPlan(restore: Restore, serial: number): void {
  const { state, plans } = restore;
  const restored = plans.get(serial);
  plans.delete(serial);
  if (restored?.record === undefined) return;
  for (const { rows } of restored.parts) {
    for (const row of rows) {
      if (row !== -1 && state.tasks.isOf(row, serial)) discardRow(restore, row);
    }
  }
  state.plans.delete(serial);
  state.clients.get(restored.record.clientId)?.plans.delete(restored.record);
}

function forgetClient(restore: Restore, clientId: number): void {
  const client = restore.state.clients.get(clientId);
  restore.clients.delete(clientId);
  for (const { serial } of client?.plans ?? []) forgetPlan(restore, serial);
  restore.state.clients.delete(clientId);
}
