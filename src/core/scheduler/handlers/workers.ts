import { assert } from "../../base/assert.ts";
import type { StepContext } from "../context.ts";
import { blame, crashFailure, crashLimitOf, findSuspects } from "../crashes.ts";
import { loseDrainOf } from "../drains.ts";
import type { SchedulerEvent } from "../events.ts";
import { loseObjects, tryAgain } from "../losses.ts";
import { addRef } from "../outbox.ts";
import { forgetMemory } from "../placement/memory.ts";
import {
  createWorkerKind,
  keyOf,
  leaveBucket,
  moveToBucket,
  normalized,
} from "../placement/worker-kinds.ts";
import { failTask } from "../plans/fail-task.ts";
import { unqueueReady } from "../ready.ts";
import { holdersOf, holds, removeReplica } from "../replicas.ts";
import { addCapableKind, removeCapableKind } from "../request-classes.ts";
import { rememberRerun } from "../reruns.ts";
import { forgetPutOff, noteWorkerBack } from "../restore/recovery.ts";
import type { SchedulerState, WorkerRecord } from "../state.ts";
import { CHECKPOINT_PENDING, FREE, isAhead, PRESENT } from "../task-table.ts";

type EventOf<Kind extends SchedulerEvent["kind"]> = Extract<SchedulerEvent, { kind: Kind }>;

export function onWorkerJoined(context: StepContext, event: EventOf<"worker-joined">): void {
  joinWorker(context, event);
}

/** Makes a record of the worker, which has nothing so far. */
export function joinWorker(
  context: StepContext,
  event: EventOf<"worker-joined" | "worker-attached">,
): WorkerRecord {
  const { state } = context;
  assert(!state.workers.has(event.workerId), "a worker joins once");
  const offer = normalized([...event.offer]);
  const key = keyOf(offer);
  let kind = state.kinds.get(key);
  if (kind === undefined) {
    kind = createWorkerKind(offer);
    state.kinds.set(key, kind);
    addCapableKind(state, kind);
  }
  const worker: WorkerRecord = {
    id: event.workerId,
    name: event.name,
    kind,
    loadUs: new Float64Array(offer.length + 1),
    givenUs: new Float64Array(offer.length + 1),
    givenAmounts: new Float64Array(offer.length + 1),
    loadAmounts: new Float64Array(offer.length),
    aheadUs: new Float64Array(offer.length + 1),
    aheadTasks: 0,
    incomingBytes: 0,
    outgoingBytes: 0,
    backlogs: new Map(),
    backlogTasks: 0,
    given: state.queues.createQueue(),
    roundTripUs: 0,
    retractedAtMs: -1,
    bucket: -1,
  };
  if (state.kinds.size === 1 && kind.occupied === 0) state.workersSinceMs = state.nowMs;
  state.workers.set(worker.id, worker);
  worker.bucket = moveToBucket(kind, worker.id, -1, 0);
  context.dirtyWorkers.add(worker.id);
  if (state.journal !== undefined) {
    context.outbox.records.push({ kind: "worker-joined", workerId: worker.id, name: worker.name });
  }
  noteWorkerBack(context, worker.id);
  return worker;
}

export function onWorkerLost(context: StepContext, event: EventOf<"worker-lost">): void {
  loseWorker(context, event.workerId, event.hasLeft === true ? "left" : "lost");
}

/**
 * Everything that the worker had goes back: its tasks are tried again elsewhere, its data is found or
 * computed again. Only where it was lost, and neither left nor is back, what it executed is blamed.
 */
