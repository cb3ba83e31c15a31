import { assert } from "../../base/assert.ts";
import type { StepContext } from "../context.ts";
import type { SchedulerEvent } from "../events.ts";
import { loseObjects, tryAgain } from "../losses.ts";
import {
  createWorkerKind,
  keyOf,
  leaveBucket,
  moveToBucket,
  normalized,
} from "../placement/worker-kinds.ts";
import { unqueueReady } from "../ready.ts";
import { removeReplica } from "../replicas.ts";
import { addCapableKind, removeCapableKind } from "../request-classes.ts";
import { rememberRerun } from "../reruns.ts";
import type { SchedulerState, WorkerRecord } from "../state.ts";
import { isAhead, PRESENT } from "../task-table.ts";

type EventOf<Kind extends SchedulerEvent["kind"]> = Extract<SchedulerEvent, { kind: Kind }>;

export function onWorkerJoined(context: StepContext, event: EventOf<"worker-joined">): void {
  joinWorker(context, event);
}

/** Makes a record of the worker, which has nothing so far. */
export function joinWorker(
  context: StepContext,
  event: EventOf<"worker-joined" | "worker-attached">,
): void {
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
  if (state.workers.size === 0) state.workersSinceMs = state.nowMs;
  state.workers.set(worker.id, worker);
  worker.bucket = moveToBucket(kind, worker.id, -1, 0);
  context.dirtyWorkers.add(worker.id);
}

/** Everything that the worker had goes back: its tasks are tried again elsewhere, its data is found or computed again. */
export function onWorkerLost(context: StepContext, event: EventOf<"worker-lost">): void {
  const { state } = context;
  const { tasks, queues } = state;
  const worker = state.workers.get(event.workerId);
  if (worker === undefined) return;
  const orphans: number[] = [];
  for (const [classId, queue] of worker.backlogs) {
    for (let row = queues.peek(queue); row !== -1; row = queues.peek(queue)) {
      unqueueReady(state, row);
      orphans.push(row);
    }
    queues.destroyQueue(queue);
    state.classes[classId]?.queuedAt.delete(worker.id);
  }
  for (let row = queues.pop(worker.given); row !== -1; row = queues.pop(worker.given)) {
    rememberRerun(state, row, worker.name, "worker-lost");
    tasks.worker[row] = -1;
    orphans.push(row);
  }
  queues.destroyQueue(worker.given);
  leaveKind(state, worker);
  state.workers.delete(worker.id);
  const { lost, ahead } = lostWith(state, worker.id);
  for (const row of ahead) rememberRerun(state, row, worker.name, "worker-lost");
  for (const row of [...orphans, ...ahead]) tryAgain(context, row);
  loseObjects(context, lost, worker.name);
}

function leaveKind(state: SchedulerState, worker: WorkerRecord): void {
  const { kind } = worker;
  leaveBucket(kind, worker.id, worker.bucket);
  kind.hungry.delete(worker.id);
  if (kind.buckets.some((workers) => workers.size > 0)) return;
  state.kinds.delete(kind.key);
  removeCapableKind(state, kind);
}

/**
 * Forgets the worker's replicas; the rows of the objects that have no other, and those that it was
 * given ahead. Looks at all rows, which is cheap for typed arrays, rare, and spares sets for each worker.
 */
function lostWith(
  state: SchedulerState,
  workerId: number,
): { readonly lost: number[]; readonly ahead: number[] } {
  const { tasks } = state;
  const lost: number[] = [];
  const ahead: number[] = [];
  for (let row = 0; row < tasks.capacity; row += 1) {
    if (tasks.state[row] === PRESENT) {
      if (tasks.worker[row] !== workerId && !state.extraReplicas.has(row)) continue;
      if (!removeReplica(state, row, workerId)) lost.push(row);
    } else if (tasks.worker[row] === workerId && isAhead(tasks, row)) {
      ahead.push(row);
    }
  }
  return { lost, ahead };
}

export function onRoundTripMeasured(
  { state }: StepContext,
  event: EventOf<"round-trip-measured">,
): void {
  const worker = state.workers.get(event.workerId);
  if (worker === undefined || !(event.roundTripMs >= 0)) return;
  worker.roundTripUs = Math.min(event.roundTripMs, 10_000) * 1_000;
}
