import { ownerOf } from "./carried-results.ts";
import type { StepContext } from "./context.ts";
import { addRef } from "./outbox.ts";
import type { ClientRecord } from "./state.ts";

/** No worker gives more time than this. */
export const GRACE_MS_MAX = 60_000;
/** Of a client; what was canceled before that has ended, or ends by itself. */
const REMEMBERED_MAX = 1_024;

/** Has the row's attempt ended by its worker, which gives it some time; at once when its client leaves. */
export function cancelGracefully(context: StepContext, row: number): void {
  const { state, outbox } = context;
  const { tasks } = state;
  const workerId = tasks.worker[row] as number;
  const attempt = tasks.attempt[row] as number;
  addRef(outbox.gracefulCancels, workerId, row, attempt);
  const client = ownerOf(state, row);
  if (client === undefined) return;
  if (client.ending.length >= REMEMBERED_MAX) {
    const sinceMs = state.nowMs - GRACE_MS_MAX;
    client.ending = client.ending.filter(({ atMs }) => atMs >= sinceMs).slice(-REMEMBERED_MAX / 2);
  }
  client.ending.push({ workerId, task: row, attempt, atMs: state.nowMs });
}

/** The client has left: nothing of it is given time any more. */
export function endGraces({ state, outbox }: StepContext, client: ClientRecord): void {
  const sinceMs = state.nowMs - GRACE_MS_MAX;
  for (const { workerId, task, attempt, atMs } of client.ending) {
    if (atMs >= sinceMs) addRef(outbox.cancels, workerId, task, attempt);
  }
}
