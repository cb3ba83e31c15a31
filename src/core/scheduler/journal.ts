import { Uint32List } from "../base/columns.ts";
import type { JournalRecord } from "../model/journal-record.ts";
import type { PlanRecord, SchedulerState } from "./state.ts";
import type { TaskTable } from "./task-table.ts";

/**
 * Attempts that are reserved at once. A server that takes over begins above all that are reserved,
 * so this divides the numbers that there are by the restarts that there can be.
 */
export const ATTEMPTS_RESERVED: number = 2 ** 16;

/** What is written down, and how far that is safe. */
export type SchedulerJournal = {
  /** Records that were commanded so far. */
  recordCount: number;
  flushedCount: number;
  /**
   * Rows that were freed by what is not safe yet, oldest first: were one used again, and the server
   * to die, the next server would know the old task there, and take the new one's data for its.
   */
  readonly freed: { readonly recordCount: number; readonly rows: Uint32Array }[];
  /** Serials of plans that came to their end in this step. */
  readonly endedPlans: number[];
  /** No attempt of this run is above it. */
  ceiling: number;
};

export function createSchedulerJournal(tasks: TaskTable): SchedulerJournal {
  tasks.freedRows = new Uint32List();
  return { recordCount: 0, flushedCount: 0, freed: [], endedPlans: [], ceiling: 0 };
}

/** Nothing is left of the plan. */
export function recordPlanEnded(
  { journal, clients }: SchedulerState,
  { serial, clientId }: PlanRecord,
): void {
  // A client's end is the end of its plans.
  if (clients.has(clientId)) journal?.endedPlans.push(serial);
}

/**
 * At the end of a step: what it adds to the records by itself, and what becomes of the rows that it
 * freed. `records` are those that were commanded in it; all of them are counted here.
 */
export function endStepOfJournal(
  journal: SchedulerJournal,
  tasks: TaskTable,
  records: JournalRecord[],
): void {
  if (tasks.newestAttempt + ATTEMPTS_RESERVED / 2 > journal.ceiling) {
    journal.ceiling = tasks.newestAttempt + ATTEMPTS_RESERVED;
    records.push({ kind: "attempts-reserved", ceiling: journal.ceiling });
  }
  for (const serial of journal.endedPlans) records.push({ kind: "plan-ended", serial });
  journal.endedPlans.length = 0;
  journal.recordCount += records.length;
  const freed = tasks.freedRows;
  if (freed === undefined || freed.length === 0) return;
  const rows = freed.toArray();
  freed.clear();
  if (journal.flushedCount === journal.recordCount) tasks.reuse(rows);
  else journal.freed.push({ recordCount: journal.recordCount, rows });
}

/** So many records are safe: the rows that they freed can be used again. */
export function onRecordsFlushed(
  journal: SchedulerJournal,
  tasks: TaskTable,
  recordCount: number,
): void {
  journal.flushedCount = Math.max(journal.flushedCount, recordCount);
  let safe = 0;
  for (const { recordCount: needed, rows } of journal.freed) {
    if (needed > journal.flushedCount) break;
    tasks.reuse(rows);
    safe += 1;
  }
  journal.freed.splice(0, safe);
}
