import { Uint32List } from "../base/columns.ts";
import type { StepContext } from "./context.ts";
import { addRef } from "./outbox.ts";
import { createWorkerKind, mainDimension, moveToBucket } from "./placement/worker-kinds.ts";
import { holdersOf, holds } from "./replicas.ts";
import type { SchedulerState, WorkerRecord } from "./state.ts";
import { CHECKPOINT_PENDING, CHECKPOINT_WRITTEN, PRESENT, RETRACTING } from "./task-table.ts";

/** Copies that are on their way from one worker at a time; their bytes together, unless it is one. */
const COPIES_MAX = 256;
const COPIES_BYTES_MAX: number = 256 * 1024 * 1024;
/** Objects that are larger are loaded from their checkpoints, where they have one, instead of copied. */
const COPIED_CHECKPOINT_BYTES_MAX: number = 16 * 1024 * 1024;
/** So often a copy of an object is tried before it is left behind. */
const TRIES_MAX = 4;

type Copy = { readonly attempt: number; readonly target: number; readonly sizeBytes: number };

/**
 * A worker that is given no more tasks, and leaves when nothing is lost by that:
 *
 *     what waits there is asked back, what runs ends
 *     objects that only it has:  pending -> copying -> on another worker, too
 *     nothing is left            -> dismissed
 */
export type Drain = {
  /** Rows of objects that may be nowhere else. */
  readonly pending: Uint32List;
  /** By row. */
  readonly copying: Map<number, Copy>;
  copyingBytes: number;
  /** What each worker has taken over, so that they share it. */
  readonly takenBytes: Map<number, number>;
  /** How often copying failed, by row. */
  readonly failures: Map<number, number>;
  /** Nothing was to be done at the end of the last step. */
  wasIdle: boolean;
  /** Nobody can take over what is pending; whoever reads the log was told. */
  isStuck: boolean;
  isDismissed: boolean;
};

/** Begins to drain the worker; does nothing where it drains already. */
export function startDrain(context: StepContext, worker: WorkerRecord): void {
  const { state, outbox } = context;
  const { tasks, queues } = state;
  const drain: Drain = {
    pending: new Uint32List(),
    copying: new Map(),
    copyingBytes: 0,
    takenBytes: new Map(),
    failures: new Map(),
    wasIdle: false,
    isStuck: false,
    isDismissed: false,
  };
  state.drains.set(worker.id, drain);
  // A kind that no request knows: no task finds the worker any more.
  worker.kind = createWorkerKind(worker.kind.offer);
  const load = worker.loadUs[mainDimension(worker.kind)] as number;
  worker.bucket = moveToBucket(worker.kind, worker.id, -1, load);
  const askBack = (row: number): void => {
    tasks.flags[row] = (tasks.flags[row] as number) | RETRACTING;
    addRef(outbox.retracts, worker.id, row, tasks.attempt[row] as number);
  };
  // Also those that began: only the worker knows which have not.
  queues.forFirst(worker.given, queues.count(worker.given), askBack);
  for (let row = 0; row < tasks.capacity; row += 1) {
    if (tasks.state[row] === PRESENT) {
      if (holds(state, row, worker.id)) drain.pending.push(row);
    } else if (tasks.worker[row] === worker.id && isAheadOn(state, worker, row)) askBack(row);
  }
}

/** Goes on with all drains at the end of a step. `isTick`: time has passed, and all is looked at anew. */
export function advanceDrains(context: StepContext, isTick: boolean): void {
  const { state, outbox } = context;
  for (const [workerId, drain] of state.drains) {
    const worker = state.workers.get(workerId);
    if (worker === undefined || drain.isDismissed) continue;
    if (isTick) forgetGone(state, drain);
    startCopies(context, worker, drain);
    if (drain.pending.length > 0 || drain.copying.size > 0 || hasTasks(state, worker)) {
      drain.wasIdle = false;
      continue;
    }
    if (drain.wasIdle && !isTick) continue;
    drain.wasIdle = true;
    if (isStillNeeded(state, worker, drain)) {
      startCopies(context, worker, drain);
      continue;
    }
    drain.isDismissed = true;
    outbox.others.push({ kind: "dismiss", workerId });
  }
}

/** An object was finished on a worker that may be draining. */
export function noteFinished({ drains }: SchedulerState, row: number, workerId: number): void {
  drains.get(workerId)?.pending.push(row);
}

/** The worker got its copy, or cannot get it. */
export function endCopy(
  state: SchedulerState,
  row: number,
  attempt: number,
  target: number,
  how: "done" | "failed",
): void {
  for (const drain of state.drains.values()) {
    const copy = drain.copying.get(row);
    if (copy?.attempt !== attempt || copy.target !== target) continue;
    forgetCopy(drain, row, copy);
    if (how === "done") continue;
    const failures = (drain.failures.get(row) ?? 0) + 1;
    drain.failures.set(row, failures);
    if (failures < TRIES_MAX) drain.pending.push(row);
  }
}

