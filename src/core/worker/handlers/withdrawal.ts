import type { TaskRefs } from "../../model/batches.ts";
import type { WorkerState } from "../state.ts";
import { TASK_RUNNING } from "../tables/task-table.ts";
import { forgetTask, stopTask } from "../transitions.ts";

const NONE = -1;

/** Gives back what has not started, which a redirected task has; the server hears of the others when they end. */
export function onTasksRetracted(state: WorkerState, { tasks, attempts }: TaskRefs): void {
  for (let i = 0; i < tasks.length; i++) {
    const task = tasks[i] as number;
    const attempt = attempts[i] as number;
    const row = state.tasks.findAttempt(task, attempt);
    if (row === NONE || state.tasks.states[row] === TASK_RUNNING) continue;
    if (state.tasks.isRedirected[row] === 1) continue;
    forgetTask(state, row);
    state.outbox.returned.push(task, attempt);
  }
}

/** Ends and forgets the tasks; nobody waits for an answer. */
export function onTasksCanceled(
  state: WorkerState,
  { tasks, attempts }: TaskRefs,
  isGraceful: boolean,
): void {
  const { endings, outbox } = state;
  for (let i = 0; i < tasks.length; i++) {
    const task = tasks[i] as number;
    const attempt = attempts[i] as number;
    const row = state.tasks.findAttempt(task, attempt);
    if (row !== NONE) stopTask(state, row, isGraceful ? outbox.endedGracefully : outbox.killed);
    else if (!isGraceful && endings.takeGrace(task, attempt)) outbox.hurried.push(task, attempt);
  }
}
