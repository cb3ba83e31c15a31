import { Uint32List } from "../base/columns.ts";
import { CarriedList } from "../model/carried-list.ts";
import type { JournalRecord } from "../model/journal-record.ts";
import { createAssignedTasks } from "./assigned-tasks.ts";
import type { SchedulerCommand } from "./commands.ts";
import { endStepOfJournal } from "./journal.ts";
import type { PlanRecord, SchedulerState } from "./state.ts";

type RefLists = { readonly tasks: Uint32List; readonly attempts: Uint32List };
type ObjectCopy = {
  readonly row: number;
  readonly attempt: number;
  readonly sizeBytes: number;
  readonly holder: number;
};
/** Ids that a client is told, and the results that it is told with them. */
type FinishedList = {
  readonly tasks: number[];
  readonly carried: CarriedList;
  /** Records that must be safe before it may be told. */
  afterRecord: number;
};

/**
 * What one step commands, gathered as lists for each receiver and turned into one command a
 * receiver at its end. Cancellations and drops come before assignments: a worker must have
 * forgotten an old attempt before it hears of a new one.
 */
export type Outbox = {
  readonly cancels: Map<number, RefLists>;
  /** Those of them whose programs are given time to end. */
  readonly gracefulCancels: Map<number, RefLists>;
  readonly drops: Map<number, RefLists>;
  readonly retracts: Map<number, RefLists>;
  readonly assigns: Map<number, Uint32List>;
  /** Copies that a worker is to make. */
  readonly copies: Map<number, ObjectCopy[]>;
  readonly finished: Map<number, FinishedList>;
  /** What is to be written down; of a plan whose client may attach again, where a journal is kept. */
  readonly records: JournalRecord[];
  /** Rows that are no results any more, of each such plan. */
  readonly ended: Map<PlanRecord, Uint32List>;
  /** In the order in which they came up. */
  readonly others: SchedulerCommand[];
};

export function createOutbox(): Outbox {
  return {
    cancels: new Map(),
    gracefulCancels: new Map(),
    drops: new Map(),
    retracts: new Map(),
    assigns: new Map(),
    copies: new Map(),
    finished: new Map(),
    records: [],
    ended: new Map(),
    others: [],
  };
}

export function addRef(
  lists: Map<number, RefLists>,
  workerId: number,
  task: number,
  attempt: number,
): void {
  let list = lists.get(workerId);
  if (list === undefined) {
    list = { tasks: new Uint32List(), attempts: new Uint32List() };
    lists.set(workerId, list);
  }
  list.tasks.push(task);
  list.attempts.push(attempt);
}

export function addAssignment(outbox: Outbox, workerId: number, row: number): void {
  let rows = outbox.assigns.get(workerId);
  if (rows === undefined) {
    rows = new Uint32List();
    outbox.assigns.set(workerId, rows);
  }
  rows.push(row);
}

export function addFinished(
  outbox: Outbox,
  { clientId, acceptedRecord }: PlanRecord,
  clientTask: number,
): void {
  const list = finishedOf(outbox, clientId);
  list.tasks.push(clientTask);
  if (acceptedRecord > list.afterRecord) list.afterRecord = acceptedRecord;
}

export function finishedOf(outbox: Outbox, clientId: number): FinishedList {
  let list = outbox.finished.get(clientId);
  if (list === undefined) {
    list = { tasks: [], carried: new CarriedList(), afterRecord: 0 };
    outbox.finished.set(clientId, list);
  }
  return list;
}

/** The row, which is of this plan, is no result any more. */
export function addEnded({ ended }: Outbox, plan: PlanRecord, row: number): void {
  let rows = ended.get(plan);
  if (rows === undefined) {
    rows = new Uint32List();
    ended.set(plan, rows);
  }
  rows.push(row);
}

function addRecords(
  { journal, tasks }: SchedulerState,
  outbox: Outbox,
  commands: SchedulerCommand[],
): void {
  if (journal === undefined) return;
  const { records, ended } = outbox;
  for (const [{ serial }, rows] of ended) {
    records.push({ kind: "results-ended", serial, rows: rows.toArray() });
  }
  endStepOfJournal(journal, tasks, records);
  for (const record of records) commands.push({ kind: "record", record });
}

export function commandsOf(state: SchedulerState, outbox: Outbox): SchedulerCommand[] {
  const commands: SchedulerCommand[] = [];
  addRecords(state, outbox, commands);
  const refs = ({ tasks, attempts }: RefLists) => ({
    tasks: tasks.toArray(),
    attempts: attempts.toArray(),
  });
  // A worker that was lost in this very step gets nothing.
  const isThere = (workerId: number): boolean => state.workers.has(workerId);
  for (const [workerId, lists] of outbox.cancels) {
    if (isThere(workerId)) commands.push({ kind: "cancel", workerId, refs: refs(lists) });
  }
  for (const [workerId, lists] of outbox.gracefulCancels) {
    if (isThere(workerId)) {
      commands.push({ kind: "cancel-gracefully", workerId, refs: refs(lists) });
    }
  }
  for (const [workerId, lists] of outbox.drops) {
    if (isThere(workerId)) commands.push({ kind: "drop", workerId, refs: refs(lists) });
  }
  for (const [workerId, rows] of outbox.assigns) {
    commands.push({ kind: "assign", workerId, batch: createAssignedTasks(state, workerId, rows) });
  }
  for (const [workerId, copies] of outbox.copies) {
    if (!isThere(workerId)) continue;
    commands.push({
      kind: "replicate",
      workerId,
      copies: {
        refs: {
          tasks: Uint32Array.from(copies, ({ row }) => row),
          attempts: Uint32Array.from(copies, ({ attempt }) => attempt),
        },
        sizesBytes: Float64Array.from(copies, ({ sizeBytes }) => sizeBytes),
        holders: Uint32Array.from(copies, ({ holder }) => holder),
      },
    });
  }
  // What is asked back may have been assigned in this very step.
  for (const [workerId, lists] of outbox.retracts) {
    if (isThere(workerId)) commands.push({ kind: "retract", workerId, refs: refs(lists) });
  }
  for (const [clientId, { tasks, carried, afterRecord }] of outbox.finished) {
    commands.push({
      kind: "notify-finished",
      clientId,
      clientTasks: Int32Array.from(tasks),
      carried: carried.take(),
      ...(afterRecord > 0 ? { afterRecord } : {}),
    });
  }
  for (const command of outbox.others) commands.push(command);
  return commands;
}