/** The worker is gone: its drain is over, and what it was to take over goes elsewhere. */
export function loseDrainOf({ drains }: SchedulerState, workerId: number): void {
  if (drains.size === 0) return;
  drains.delete(workerId);
  for (const drain of drains.values()) {
    for (const [row, copy] of drain.copying) {
      if (copy.target !== workerId) continue;
      forgetCopy(drain, row, copy);
      drain.pending.push(row);
    }
  }
}

function forgetCopy(drain: Drain, row: number, copy: Copy): void {
  drain.copying.delete(row);
  drain.copyingBytes -= copy.sizeBytes;
}

/** Nobody wants some objects any more whose copies are on their way. */
function forgetGone({ tasks }: SchedulerState, drain: Drain): void {
  for (const [row, copy] of drain.copying) {
    const isThere = tasks.isCurrent(row, copy.attempt) && tasks.state[row] === PRESENT;
    if (!isThere) forgetCopy(drain, row, copy);
  }
}

function isAheadOn({ tasks }: SchedulerState, worker: WorkerRecord, row: number): boolean {
  return worker.aheadTasks > 0 && (tasks.unfinishedInputs[row] as number) > 0;
}

const hasTasks = ({ queues }: SchedulerState, worker: WorkerRecord): boolean =>
  queues.count(worker.given) > 0 || worker.aheadTasks > 0;

/** Whether only workers that drain have the row's object, and it is worth a copy. */
function needsCopy(state: SchedulerState, drain: Drain, row: number): boolean {
  const { tasks } = state;
  if (tasks.state[row] !== PRESENT || drain.copying.has(row)) return false;
  if ((drain.failures.get(row) ?? 0) >= TRIES_MAX) return false;
  const isLoadable = ((tasks.flags[row] as number) & CHECKPOINT_WRITTEN) !== 0;
  if (isLoadable && (tasks.sizeBytes[row] as number) > COPIED_CHECKPOINT_BYTES_MAX) return false;
  if (state.extraReplicas.size === 0) return state.drains.has(tasks.worker[row] as number);
  return holdersOf(state, row).every((holder) => state.drains.has(holder));
}

function startCopies(context: StepContext, worker: WorkerRecord, drain: Drain): void {
  const { state, outbox } = context;
  const { tasks } = state;
  const { pending, copying } = drain;
  while (pending.length > 0 && copying.size < COPIES_MAX) {
    const row = pending.pop();
    if (!holds(state, row, worker.id) || !needsCopy(state, drain, row)) continue;
    const sizeBytes = tasks.sizeBytes[row] as number;
    const target = chooseTarget(state, drain);
    if (target === undefined || isFull(drain, sizeBytes)) {
      pending.push(row);
      if (target === undefined) tellStuck(context, worker, drain);
      return;
    }
    drain.isStuck = false;
    const attempt = tasks.attempt[row] as number;
    copying.set(row, { attempt, target, sizeBytes });
    drain.copyingBytes += sizeBytes;
    drain.takenBytes.set(target, (drain.takenBytes.get(target) ?? 0) + sizeBytes + 1);
    const copies = outbox.copies.get(target) ?? [];
    outbox.copies.set(target, copies);
    copies.push({ row, attempt, sizeBytes, holder: worker.id });
  }
}

const isFull = ({ copying, copyingBytes }: Drain, sizeBytes: number): boolean =>
  copying.size > 0 && copyingBytes + sizeBytes > COPIES_BYTES_MAX;

/** The worker that has taken over least, counting what is on its way to it anyhow. */
function chooseTarget(state: SchedulerState, drain: Drain): number | undefined {
  let best: number | undefined;
  let bestBytes = Number.POSITIVE_INFINITY;
  for (const { id, incomingBytes } of state.workers.values()) {
    if (state.drains.has(id)) continue;
    const bytes = incomingBytes + (drain.takenBytes.get(id) ?? 0);
    if (bytes >= bestBytes) continue;
    best = id;
    bestBytes = bytes;
  }
  return best;
}

function tellStuck({ outbox }: StepContext, worker: WorkerRecord, drain: Drain): void {
  if (drain.isStuck) return;
  drain.isStuck = true;
  outbox.others.push({
    kind: "note-drain",
    workerId: worker.id,
    message: `${drain.pending.length} data objects are only there, and no other worker can take them over`,
  });
}

/**
 * Whether the worker cannot leave yet though it has no tasks: only it has data that somebody wants, it
 * writes a checkpoint, or sends data to a client. Looks at all rows.
 */
function isStillNeeded(state: SchedulerState, worker: WorkerRecord, drain: Drain): boolean {
  const { tasks, pins } = state;
  let isNeeded = false;
  for (let row = 0; row < tasks.capacity; row += 1) {
    if (tasks.state[row] !== PRESENT || !holds(state, row, worker.id)) continue;
    if (((tasks.flags[row] as number) & CHECKPOINT_PENDING) !== 0 || pins.has(row)) isNeeded = true;
    if (!needsCopy(state, drain, row)) continue;
    drain.pending.push(row);
    isNeeded = true;
  }
  return isNeeded;
}
