import { priorityOf, urgencyOf } from "../../model/urgency.ts";
import { expectedUsOf } from "../groups.ts";
import { COARSE_US } from "../placement/load.ts";
import type { PlanRecord, SchedulerState } from "../state.ts";
import { FREE, PRESENT } from "../task-table.ts";
import { forEachConsumer } from "../wants.ts";

/** Plans with more tasks keep the levels that they came with: to go over them would take too long. */
const LEVELED_TASKS_MAX = 20_000;
/** Distinct priorities of a plan. */
const STEPS = 1024;
/** Levels are computed anew after so many more tasks, and then ever more rarely. */
const FIRST_AFTER = 4;
const GROWTH = 1.5;

/** When the priorities of plans are due for another look. */
export type LevelClock = { afterFinished: number; step: number };

export const createLevelClock = (): LevelClock => ({
  afterFinished: FIRST_AFTER,
  step: FIRST_AFTER,
});

/**
 * Makes the priorities of the plan's tasks the expected time from their beginning to the end of the
 * plan, as far as durations are known. Does nothing for tasks that take next to no time, for what was
 * never seen to run, and for large plans: there the number of tasks on the way is as good.
 * The priority of what waits in a queue is changed in place.
 */
export function levelByTime(state: SchedulerState, plan: PlanRecord): void {
  const { tasks, groups } = state;
  const { rows, serial } = plan;
  if (rows.length > LEVELED_TASKS_MAX) return;
  const isHere = (row: number): boolean =>
    tasks.serial[row] === serial && tasks.state[row] !== FREE && tasks.state[row] !== PRESENT;
  let isInformed = false;
  for (let i = 0; i < rows.length; i += 1) {
    const row = rows.at(i);
    if (!isHere(row)) continue;
    const group = tasks.group[row] as number;
    if ((groups.observations[group] as number) === 0 || expectedUsOf(groups, group) < COARSE_US) {
      continue;
    }
    isInformed = true;
    break;
  }
  if (!isInformed) return;
  const levels = new Map<number, number>();
  let greatest = 1;
  for (let i = rows.length - 1; i >= 0; i -= 1) {
    const row = rows.at(i);
    if (!isHere(row)) continue;
    let after = 0;
    forEachConsumer(state, row, (consumer) => {
      after = Math.max(after, levels.get(consumer) ?? 0);
    });
    const level = after + expectedUsOf(groups, tasks.group[row] as number);
    levels.set(row, level);
    greatest = Math.max(greatest, level);
  }
  for (const [row, level] of levels) {
    const urgency = urgencyOf(tasks.priority[row] as number);
    setPriority(state, row, priorityOf(urgency, Math.ceil((level / greatest) * STEPS)));
  }
}

function setPriority({ tasks, queues }: SchedulerState, row: number, priority: number): void {
  if (tasks.priority[row] === priority) return;
  tasks.priority[row] = priority;
  const queue = queues.queueOf(row);
  if (queue === -1) return;
  queues.remove(row);
  queues.push(queue, row, priority);
}

/** A plan came: what is unknown of its tasks will be seen soon. */
export function levelNewPlan(state: SchedulerState, plan: PlanRecord): void {
  levelByTime(state, plan);
  state.levelClock.step = FIRST_AFTER;
  state.levelClock.afterFinished = state.counters.tasksFinished + FIRST_AFTER;
}

/** Looks again at the priorities of all plans when enough was learned since; costs O(1) otherwise. */
export function levelAgainIfDue(state: SchedulerState): void {
  const { levelClock, counters } = state;
  if (counters.tasksFinished < levelClock.afterFinished) return;
  levelClock.step *= GROWTH;
  levelClock.afterFinished = counters.tasksFinished + levelClock.step;
  for (const plan of new Set(state.plans.values())) levelByTime(state, plan);
}
