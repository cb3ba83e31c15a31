import { Uint32List } from "../base/columns.ts";
import { HELD_LOADS, HELD_STARTED, type HeldTasks, type TaskRefs } from "../model/batches.ts";
import { inputRange } from "./handlers/assignment.ts";
import type { WorkerState } from "./state.ts";
import { OBJECT_PRESENT } from "./tables/object-table.ts";
import { TASK_FREE, TASK_RUNNING } from "./tables/task-table.ts";

/** The data objects that are here, between two steps, and what is known of their checkpoints. */
export function listObjects({ objects }: WorkerState): TaskRefs & {
  readonly checkpoints: Uint8Array;
} {
  const tasks = new Uint32List();
  const attempts = new Uint32List();
  const checkpoints = new Uint32List();
  for (let row = 0; row < objects.rowEnd; row++) {
    if (objects.states[row] !== OBJECT_PRESENT) continue;
    tasks.push(objects.tasks[row] as number);
    attempts.push(objects.attempts[row] as number);
    checkpoints.push(objects.checkpoints[row] as number);
  }
  return {
    tasks: tasks.toArray(),
    attempts: attempts.toArray(),
    checkpoints: Uint8Array.from(checkpoints.toArray()),
  };
}

/** The tasks that are here, between two steps. */
export function listTasks(state: WorkerState): HeldTasks {
  const { tasks, batches } = state;
  const refs = { tasks: new Uint32List(), attempts: new Uint32List() };
  const flags: number[] = [];
  const inputStarts = new Uint32List();
  const inputAttempts = new Uint32List();
  inputStarts.push(0);
  for (let row = 0; row < tasks.rowEnd; row++) {
    if (tasks.states[row] === TASK_FREE) continue;
    const batch = batches.get(tasks.batches[row] as number);
    const index = tasks.indexes[row] as number;
    const [start, end, loads] = inputRange(batch, index);
    for (let k = start; k < end; k++) inputAttempts.push(batch.inputAttempts[k] as number);
    inputStarts.push(inputAttempts.length);
    refs.tasks.push(tasks.tasks[row] as number);
    refs.attempts.push(tasks.attempts[row] as number);
    flags.push((isStarted(state, row) ? HELD_STARTED : 0) | (loads ? HELD_LOADS : 0));
  }
  return {
    tasks: refs.tasks.toArray(),
    attempts: refs.attempts.toArray(),
    flags: Uint8Array.from(flags),
    inputStarts: inputStarts.toArray(),
    inputAttempts: inputAttempts.toArray(),
  };
}

/** Whether it needs nothing that is here any more. Of several in a lane, nobody knows how far they are. */
function isStarted({ tasks, lanes }: WorkerState, row: number): boolean {
  if (tasks.isRedirected[row] === 1) return true;
  if (tasks.states[row] !== TASK_RUNNING) return false;
  const lane = tasks.lanes[row] as number;
  return lane === 0 || lanes.get(lane).taskCount === 1;
}
