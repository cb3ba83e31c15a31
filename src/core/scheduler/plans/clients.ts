import { IntervalSet } from "../../base/interval-set.ts";
import { PagedIndex } from "../../base/paged-index.ts";
import type { ClientRecord, SchedulerState } from "../state.ts";

/** The client's record, made at the first thing that it asks for. */
export function clientOf(state: SchedulerState, id: number): ClientRecord {
  let client = state.clients.get(id);
  if (client === undefined) {
    client = {
      id,
      rows: new PagedIndex(),
      plans: new Set(),
      failedIds: new IntervalSet(),
      takesCarried: false,
      givenBytes: 0,
    };
    state.clients.set(id, client);
  }
  return client;
}
