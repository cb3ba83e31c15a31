import { BUILTIN_SYMBOLS, TASK_TYPE } from "../../model/symbols.ts";
import { priorityOf, urgencyOf } from "../../model/urgency.ts";
import { expectedUsOf } from "../groups.ts";
import { classOf } from "../request-classes.ts";
import type { RequestClass, SchedulerState, WorkerRecord } from "../state.ts";
import { isAhead } from "../task-table.ts";
import { missingInputsUs } from "./transfer-cost.ts";
import { mainDimension, moveToBucket } from "./worker-kinds.ts";

/** Tasks that take longer are worth a closer look. */
export const COARSE_US = 20_000;
/**
 * How much work may wait at a worker beyond what it can run at once, in expected time: enough that
 * a round trip never idles a cpu, little enough that it can still be given to others.
 */
const PREFETCH_US = 50_000;
/** A bound on the batch itself, for tasks that take no time at all. */
const GIVEN_TASKS_MAX = 16_384;
/** How much work a worker may be given ahead, in expected time. */
const AHEAD_US = 50_000;
const AHEAD_TASKS_MAX = 16_384;
/** What takes longer than this and so many round trips is not given ahead. */
const AHEAD_TASK_US_MAX = 1_000;
const AHEAD_ROUND_TRIPS = 10;
/** Light tasks that are no built-in run beside each other; built-ins take turns on the worker's loop. */
const LIGHT_SHARE = 1 / 16;

/** So many light tasks may always be given: they do not wait for each other. */
const LIGHT_TASKS_FREE = 16;

/** Fewer calls of functions do: each needs a process of its own. */
const LIGHT_CALL_SHARE = 1 / 4;

/** The share of the worker's time that a light task of this type takes. */
const lightShareOf = (taskType: number): number => {
  if (taskType === TASK_TYPE.pyCall || taskType === TASK_TYPE.jsCall) return LIGHT_CALL_SHARE;
  return taskType === TASK_TYPE.run || taskType >= BUILTIN_SYMBOLS.length ? LIGHT_SHARE : 1;
};

function addToLoads(
  loads: Float64Array,
  asked: Float64Array | undefined,
  worker: WorkerRecord,
  requestClass: RequestClass,
  us: number,
  sign: 1 | -1,
  lightShare: number,
): void {
  const { amounts, dimensionOf } = worker.kind;
  if (requestClass.request.length === 0) {
    const light = amounts.length;
    loads[light] = (loads[light] as number) + us * lightShare;
    return;
  }
  for (const { resource, amount } of requestClass.request) {
    const dimension = dimensionOf.get(resource);
    if (dimension === undefined) continue;
    if (asked !== undefined) asked[dimension] = (asked[dimension] as number) + sign * amount;
    loads[dimension] =
      (loads[dimension] as number) + (us * amount) / (amounts[dimension] as number);
  }
}

function addLoad(
  state: SchedulerState,
  worker: WorkerRecord,
  row: number,
  sign: 1 | -1,
  loads: Float64Array,
): void {
  const { tasks } = state;
  const requestClass = classOf(state, row);
  const us = sign * (tasks.expectedUs[row] as number);
  const share = lightShareOf(tasks.taskType[row] as number);
  addToLoads(
    loads,
    loads === worker.loadUs ? worker.loadAmounts : undefined,
    worker,
    requestClass,
    us,
    sign,
    share,
  );
}

/** What the row asks for is taken from, or given back to, what the worker has free. */
function addAmounts(state: SchedulerState, worker: WorkerRecord, row: number, sign: 1 | -1): void {
  const { request } = classOf(state, row);
  const { givenAmounts, kind } = worker;
  if (request.length === 0) {
    const light = kind.amounts.length;
    givenAmounts[light] = (givenAmounts[light] as number) + sign;
    return;
  }
  for (const { resource, amount } of request) {
    const dimension = kind.dimensionOf.get(resource);
    if (dimension === undefined) continue;
    givenAmounts[dimension] = (givenAmounts[dimension] as number) + sign * amount;
  }
}

/** Whether the worker could begin a task of the class at once, as far as is known here. */
function isFree({ kind, givenAmounts }: WorkerRecord, { request }: RequestClass): boolean {
  if (request.length === 0) return (givenAmounts[kind.amounts.length] as number) < LIGHT_TASKS_FREE;
  for (const { resource, amount } of request) {
    const dimension = kind.dimensionOf.get(resource);
    if (dimension === undefined) return false;
    const free = (kind.amounts[dimension] as number) - (givenAmounts[dimension] as number);
    if (free < amount) return false;
  }
  return true;
}

