import type { StepContext } from "./context.ts";
import { holdersOf } from "./replicas.ts";
import type { SchedulerState } from "./state.ts";
import { planOf } from "./wants.ts";

/**
 * Has the row's object, which is present or held here, passed on to its client. An object that
 * comes from a worker is pinned until that has ended.
 */
export function deliver({ state, outbox }: StepContext, row: number): void {
  const { tasks } = state;
  const held = state.held.byRow.get(row);
  if (held !== undefined) {
    outbox.others.push({
      kind: "deliver-held",
      clientId: planOf(state, row).clientId,
      clientTask: tasks.clientTask[row] as number,
      dataType: held.dataType,
      frameCount: held.frameCount,
      bytes: held.bytes,
    });
    return;
  }
  state.pins.set(row, (state.pins.get(row) ?? 0) + 1);
  outbox.others.push({
    kind: "deliver",
    clientId: planOf(state, row).clientId,
    clientTask: tasks.clientTask[row] as number,
    task: row,
    attempt: tasks.attempt[row] as number,
    holders: holdersOf(state, row),
    sizeBytes: tasks.sizeBytes[row] as number,
    dataType: tasks.dataType[row] as number,
  });
}

/** Remembers a request for a result whose data was lost and is being computed again. */
export function park(state: SchedulerState, row: number): void {
  state.parkedRequests.set(row, (state.parkedRequests.get(row) ?? 0) + 1);
}

export function deliverParked(context: StepContext, row: number): void {
  const count = context.state.parkedRequests.get(row) ?? 0;
  if (count === 0) return;
  context.state.parkedRequests.delete(row);
  for (let i = 0; i < count; i += 1) deliver(context, row);
}

/** Answers all requests for the row's data, which cannot be had any more. */
export function refuseParked({ state, outbox }: StepContext, row: number, message: string): void {
  const count = state.parkedRequests.get(row) ?? 0;
  state.parkedRequests.delete(row);
  const clientTask = state.tasks.clientTask[row] as number;
  const { clientId } = planOf(state, row);
  for (let i = 0; i < count; i += 1) {
    outbox.others.push({ kind: "refuse", clientId, clientTask, message });
  }
}
