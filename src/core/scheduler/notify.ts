import type { CarriedResults } from "../model/batches.ts";
import { dropHeld, holdResult, noteGiven, ownerOf } from "./carried-results.ts";
import type { StepContext } from "./context.ts";
import { hasFailed } from "./optional-inputs.ts";
import { addFinished, finishedOf } from "./outbox.ts";
import type { ClientRecord } from "./state.ts";
import { CHECKPOINT_PENDING, NOTIFIED, RESULT } from "./task-table.ts";
import { planOf } from "./wants.ts";

/**
 * Tells the client, once, of a result whose data is there and whose checkpoint is not outstanding.
 * Entry `entry` of `carried` has the result's bytes, where it came along.
 */
export function notifyIfFinished(
  context: StepContext,
  row: number,
  carried?: CarriedResults,
  entry = -1,
): void {
  const { state, outbox } = context;
  const { tasks } = state;
  const flags = tasks.flags[row] as number;
  // What is made in place of a result that failed is none.
  if ((flags & RESULT) === 0 || hasFailed(state, row)) return;
  const client = ownerOf(state, row);
  if (client === undefined) return;
  const plan = planOf(state, row);
  const isTold = !plan.isOpen && !plan.isGivenUp && client.isAttached;
  const isNews = isTold && (flags & (NOTIFIED | CHECKPOINT_PENDING)) === 0;
  const isGiven = isNews && client.takesCarried;
  if (carried !== undefined && entry >= 0 && !isGiven) holdResult(state, row, carried, entry);
  if (!isNews) return;
  tasks.flags[row] = flags | NOTIFIED;
  addFinished(outbox, plan, tasks.clientTask[row] as number);
  if (isGiven) give(context, client, row, carried, entry);
}

/** Adds the result's bytes to the notification, if they are here. */
function give(
  { state, outbox }: StepContext,
  client: ClientRecord,
  row: number,
  carried: CarriedResults | undefined,
  entry: number,
): void {
  const held = state.held.byRow.get(row);
  const { tasks, carried: list } = finishedOf(outbox, client.id);
  if (carried !== undefined && entry >= 0) {
    const { dataTypes, frameCounts, starts, bytes } = carried;
    list.add(tasks.length - 1, dataTypes[entry] as number, frameCounts[entry] as number);
    list.append(bytes, starts[entry] as number, starts[entry + 1] as number);
  } else if (held !== undefined) {
    list.add(tasks.length - 1, held.dataType, held.frameCount);
    list.append(held.bytes);
    dropHeld(state, row);
  } else return;
  noteGiven(state, client, row);
}