function updateBucket(worker: WorkerRecord): void {
  const light = worker.loadUs[worker.kind.amounts.length] as number;
  const main = worker.loadUs[mainDimension(worker.kind)] as number;
  worker.bucket = moveToBucket(worker.kind, worker.id, worker.bucket, main + light);
}

/** Counts the row, in the backlog or given, to the worker's load. */
export function addBacklogLoad(state: SchedulerState, worker: WorkerRecord, row: number): void {
  addLoad(state, worker, row, 1, worker.loadUs);
  updateBucket(worker);
}

export function removeBacklogLoad(state: SchedulerState, worker: WorkerRecord, row: number): void {
  addLoad(state, worker, row, -1, worker.loadUs);
  updateBucket(worker);
}

/** Counts the row to what the worker was given, or was given ahead, and to its load. */
export function addGivenLoad(state: SchedulerState, worker: WorkerRecord, row: number): void {
  if (isAhead(state.tasks, row)) addLoad(state, worker, row, 1, worker.aheadUs);
  else addToGiven(state, worker, row);
  addBacklogLoad(state, worker, row);
}

/** The row was given ahead, and has its inputs now. */
export function keepGivenLoad(state: SchedulerState, worker: WorkerRecord, row: number): void {
  addToGiven(state, worker, row);
  removeAheadLoad(state, worker, row);
}

function addToGiven(state: SchedulerState, worker: WorkerRecord, row: number): void {
  addAmounts(state, worker, row, 1);
  addLoad(state, worker, row, 1, worker.givenUs);
}

/** The row has left the worker's queue, or the count of what it was given ahead, before. */
export function removeGivenLoad(state: SchedulerState, worker: WorkerRecord, row: number): void {
  if (isAhead(state.tasks, row)) {
    removeAheadLoad(state, worker, row);
  } else if (state.queues.count(worker.given) === 0) {
    // Sums of floating point numbers drift; nothing given is a load of exactly nothing.
    worker.givenUs.fill(0);
    worker.givenAmounts.fill(0);
  } else {
    addAmounts(state, worker, row, -1);
    addLoad(state, worker, row, -1, worker.givenUs);
  }
  if (
    state.queues.count(worker.given) === 0 &&
    worker.aheadTasks === 0 &&
    worker.backlogTasks === 0
  ) {
    worker.loadUs.fill(0);
    worker.loadAmounts.fill(0);
    updateBucket(worker);
  } else {
    removeBacklogLoad(state, worker, row);
  }
}

function removeAheadLoad(state: SchedulerState, worker: WorkerRecord, row: number): void {
  if (worker.aheadTasks === 0) worker.aheadUs.fill(0);
  else addLoad(state, worker, row, -1, worker.aheadUs);
}

/** Expected time until the worker could begin another task of the class. */
export function loadFor(worker: WorkerRecord, requestClass: RequestClass): number {
  return greatestLoad(worker.loadUs, worker, requestClass);
}

/**
 * The same, but nothing where the resources are free for it: a worker of many cpus whose tasks take
 * long can begin another one at once.
 */
export function waitFor(worker: WorkerRecord, requestClass: RequestClass): number {
  return fitsBeside(worker, requestClass, worker.loadAmounts, 1)
    ? 0
    : loadFor(worker, requestClass);
}

/** Whether the request fits beside the asked amounts into `share` times what the worker has. */
function fitsBeside(
  worker: WorkerRecord,
  { request }: RequestClass,
  asked: Float64Array,
  share: number,
): boolean {
  const { amounts, dimensionOf } = worker.kind;
  for (const { resource, amount } of request) {
    const dimension = dimensionOf.get(resource);
    if (dimension === undefined) continue;
    const has = amounts[dimension] as number;
    if ((asked[dimension] as number) + amount > has * share) return false;
  }
  return true;
}

function greatestLoad(
  loads: Float64Array,
  worker: WorkerRecord,
  requestClass: RequestClass,
): number {
  if (requestClass.request.length === 0) return loads[worker.kind.amounts.length] as number;
  let greatest = 0;
  for (const { resource } of requestClass.request) {
    const dimension = worker.kind.dimensionOf.get(resource);
    if (dimension !== undefined) greatest = Math.max(greatest, loads[dimension] as number);
  }
  return greatest;
}

/**
 * Whether the worker may be given the row, a task of the class: what it could begin
 * at once; what passes the time of two round trips and a little more; and beyond that, up to twice as much, tasks
 * whose inputs can come while the others run. More is kept back, as long as it may still suit another.
 */
