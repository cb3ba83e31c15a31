import { BUILTIN_SYMBOLS, isDynamic, TASK_TYPE } from "../model/symbols.ts";
import type { StepContext } from "./context.ts";
import { AHEAD_CONSUMERS_MAX, give } from "./given.ts";
import { expectDuration, hasRoomAhead, loadFor } from "./placement/load.ts";
import { transferUs } from "./placement/transfer-cost.ts";
import { leastLoadedOf } from "./placement/worker-kinds.ts";
import { holds } from "./replicas.ts";
import { classOf } from "./request-classes.ts";
import type { SchedulerState, WorkerRecord } from "./state.ts";
import {
  isAhead,
  isGiven,
  NOT_BEGUN,
  PRESENT,
  RETRACTING,
  type TaskTable,
  WAITING,
} from "./task-table.ts";

/** Tasks with more inputs wait for them here. */
const AHEAD_INPUTS_MAX = 16;
/** Time that moving those of its inputs may take which are present elsewhere. */
const AHEAD_MOVE_US_MAX = 1_000;

/**
 * Gives the worker also what it can go on with once it has done `row`: consumers of which every
 * unfinished input was given to this worker. They need no round trip then, and can be taken back
 * until they are finished (see `takeBack`). What they lead to follows, as long as the worker has room.
 */
export function giveAhead(context: StepContext, worker: WorkerRecord, row: number): void {
  const { tasks, options } = context.state;
  // Most rows lead to nothing that can be given now.
  if (!options.givesAhead || tasks.consumerCount[row] === 0) return;
  const stack = context.aheadStack;
  stack.push(row);
  for (let input = stack.pop(); input !== undefined; input = stack.pop()) {
    const count = tasks.consumerCount[input] as number;
    if (count > AHEAD_CONSUMERS_MAX) continue;
    const start = (tasks.edgeStart[input] as number) + (tasks.inputCount[input] as number);
    const end = start + count;
    let next = findNext(context.state, worker, input, start, end);
    if (next === -1) continue;
    // The worker can begin one of them when it ends the input; more only where others are as busy.
    let isFork = count > 1 && hasOneAhead(tasks, start, end);
    while (next !== -1) {
      if (isFork && !isBestOff(context.state, worker, next)) break;
      if (!hasRoomAhead(context.state, worker, next)) break;
      give(context, worker, next);
      stack.push(next);
      isFork = true;
      next = count > 1 ? findNext(context.state, worker, input, start, end) : -1;
    }
  }
}

/** Of the row's consumers, the most urgent that can be given ahead, with what it is expected to take; or -1. */
function findNext(
  state: SchedulerState,
  worker: WorkerRecord,
  row: number,
  start: number,
  end: number,
): number {
  const { tasks } = state;
  let best = -1;
  let bestMoveUs = 0;
  for (let k = start; k < end; k += 1) {
    const consumer = tasks.edges.items[k] as number;
    if (tasks.serial[consumer] !== tasks.serial[row]) continue;
    if (tasks.state[consumer] !== WAITING || !mayGoAhead(state, consumer)) continue;
    if (best !== -1 && (tasks.priority[consumer] as number) <= (tasks.priority[best] as number)) {
      continue;
    }
    const moveUs = moveUsAhead(state, worker, consumer);
    if (moveUs > AHEAD_MOVE_US_MAX) continue;
    best = consumer;
    bestMoveUs = moveUs;
  }
  if (best !== -1) expectDuration(state, best, bestMoveUs);
  return best;
}

function hasOneAhead(tasks: TaskTable, start: number, end: number): boolean {
  for (let k = start; k < end; k += 1) {
    if (isAhead(tasks, tasks.edges.items[k] as number)) return true;
  }
  return false;
}

/** Whether another worker would begin the row later, with its inputs brought there. As `chooseWorker` would see it. */
function isBestOff(state: SchedulerState, worker: WorkerRecord, row: number): boolean {
  const requestClass = classOf(state, row);
  const loadUs = loadFor(worker, requestClass);
  const moveUs = transferUs(state, 0, state.tasks.inputCount[row] as number);
  for (const kind of requestClass.capableKinds) {
    const other = state.workers.get(leastLoadedOf(kind));
    if (other !== undefined && loadFor(other, requestClass) + moveUs < loadUs) return false;
  }
  return true;
}

/** Only what is known to be short: a round trip matters little to the others, and where they run matters more. */
function mayGoAhead({ tasks, groups }: SchedulerState, row: number): boolean {
  const taskType = tasks.taskType[row] as number;
  if (isDynamic(taskType)) return false;
  const isOperation =
    taskType < BUILTIN_SYMBOLS.length &&
    taskType !== TASK_TYPE.run &&
    taskType !== TASK_TYPE.pyCall &&
    taskType !== TASK_TYPE.jsCall;
  return isOperation || (groups.observations[tasks.group[row] as number] as number) > 0;
}

/**
 * Time to bring to the worker those inputs of the row that are elsewhere; infinite where the row
 * cannot be given to it ahead. From the last input on: mostly it is that one which nobody has yet.
 */
function moveUsAhead(state: SchedulerState, worker: WorkerRecord, row: number): number {
  const { tasks } = state;
  const start = tasks.edgeStart[row] as number;
  const count = tasks.inputCount[row] as number;
  if (count > AHEAD_INPUTS_MAX || (tasks.unfinishedInputs[row] as number) >= NOT_BEGUN) {
    return Number.POSITIVE_INFINITY;
  }
  if (!classOf(state, row).capableKinds.has(worker.kind)) return Number.POSITIVE_INFINITY;
  let bytes = 0;
  let objects = 0;
  for (let k = start + count - 1; k >= start; k -= 1) {
    const input = tasks.edges.items[k] as number;
    if (tasks.state[input] === PRESENT) {
      if (holds(state, input, worker.id)) continue;
      bytes += tasks.sizeBytes[input] as number;
      objects += 1;
      continue;
    }
    const isComing =
      isGiven(tasks, input) &&
      tasks.worker[input] === worker.id &&
      tasks.serial[input] === tasks.serial[row] &&
      ((tasks.flags[input] as number) & RETRACTING) === 0 &&
      (tasks.consumerCount[input] as number) <= AHEAD_CONSUMERS_MAX;
    if (!isComing) return Number.POSITIVE_INFINITY;
  }
  return transferUs(state, bytes, objects);
}
