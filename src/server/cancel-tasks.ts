import { decodeUtf8Lossy } from "../core/base/utf8.ts";
import type { CanceledTask } from "../core/model/canceled-task.ts";
import { findTasks } from "../core/scheduler/explain/find-tasks.ts";
import { planOf } from "../core/scheduler/wants.ts";
import type { Engine } from "./engine.ts";

/** A label may be shared by all tasks of a plan. */
const CANCELED_MAX = 1_000_000;
/** So many of them are named in the answer. */
const NAMED_MAX = 1_000;

/**
 * Cancels the tasks, of whatever client, that `query` means (`findTasks` says how it is read), and
 * returns the first of them. Looks at all rows.
 */
export function cancelTasks(engine: Engine, query: string, isWholePlan: boolean): CanceledTask[] {
  const { state } = engine;
  const { tasks } = state;
  const ofClients = new Map<number, number[]>();
  const named: CanceledTask[] = [];
  for (const row of findTasks(state, query, CANCELED_MAX)) {
    const client = planOf(state, row).clientId;
    const task = tasks.clientTask[row] as number;
    // What tasks were expanded to has no name of its own.
    if (state.clients.get(client)?.rows.get(task) !== row) continue;
    if (named.length < NAMED_MAX) {
      named.push({ client, task, label: decodeUtf8Lossy(tasks.label(row)) });
    }
    const own = ofClients.get(client);
    if (own === undefined) ofClients.set(client, [task]);
    else own.push(task);
  }
  for (const [clientId, clientTasks] of ofClients) {
    engine.step({
      kind: "tasks-canceled",
      clientId,
      clientTasks: Int32Array.from(clientTasks),
      isWholePlan,
    });
  }
  return named;
}
