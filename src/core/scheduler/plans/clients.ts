import { IntervalSet } from "../../base/interval-set.ts";
import { PagedIndex } from "../../base/paged-index.ts";
import type { SchedulerEvent } from "../events.ts";
import { createLastWords } from "../last-words.ts";
import type { ClientRecord, SchedulerState } from "../state.ts";

/** What a client asks for; taken in its order, also where one takes more than one step. */
export type ClientEvent = Extract<
  SchedulerEvent,
  {
    kind:
      | "plan-submitted"
      | "plan-begun"
      | "plan-extended"
      | "plan-refused"
      | "plan-completed"
      | "results-released"
      | "tasks-canceled"
      | "result-requested"
      | "client-attached";
  }
>;

/** The client's record, made at the first thing that it asks for. */
export function clientOf(state: SchedulerState, id: number): ClientRecord {
  let client = state.clients.get(id);
  if (client === undefined) {
    client = createClient(id);
    state.clients.set(id, client);
  }
  return client;
}

/** A record that nobody knows of. */
export const createClient = (id: number): ClientRecord => ({
  id,
  life: "connection",
  isAttached: true,
  detachedAtMs: 0,
  hasReturned: false,
  lastWords: createLastWords(),
  rows: new PagedIndex(),
  plans: new Set(),
  failedIds: new IntervalSet(),
  openPlan: undefined,
  isTaking: false,
  waiting: [],
  takesCarried: false,
  isJournaled: false,
  canceledIds: new IntervalSet(),
  takesCanceled: false,
  ending: [],
  givenBytes: 0,
});
