import { CHECKPOINT_COMPLETE, type ObjectCopies, type TaskRefs } from "../../model/batches.ts";
import type { TaskFailure } from "../../model/failures.ts";
import type { WorkerState } from "../state.ts";
import { OBJECT_FETCHING } from "../tables/object-table.ts";
import { addPresentObject, loseAwaitedObject, refuseObject } from "../transitions.ts";

const NONE = -1;

/**
 * Discards what is here: the server drops nothing that a task here is still to use. What is on its way stays as long as a task waits for it (nothing else is
 * ever on its way); the server hears of it as a replica, and drops that if it still is of no use.
 */
export function onObjectsDropped(state: WorkerState, { tasks, attempts }: TaskRefs): void {
  const { objects, outbox } = state;
  for (let i = 0; i < tasks.length; i++) {
    const task = tasks[i] as number;
    const attempt = attempts[i] as number;
    const row = objects.find(task, attempt);
    if (row === NONE || !objects.isPresent(row)) continue;
    objects.remove(row);
    outbox.discarded.push(task, attempt);
  }
}

/** Has copies fetched; what is here already is told as if it had just come. */
export function onCopiesWanted(state: WorkerState, copies: ObjectCopies): void {
  const { objects, outbox } = state;
  const { tasks, attempts } = copies.refs;
  for (let i = 0; i < tasks.length; i++) {
    const task = tasks[i] as number;
    const attempt = attempts[i] as number;
    const holder = copies.holders[i] as number;
    const row = objects.find(task, attempt);
    if (row === NONE && holder !== state.workerId) {
      outbox.addFetch(task, attempt, holder, copies.sizesBytes[i] as number);
      // The columns may grow.
      const added = objects.addFetching(task, attempt, holder);
      objects.isCopy[added] = 1;
    } else if (row !== NONE && objects.isPresent(row)) outbox.replicas.push(task, attempt);
    else if (row !== NONE && objects.states[row] === OBJECT_FETCHING) objects.isCopy[row] = 1;
    else outbox.failedCopies.push(task, attempt);
  }
}

/** The files are complete: whoever asks what is held here hears of it, too. */
export function onCheckpointsWritten(state: WorkerState, { tasks, attempts }: TaskRefs): void {
  const { objects, outbox } = state;
  for (let i = 0; i < tasks.length; i++) {
    const task = tasks[i] as number;
    const attempt = attempts[i] as number;
    const row = objects.find(task, attempt);
    if (row !== NONE) objects.checkpoints[row] = CHECKPOINT_COMPLETE;
    outbox.writtenCheckpoints.push(task, attempt);
  }
}

export function onObjectsFetched(state: WorkerState, { tasks, attempts }: TaskRefs): void {
  const { objects, outbox } = state;
  for (let i = 0; i < tasks.length; i++) {
    const task = tasks[i] as number;
    const attempt = attempts[i] as number;
    const row = objects.find(task, attempt);
    if (row === NONE) {
      // The fetch was abandoned too late to stop it.
      outbox.discarded.push(task, attempt);
    } else if (objects.states[row] === OBJECT_FETCHING) {
      addPresentObject(state, task, attempt);
      outbox.replicas.push(task, attempt);
    }
  }
}

/** The end of a fetch that was abandoned, or that another peer was asked for since, is none of these. */
export function onFetchFailed(
  state: WorkerState,
  { tasks, attempts }: TaskRefs,
  peer: number,
): void {
  const { objects } = state;
  for (let i = 0; i < tasks.length; i++) {
    const row = objects.find(tasks[i] as number, attempts[i] as number);
    if (row === NONE || objects.states[row] !== OBJECT_FETCHING) continue;
    if (objects.peers[row] === peer) loseAwaitedObject(state, row);
  }
}

/** Tasks that wait for what has no room here fail: elsewhere there may be some. */
export function onObjectsRefused(
  state: WorkerState,
  { tasks, attempts }: TaskRefs,
  failure: TaskFailure,
): void {
  const { objects } = state;
  for (let i = 0; i < tasks.length; i++) {
    const row = objects.find(tasks[i] as number, attempts[i] as number);
    if (row !== NONE && objects.states[row] === OBJECT_FETCHING) refuseObject(state, row, failure);
  }
}

export function onPeersLost(state: WorkerState, peers: Uint32Array): void {
  const { objects, outbox } = state;
  const lost = new Set(peers);
  for (let row = objects.firstFetching; row !== NONE; ) {
    const next = objects.nextFetching[row] as number;
    if (lost.has(objects.peers[row] as number)) {
      outbox.abandoned.push(objects.tasks[row] as number, objects.attempts[row] as number);
      loseAwaitedObject(state, row);
    }
    row = next;
  }
}