export function loseWorker(
  context: StepContext,
  workerId: number,
  how: "lost" | "left" | "cut-off",
): void {
  const { state } = context;
  const { tasks, queues } = state;
  const worker = state.workers.get(workerId);
  if (worker === undefined) return;
  if (state.journal !== undefined) {
    context.outbox.records.push({ kind: "worker-left", workerId: worker.id });
  }
  if (state.recovery !== undefined) forgetPutOff(state.recovery, workerId);
  const suspects = how === "lost" ? findSuspects(state, worker) : [];
  const orphans = takeBacklog(state, worker);
  for (let row = queues.pop(worker.given); row !== -1; row = queues.pop(worker.given)) {
    rememberRerun(state, row, worker.name, "worker-lost");
    tasks.worker[row] = -1;
    orphans.push(row);
  }
  queues.destroyQueue(worker.given);
  leaveKind(state, worker);
  state.workers.delete(worker.id);
  forgetMemory(state, worker.id);
  const { lost, ahead } = lostWith(context, worker.id);
  for (const row of ahead) rememberRerun(state, row, worker.name, "worker-lost");
  for (const row of [...orphans, ...ahead]) tryAgain(context, row);
  loseObjects(context, lost, worker.name);
  loseDrainOf(state, worker.id);
  blameSuspects(context, worker, suspects);
}

/** Takes the rows out of the worker's backlog, which is no more; they are READY and wait nowhere. */
export function takeBacklog(state: SchedulerState, worker: WorkerRecord): number[] {
  const { queues } = state;
  const orphans: number[] = [];
  for (const [classId, queue] of worker.backlogs) {
    for (let row = queues.peek(queue); row !== -1; row = queues.peek(queue)) {
      unqueueReady(state, row);
      orphans.push(row);
    }
    queues.destroyQueue(queue);
    state.classes[classId]?.queuedAt.delete(worker.id);
  }
  worker.backlogs.clear();
  return orphans;
}

/** Fails those that were executed by too many workers that were lost. */
function blameSuspects(context: StepContext, worker: WorkerRecord, suspects: number[]): void {
  const { state } = context;
  const guilty = suspects.filter((row) => blame(state, row, worker) >= crashLimitOf(state, row));
  for (const row of guilty) {
    // One that failed may have taken others with it.
    if (state.tasks.state[row] === FREE || !state.crashes.has(row)) continue;
    failTask(context, row, crashFailure(state, row));
  }
}

export function leaveKind(state: SchedulerState, worker: WorkerRecord): void {
  const { kind } = worker;
  leaveBucket(kind, worker.id, worker.bucket);
  kind.hungry.delete(worker.id);
  // One that drained has a kind of its own.
  if (state.kinds.get(kind.key) !== kind) return;
  if (kind.buckets.some((workers) => workers.size > 0)) return;
  state.kinds.delete(kind.key);
  removeCapableKind(state, kind);
}

/**
 * Forgets the worker's replicas; the rows of the objects that have no other, and those that it was
 * given ahead. Looks at all rows, which is cheap for typed arrays, rare, and spares sets for each worker.
 */
function lostWith(
  context: StepContext,
  workerId: number,
): { readonly lost: number[]; readonly ahead: number[] } {
  const { state } = context;
  const { tasks } = state;
  const lost: number[] = [];
  const ahead: number[] = [];
  for (let row = 0; row < tasks.capacity; row += 1) {
    if (tasks.state[row] === PRESENT) {
      if (tasks.worker[row] !== workerId && !state.extraReplicas.has(row)) continue;
      if (
        ((tasks.flags[row] as number) & CHECKPOINT_PENDING) !== 0 &&
        holds(state, row, workerId)
      ) {
        // It may have been the one that writes the checkpoint, of which nobody else would tell.
        dropReplicasBut(context, row, workerId);
        lost.push(row);
      } else if (!removeReplica(state, row, workerId)) lost.push(row);
    } else if (tasks.worker[row] === workerId && isAhead(tasks, row)) {
      ahead.push(row);
    }
  }
  return { lost, ahead };
}

function dropReplicasBut({ state, outbox }: StepContext, row: number, workerId: number): void {
  for (const holder of holdersOf(state, row)) {
    if (holder === workerId) continue;
    addRef(outbox.drops, holder, row, state.tasks.attempt[row] as number);
  }
}

export function onRoundTripMeasured(
  { state }: StepContext,
  event: EventOf<"round-trip-measured">,
): void {
  const worker = state.workers.get(event.workerId);
  if (worker === undefined || !(event.roundTripMs >= 0)) return;
  worker.roundTripUs = Math.min(event.roundTripMs, 10_000) * 1_000;
}
