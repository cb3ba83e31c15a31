import type { StepContext } from "./context.ts";
import { giveAhead } from "./give-ahead.ts";
import { give } from "./given.ts";
import { expectedUsOf } from "./groups.ts";
import { addRef } from "./outbox.ts";
import { moveTo } from "./placement/arrivals.ts";
import { startUs } from "./placement/choose-worker.ts";
import {
  COARSE_US,
  expectDuration,
  hasRoom,
  loadFor,
  needsMore,
  waitFor,
} from "./placement/load.ts";
import { isTight } from "./placement/memory.ts";
import { missingInputsUs, TRANSFER_OVERHEAD_US } from "./placement/transfer-cost.ts";
import { forLeastLoaded, leastLoadedOf, mostLoadedOf } from "./placement/worker-kinds.ts";
import { pushBacklog, queueReady, unqueueReady } from "./ready.ts";
import { classOf } from "./request-classes.ts";
import type { RequestClass, SchedulerState, WorkerRecord } from "./state.ts";
import { ASSIGNED, RESULT, RETRACTING } from "./task-table.ts";
import { planOf } from "./wants.ts";

/** What it takes to hand out a task, all in all. */
const HAND_OUT_US = 10;
/** What it takes to hand out any tasks at all: a message there and a message back. */
const MESSAGE_US = 200;
/** Hungry workers that one step looks at, so that many idle ones do not make each event dear. */
const HUNGRY_PER_STEP = 8;
/** Victims that are compared before some of their backlog is taken. */
const VICTIMS_COMPARED = 4;
/** Victims, and first tasks of each, among which a worker looks for one that takes long. */
const COARSE_VICTIMS = 16;
const COARSE_ROWS = 4;
/** Less is none: of loads that are equal, sums of floating point numbers differ by a little. */
const GAIN_US_MIN = 1;
/** Work is asked back only from a worker that is this much behind. */
const RETRACT_GAP_US = 20_000;

/**
 * Gives places to the rows that became ready, then work to the workers that have room: from their
 * own backlog, from the pools, and when there is none, from the backlog of others.
 */
export function dispatch(context: StepContext): void {
  const { readied } = context;
  for (let i = 0; i < readied.length; i += 1) queueReady(context, readied.at(i));
  readied.clear();
  // What waits for a worker with room goes to it before others look for something to take over.
  for (const id of context.dirtyWorkers) {
    const worker = context.state.workers.get(id);
    if (worker !== undefined) giveBacklog(context, worker);
  }
  const workers = workersToServe(context);
  // In rounds: each takes one run of pooled tasks at a time, so that a small plan is shared out.
  let active = workers;
  while (active.length > 0) {
    active = active.filter((worker, position) => serve(context, worker, position));
  }
}

/**
 * Of each kind that there is work for, the least loaded worker and some that have room, then those
 * that something changed for: what a busy worker gave back must not go to it again while another
 * one has nothing to do.
 */
function workersToServe({ state, dirtyWorkers, poolGrew }: StepContext): WorkerRecord[] {
  const ids = new Set<number>();
  if (poolGrew || state.backlogCount > 0) {
    for (const kind of state.kinds.values()) {
      // What is urgent goes ahead of what they were given.
      if (poolGrew && state.hasUrgency) {
        forLeastLoaded(kind, HUNGRY_PER_STEP, (id) => void ids.add(id));
      }
      if (kind.hungry.size === 0) continue;
      let wanted = 0;
      for (const requestClass of state.backloggedClasses) {
        if (requestClass.capableKinds.has(kind)) wanted += HUNGRY_PER_STEP;
      }
      if (poolGrew) {
        for (const requestClass of state.pooledClasses) {
          if (requestClass.capableKinds.has(kind)) wanted += state.queues.count(requestClass.pool);
        }
      }
      if (wanted > 0) ids.add(leastLoadedOf(kind));
      for (const id of kind.hungry) {
        if (wanted <= 0) break;
        wanted -= 1;
        ids.add(id);
      }
    }
  }
  for (const id of dirtyWorkers) ids.add(id);
  const workers: WorkerRecord[] = [];
  for (const id of ids) {
    const worker = state.workers.get(id);
    if (worker !== undefined) workers.push(worker);
  }
  return workers;
}

