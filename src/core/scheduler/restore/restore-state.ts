import { Uint32List } from "../../base/columns.ts";
import type { JournalRecord, TasksExpanded } from "../../model/journal-record.ts";
import { clientOf } from "../plans/clients.ts";
import { createPlanRecord } from "../plans/plan-record.ts";
import { classOf, forgetTaskOfClass } from "../request-classes.ts";
import type { PlanRecord, SchedulerState } from "../state.ts";
import { DORMANT } from "../task-table.ts";

/** What the records that were read so far say of a plan; those of one plan come in any order. */
export type RestoredPlan = {
  readonly serial: number;
  /** Made by the first record that tells what is needed for it. */
  record: PlanRecord | undefined;
  /** What was accepted: the plan, or each chunk of it. */
  readonly parts: { readonly idBase: number; readonly rows: Int32Array }[];
  readonly endedRows: Uint32List;
  readonly checkpointRows: Uint32List;
  readonly expansions: TasksExpanded[];
  isChunked: boolean;
  isCompleted: boolean;
};

export type RestoredClient = {
  readonly clientId: number;
  readonly takesCarried: boolean;
  readonly life: "session" | "named";
  readonly session: Uint8Array;
};

export type RestoredFailure = Extract<JournalRecord, { kind: "plan-failed" }>;

/**
 * A scheduler's state on its way out of the records of the one before it. Rows are where they were,
 * so that what workers say of them is understood.
 */
export type Restore = {
  readonly state: SchedulerState;
  readonly plans: Map<number, RestoredPlan>;
  readonly clients: Map<number, RestoredClient>;
  readonly failures: RestoredFailure[];
  /** Names of the workers that had joined and had not left. */
  readonly workers: Map<number, string>;
  /** No attempt was above it. */
  attemptCeiling: number;
  /** Greater than all ids of clients and workers. */
  nextId: number;
  greatestSerial: number;
};

/** `state` is fresh. */
export function createRestore(state: SchedulerState): Restore {
  return {
    state,
    plans: new Map(),
    clients: new Map(),
    failures: [],
    workers: new Map(),
    attemptCeiling: 0,
    nextId: 1,
    greatestSerial: 0,
  };
}

export function noteId(restore: Restore, id: number): void {
  restore.nextId = Math.max(restore.nextId, id + 1);
}

export function noteSerial(restore: Restore, serial: number): void {
  restore.greatestSerial = Math.max(restore.greatestSerial, serial);
}

export function planFor(restore: Restore, serial: number): RestoredPlan {
  let restored = restore.plans.get(serial);
  if (restored === undefined) {
    restored = {
      serial,
      record: undefined,
      parts: [],
      endedRows: new Uint32List(),
      checkpointRows: new Uint32List(),
      expansions: [],
      isChunked: false,
      isCompleted: false,
    };
    restore.plans.set(serial, restored);
    noteSerial(restore, serial);
  }
  return restored;
}

/** The scheduler's record of the plan, made when it is not there. */
export function recordFor(
  { state }: Restore,
  restored: RestoredPlan,
  clientId: number,
  idBase: number,
  taskCount: number,
): PlanRecord {
  const known = restored.record;
  if (known !== undefined) return known;
  const client = clientOf(state, clientId);
  client.isJournaled = true;
  const record = createPlanRecord(state, client, idBase, taskCount, restored.serial);
  restored.record = record;
  state.plans.set(record.serial, record);
  client.plans.add(record);
  return record;
}

/** Frees the row of a task whose end is known; nothing counts on it while a state is restored. */
export function discardRow({ state }: Restore, row: number): void {
  const { tasks } = state;
  const plan = state.plans.get(tasks.serial[row] as number);
  if (plan !== undefined) plan.liveCount -= 1;
  forgetTaskOfClass(state, classOf(state, row));
  tasks.state[row] = DORMANT;
  tasks.lineage[row] = 0;
  tasks.free(row);
}
