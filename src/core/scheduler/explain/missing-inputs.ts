import { decodeUtf8Lossy } from "../../base/utf8.ts";
import type { ExplainedInput, ExplainedState } from "../../model/explanation.ts";
import type { SchedulerState } from "../state.ts";
import { ASSIGNED, DORMANT, FAILED, PRESENT, READY, RUNNING, WAITING } from "../task-table.ts";

/** Tasks that are told of those that something waits for. */
const TOLD_MAX = 5;
/** Tasks that are looked at in search of what is behind them. */
const SEARCHED_MAX = 100_000;

const STATES: Readonly<Record<number, ExplainedState>> = {
  [DORMANT]: "dormant",
  [WAITING]: "waiting",
  [READY]: "ready",
  [ASSIGNED]: "assigned",
  [RUNNING]: "running",
  [PRESENT]: "finished",
  [FAILED]: "failed",
};

export const stateOf = ({ tasks }: SchedulerState, row: number): ExplainedState =>
  STATES[tasks.state[row] as number] as ExplainedState;

/** How many inputs of the row are not there, and some of them. */
export function findMissingInputs(
  state: SchedulerState,
  row: number,
): { readonly count: number; readonly some: readonly ExplainedInput[] } {
  let count = 0;
  const some: ExplainedInput[] = [];
  forEachMissingInput(state, row, (input) => {
    count += 1;
    if (some.length < TOLD_MAX) some.push(describeTask(state, input));
  });
  return { count, some };
}

/** Some of the unfinished tasks behind the row that wait for no input themselves. Linear in what is looked at. */
export function findBlockers(state: SchedulerState, row: number): readonly ExplainedInput[] {
  const seen = new Set([row]);
  const stack = [row];
  const blockers: ExplainedInput[] = [];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    let isBlocked = false;
    forEachMissingInput(state, next, (input) => {
      isBlocked = true;
      if (seen.has(input) || seen.size >= SEARCHED_MAX) return;
      seen.add(input);
      stack.push(input);
    });
    if (!isBlocked && next !== row) blockers.push(describeTask(state, next));
    if (blockers.length === TOLD_MAX) break;
  }
  return blockers;
}

function forEachMissingInput(
  { tasks }: SchedulerState,
  row: number,
  visit: (input: number) => void,
): void {
  const start = tasks.edgeStart[row] as number;
  const end = start + (tasks.inputCount[row] as number);
  for (let k = start; k < end; k += 1) {
    const input = tasks.edges.items[k] as number;
    if (tasks.state[input] !== PRESENT) visit(input);
  }
}

function describeTask(state: SchedulerState, row: number): ExplainedInput {
  const { tasks } = state;
  return {
    task: tasks.clientTask[row] as number,
    label: decodeUtf8Lossy(tasks.label(row)),
    state: stateOf(state, row),
    worker: state.workers.get(tasks.worker[row] as number)?.name ?? "",
  };
}