/** Gives the worker all of its backlog that it has room for, then gets it more; false when it got none. */
function serve(context: StepContext, worker: WorkerRecord, position: number): boolean {
  const { state } = context;
  giveBacklog(context, worker);
  if (drawFromPool(context, worker, position) || steal(context, worker)) {
    worker.kind.hungry.delete(worker.id);
    return true;
  }
  if (worker.backlogTasks === 0) {
    worker.kind.hungry.add(worker.id);
    if (state.queues.count(worker.given) === 0) retractFor(context, worker);
  } else {
    worker.kind.hungry.delete(worker.id);
  }
  return false;
}

/**
 * Moves tasks from the worker's backlogs to the worker, greatest priority first: as many as it has
 * room for, once it needs any.
 */
function giveBacklog(context: StepContext, worker: WorkerRecord): void {
  const { state } = context;
  const { queues } = state;
  for (let mayGive = needsMore; ; mayGive = hasRoom) {
    let best = -1;
    let bestQueue = -1;
    let bestPriority = Number.NEGATIVE_INFINITY;
    for (const [classId, queue] of worker.backlogs) {
      const row = queues.peek(queue);
      if (row === -1) continue;
      const requestClass = state.classes[classId] as RequestClass;
      if (!mayGive(state, worker, requestClass, row)) continue;
      const priority = queues.topPriority(queue);
      if (priority > bestPriority) {
        best = row;
        bestQueue = queue;
        bestPriority = priority;
      }
    }
    if (best === -1) return;
    const requestClass = classOf(state, best);
    // As many as are equally urgent: no other queue comes first meanwhile.
    do {
      unqueueReady(state, best);
      // More may be known about such tasks than when it was queued.
      expectDuration(state, best, missingInputsUs(state, best, worker.id));
      give(context, worker, best);
      giveAhead(context, worker, best);
      best = queues.peek(bestQueue);
    } while (
      best !== -1 &&
      queues.topPriority(bestQueue) === bestPriority &&
      hasRoom(state, worker, requestClass, best)
    );
  }
}

/**
 * Moves a run of neighbors from the pool whose tasks are most urgent to the worker's backlog: an even
 * share, and where all have nothing to do, to each the same, but no less than a message is worth.
 * Neighbors mostly feed the same consumers, whose inputs then need not move; trivial ones with the same consumer stay together,
 * however many they are. What turns out to be uneven is stolen later.
 * A worker that is tight first does what waits for it, which makes its data less, and then takes one
 * at a time, so that what does so again can come between.
 * `position` is how many workers were served before in this round.
 */
function drawFromPool(context: StepContext, worker: WorkerRecord, position: number): boolean {
  const { state } = context;
  const { queues } = state;
  const takesOne = isTight(state, worker.id);
  if (takesOne && worker.backlogTasks > 0) return false;
  let best: RequestClass | undefined;
  let bestPriority = Number.NEGATIVE_INFINITY;
  for (const requestClass of state.pooledClasses) {
    if (!requestClass.capableKinds.has(worker.kind)) continue;
    const row = queues.peek(requestClass.pool);
    if (!needsMore(state, worker, requestClass, row) || isTiedElsewhere(state, row, worker))
      continue;
    const priority = queues.topPriority(requestClass.pool);
    if (priority > bestPriority) {
      best = requestClass;
      bestPriority = priority;
    }
  }
  if (best === undefined) return false;
  const sharers = Math.max(1, state.workers.size - position);
  const run = Math.ceil(queues.count(best.pool) / sharers);
  let consumer = -1;
  let runUs = 0;
  for (let i = 0; ; i += 1) {
    const row = queues.peek(best.pool);
    if (row === -1 || queues.topPriority(best.pool) !== bestPriority) break;
    if (takesOne && i > 0) break;
    // Nobody is worth a share of what costs less to do than to bring together again.
    const isShare = i >= run && runUs >= MESSAGE_US;
    if (isShare && !(isTied(state, row) && firstConsumer(state, row) === consumer)) break;
    consumer = firstConsumer(state, row);
    if (consumer === -1 && isTied(state, row)) planOf(state, row).tiedTo = worker.id;
    unqueueReady(state, row);
    expectDuration(state, row, 0);
    runUs += state.tasks.expectedUs[row] as number;
    // Nothing of the worker's comes before it: it need not wait in its backlog first.
    if (worker.backlogTasks === 0 && hasRoom(state, worker, best, row)) {
      give(context, worker, row);
      giveAhead(context, worker, row);
    } else {
      pushBacklog(context, worker, row);
    }
  }
  giveBacklog(context, worker);
  return true;
}