export function hasRoom(
  state: SchedulerState,
  worker: WorkerRecord,
  requestClass: RequestClass,
  row: number,
): boolean {
  return (
    isBelow(state, worker, requestClass, row, 1) || mayOvertake(state, worker, requestClass, row)
  );
}

/**
 * Whether the worker has so little left to do that it should be given more, up to what it has room
 * for: half of that. So short tasks go out by the dozen, not one for each that ends.
 */
export function needsMore(
  state: SchedulerState,
  worker: WorkerRecord,
  requestClass: RequestClass,
  row: number,
): boolean {
  return (
    isBelow(state, worker, requestClass, row, 1 / 2) ||
    mayOvertake(state, worker, requestClass, row)
  );
}

/** Whether the worker was given less than this share of what it may wait for beyond what it can run at once. */
function isBelow(
  state: SchedulerState,
  worker: WorkerRecord,
  requestClass: RequestClass,
  row: number,
  share: number,
): boolean {
  if (state.queues.count(worker.given) >= GIVEN_TASKS_MAX * share) return false;
  // Not by time alone: beside one task that takes an hour there may be cpus that wait for work.
  if (isFree(worker, requestClass)) return true;
  const given = greatestLoad(worker.givenUs, worker, requestClass);
  const taskUs = expectedUsOf(state.groups, state.tasks.group[row] as number);
  const shortUs = Math.min(taskUs, PREFETCH_US);
  if (given < shortUs + PREFETCH_US * share + 2 * worker.roundTripUs) return true;
  if (requestClass.request.length === 0) return false;
  const moveUs = missingInputsUs(state, row, worker.id);
  if (moveUs === 0) return false;
  return fitsBeside(worker, requestClass, worker.givenAmounts, 1 + Math.min(1, moveUs / taskUs));
}

/** Given tasks that are looked at for one that is urgent. */
const OVERTAKING_MAX = 256;

/**
 * Whether the row is more urgent than some of what the worker was given, and fits into the worker
 * beside those that are as urgent: it will be the next to begin there.
 */
function mayOvertake(
  state: SchedulerState,
  worker: WorkerRecord,
  { request }: RequestClass,
  row: number,
): boolean {
  if (!state.hasUrgency) return false;
  const { tasks, queues } = state;
  const least = priorityOf(urgencyOf(tasks.priority[row] as number), 0);
  const { amounts, dimensionOf } = worker.kind;
  const asked = new Float64Array(amounts.length);
  const looked = Math.min(queues.count(worker.given), OVERTAKING_MAX);
  let asUrgent = 0;
  let light = 0;
  queues.forFirst(worker.given, looked, (given) => {
    if ((tasks.priority[given] as number) < least) return;
    asUrgent += 1;
    const other = classOf(state, given).request;
    if (other.length === 0) light += 1;
    for (const { resource, amount } of other) {
      const dimension = dimensionOf.get(resource) ?? -1;
      asked[dimension] = (asked[dimension] ?? 0) + amount;
    }
  });
  if (asUrgent === looked) return false;
  if (request.length === 0) return light < LIGHT_TASKS_FREE;
  return request.every(({ resource, amount }) => {
    const dimension = dimensionOf.get(resource) ?? -1;
    return (asked[dimension] ?? 0) + amount <= (amounts[dimension] ?? 0);
  });
}

/**
 * Whether the worker may be given the row ahead. What takes long is better placed when its inputs
 * are there, and loses little by the way to the server and back.
 */
export function hasRoomAhead(state: SchedulerState, worker: WorkerRecord, row: number): boolean {
  if (worker.aheadTasks >= AHEAD_TASKS_MAX) return false;
  const expectedUs = state.tasks.expectedUs[row] as number;
  if (expectedUs > AHEAD_TASK_US_MAX + AHEAD_ROUND_TRIPS * worker.roundTripUs) return false;
  const ahead = greatestLoad(worker.aheadUs, worker, classOf(state, row));
  return ahead < AHEAD_US + 2 * worker.roundTripUs;
}

/**
 * Notes what the row is expected to take before it is queued for a worker. Transfers count with it
 * where both are short; what takes long itself leaves its cpu to others while its inputs come.
 */
export function expectDuration(state: SchedulerState, row: number, transferUs: number): void {
  const us = expectedUsOf(state.groups, state.tasks.group[row] as number);
  state.tasks.expectedUs[row] = us >= COARSE_US ? us : us + transferUs;
}
