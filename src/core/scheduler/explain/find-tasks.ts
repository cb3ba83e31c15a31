import { decodeUtf8Lossy } from "../../base/utf8.ts";
import type { SchedulerState } from "../state.ts";
import { FREE } from "../task-table.ts";
import { planOf } from "../wants.ts";

/**
 * The rows, at most `limit`, that a person means by `query`: `7` the task 7 of any client, `2/7`
 * that of client 2, and anything else the tasks with that label. Looks at all rows.
 */
export function findTasks(state: SchedulerState, query: string, limit: number): number[] {
  const named = /^(?:(\d+)\/)?(\d+)$/.exec(query.trim());
  if (named === null) return findRows(state, limit, (row) => hasLabel(state, row, query));
  const clientId = named[1] === undefined ? undefined : Number(named[1]);
  const task = Number(named[2]);
  return findRows(
    state,
    limit,
    (row) =>
      state.tasks.clientTask[row] === task &&
      (clientId === undefined || planOf(state, row).clientId === clientId),
  );
}

function hasLabel({ tasks }: SchedulerState, row: number, label: string): boolean {
  return tasks.labelLength[row] !== 0 && decodeUtf8Lossy(tasks.label(row)) === label;
}

function findRows(
  { tasks }: SchedulerState,
  limit: number,
  isMeant: (row: number) => boolean,
): number[] {
  const rows: number[] = [];
  for (let row = 0; row < tasks.capacity && rows.length < limit; row += 1) {
    if (tasks.state[row] !== FREE && isMeant(row)) rows.push(row);
  }
  return rows;
}