/** Moves tasks that wait for another worker to this one, up to half of the difference of their loads. */
function steal(context: StepContext, worker: WorkerRecord): boolean {
  const { state } = context;
  if (worker.backlogTasks > 0 || state.backlogCount === 0) return false;
  if (isTight(state, worker.id) && state.queues.count(worker.given) > 0) return false;
  if (stealCoarse(context, worker)) return true;
  for (const requestClass of state.backloggedClasses) {
    if (!requestClass.capableKinds.has(worker.kind)) continue;
    const victim = mostBehind(context, worker, requestClass);
    if (victim === undefined) continue;
    if (stealFrom(context, worker, victim, requestClass)) {
      giveBacklog(context, worker);
      return true;
    }
  }
  return false;
}

/**
 * Moves the most urgent of the tasks that wait for others and take long to this worker, if it can
 * begin there earlier. Looks at a few of some victims.
 */
function stealCoarse(context: StepContext, worker: WorkerRecord): boolean {
  const { state } = context;
  const { queues, tasks } = state;
  let best = -1;
  let bestGainUs = 0;
  let bestPriority = Number.NEGATIVE_INFINITY;
  for (const requestClass of state.backloggedClasses) {
    if (!requestClass.capableKinds.has(worker.kind)) continue;
    let compared = 0;
    for (const id of requestClass.backlogged) {
      if (compared === COARSE_VICTIMS) break;
      compared += 1;
      const victim = state.workers.get(id);
      const queue = victim?.backlogs.get(requestClass.id);
      if (victim === undefined || victim === worker || queue === undefined) continue;
      const head = queues.peek(queue);
      // One of many short ones: so are most of those behind it.
      if (head === -1 || expectedNow(state, head) < COARSE_US) continue;
      const waitUs = waitFor(victim, requestClass);
      const ownUs = waitFor(worker, requestClass);
      queues.forFirst(queue, COARSE_ROWS, (row) => {
        if (expectedNow(state, row) < COARSE_US) return;
        const priority = tasks.priority[row] as number;
        if (priority < bestPriority) return;
        const gainUs =
          startUs(
            waitUs - expectedNow(state, row) * share(victim, requestClass),
            moveTo(state, row, victim),
          ) - startUs(ownUs, moveTo(state, row, worker));
        if (gainUs < GAIN_US_MIN || (priority === bestPriority && gainUs <= bestGainUs)) return;
        if (!hasRoom(state, worker, requestClass, row)) return;
        best = row;
        bestGainUs = gainUs;
        bestPriority = priority;
      });
    }
  }
  if (best === -1) return false;
  unqueueReady(state, best);
  expectDuration(state, best, missingInputsUs(state, best, worker.id));
  pushBacklog(context, worker, best);
  giveBacklog(context, worker);
  return true;
}

/** The part of a worker that one task of the class uses. */
function share(worker: WorkerRecord, { request }: RequestClass): number {
  let greatest = 0;
  for (const { resource, amount } of request) {
    const has = worker.kind.amounts[worker.kind.dimensionOf.get(resource) ?? -1] ?? 1;
    greatest = Math.max(greatest, amount / has);
  }
  return greatest;
}

function mostBehind(
  { state }: StepContext,
  worker: WorkerRecord,
  requestClass: RequestClass,
): WorkerRecord | undefined {
  let most: WorkerRecord | undefined;
  let mostUs = loadFor(worker, requestClass);
  let compared = 0;
  for (const id of requestClass.backlogged) {
    const candidate = state.workers.get(id);
    if (candidate === undefined || candidate === worker) continue;
    const us = loadFor(candidate, requestClass);
    if (us > mostUs) {
      most = candidate;
      mostUs = us;
    }
    compared += 1;
    if (compared === VICTIMS_COMPARED) break;
  }
  return most;
}

