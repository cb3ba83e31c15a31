import { Uint32List } from "../../base/columns.ts";
import type { ClientRecord, PlanRecord, SchedulerState } from "../state.ts";

/** A plan without rows; whoever gives it some puts it into `state.plans`. */
export function createPlanRecord(
  state: SchedulerState,
  client: ClientRecord,
  idBase: number,
  taskCount: number,
  serial: number = state.nextSerial++,
): PlanRecord {
  return {
    serial,
    clientId: client.id,
    idBase,
    taskCount,
    submittedAtMs: state.nowMs,
    rows: new Uint32List(),
    heldFrom: 0,
    heldTo: 0,
    isOpen: false,
    tiedTo: -1,
    isGivenUp: false,
    endings: 0,
    expandedRows: [],
    expandedSerials: [],
    reservedRows: [],
    liveCount: 0,
    isJournaled: client.isJournaled,
    acceptedRecord: 0,
    options: undefined,
    isToldUnsatisfiable: false,
  };
}