function stealFrom(
  context: StepContext,
  worker: WorkerRecord,
  victim: WorkerRecord,
  requestClass: RequestClass,
): boolean {
  const { state } = context;
  const { queues, tasks } = state;
  const queue = victim.backlogs.get(requestClass.id);
  if (queue === undefined) return false;
  const last = queues.peekLast(queue);
  if (last === -1) return false;
  // The victim's load counts what was expected when its tasks were queued; of this one it is known
  // how much that has changed since.
  const learned = expectedNow(state, last) / Math.max(1, tasks.expectedUs[last] as number);
  let budgetUs = (loadFor(victim, requestClass) * learned - loadFor(worker, requestClass)) / 2;
  let stolen = 0;
  for (;;) {
    const row = queues.peekLast(queue);
    if (row === -1 || expectedNow(state, row) >= COARSE_US || isTied(state, row)) break;
    if (!needsMore(state, worker, requestClass, row)) break;
    const moveUs = missingInputsUs(state, row, worker.id);
    if (moveUs > budgetUs) break;
    unqueueReady(state, row);
    expectDuration(state, row, moveUs);
    pushBacklog(context, worker, row);
    stolen += 1;
    budgetUs -= (tasks.expectedUs[row] as number) / 2;
    if (budgetUs <= 0) break;
  }
  return stolen > 0;
}

/** Asks a worker that is far behind to give back some of what it has not begun, since `idle` has nothing to do. */
function retractFor(context: StepContext, idle: WorkerRecord): void {
  const { state, outbox } = context;
  const { tasks, queues } = state;
  for (const kind of state.kinds.values()) {
    const victim = state.workers.get(mostLoadedOf(kind));
    if (victim === undefined || victim === idle || victim.retractedAtMs !== -1) continue;
    let budgetUs = (greatest(victim.givenUs) - greatest(idle.givenUs)) / 2;
    if (budgetUs < RETRACT_GAP_US + 2 * victim.roundTripUs) continue;
    const rows = queues.lastRows(victim.given, queues.count(victim.given) >> 1, (row) => {
      if (budgetUs <= 0 || tasks.state[row] !== ASSIGNED || isTied(state, row)) return false;
      if (!classOf(state, row).capableKinds.has(idle.kind)) return false;
      if (missingInputsUs(state, row, idle.id) > budgetUs) return false;
      budgetUs -= tasks.expectedUs[row] as number;
      return true;
    });
    if (rows.length === 0) continue;
    for (const row of rows) {
      tasks.flags[row] = (tasks.flags[row] as number) | RETRACTING;
      state.promised.set(row, idle.id);
      addRef(outbox.retracts, victim.id, row, tasks.attempt[row] as number);
    }
    state.counters.tasksRetracted += rows.length;
    victim.retractedAtMs = state.nowMs;
    return;
  }
}

/**
 * Whether it takes less time to do the task, which has no inputs, than to bring its data to its
 * consumer. Of a plan that is still arriving the consumers may not be known: then only what takes no
 * longer than handing it out is tied, since other workers could do nothing for it.
 */
function isTied(state: SchedulerState, row: number): boolean {
  const { tasks } = state;
  if (tasks.inputCount[row] !== 0) return false;
  const expectedUs = expectedNow(state, row);
  if (firstConsumer(state, row) !== -1) return expectedUs < TRANSFER_OVERHEAD_US;
  const isResult = ((tasks.flags[row] as number) & RESULT) !== 0;
  return !isResult && expectedUs < HAND_OUT_US && planOf(state, row).isOpen;
}

/** Whether another worker has what the row is tied to, of a plan that came, or comes, in chunks. */
function isTiedElsewhere(state: SchedulerState, row: number, worker: WorkerRecord): boolean {
  if (!isTied(state, row)) return false;
  const { tiedTo } = planOf(state, row);
  return tiedTo !== worker.id && state.workers.has(tiedTo) && !state.drains.has(tiedTo);
}

/** The row's first consumer; -1 if it has none, or none is known so far. */
function firstConsumer({ tasks }: SchedulerState, row: number): number {
  if (tasks.consumerCount[row] === 0) return -1;
  const at = (tasks.edgeStart[row] as number) + (tasks.inputCount[row] as number);
  return Math.max(-1, tasks.edges.items[at] as number);
}

const greatest = (loads: Float64Array): number => loads.reduce((a, b) => Math.max(a, b), 0);

/** What such a task is expected to take as far as is known now, without transfers. */
const expectedNow = (state: SchedulerState, row: number): number =>
  expectedUsOf(state.groups, state.tasks.group[row] as number);
