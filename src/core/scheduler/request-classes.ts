import type { ResourceRequest } from "../model/resources.ts";
import { canSatisfy, keyOf, normalized, type WorkerKind } from "./placement/worker-kinds.ts";
import type { RequestClass, SchedulerState } from "./state.ts";

/**
 * The class of a request, made when it is new. It counts no task so far: whoever gives it to a row
 * counts the row, and `forgetTaskOfClass` takes it off.
 */
export function classOfRequest(state: SchedulerState, request: ResourceRequest): RequestClass {
  const amounts = normalized([...request]);
  const key = keyOf(amounts);
  const known = state.classByKey.get(key);
  if (known !== undefined) return known;
  const requestClass: RequestClass = {
    id: state.freeClassIds.pop() ?? state.classes.length,
    request: amounts,
    pool: state.queues.createQueue(),
    capableKinds: new Set(),
    backlogged: new Set(),
    queuedAt: new Set(),
    liveTasks: 0,
  };
  for (const kind of state.kinds.values()) {
    if (canSatisfy(kind, amounts)) requestClass.capableKinds.add(kind);
  }
  state.classes[requestClass.id] = requestClass;
  state.classByKey.set(key, requestClass);
  return requestClass;
}

/** The class of a row. */
export function classOf(state: SchedulerState, row: number): RequestClass {
  return state.classes[state.tasks.request[row] as number] as RequestClass;
}

export function countTaskOfClass(requestClass: RequestClass): void {
  requestClass.liveTasks += 1;
}

/** A record of the class is gone, and with the last one the class, so that the living ones stay few. */
export function forgetTaskOfClass(state: SchedulerState, requestClass: RequestClass): void {
  requestClass.liveTasks -= 1;
  forgetIfUnused(state, requestClass);
}

/** A class that no task is of; those that a plan names and does not need are among them. */
export function forgetIfUnused(state: SchedulerState, requestClass: RequestClass): void {
  if (requestClass.liveTasks > 0 || state.classes[requestClass.id] !== requestClass) return;
  for (const workerId of requestClass.queuedAt) {
    const backlogs = state.workers.get(workerId)?.backlogs;
    const queue = backlogs?.get(requestClass.id);
    if (queue === undefined) continue;
    state.queues.destroyQueue(queue);
    backlogs?.delete(requestClass.id);
  }
  state.queues.destroyQueue(requestClass.pool);
  state.classByKey.delete(keyOf(requestClass.request));
  state.classes[requestClass.id] = undefined;
  state.freeClassIds.push(requestClass.id);
}

/** Tells all classes of a kind of workers that is new. */
export function addCapableKind(state: SchedulerState, kind: WorkerKind): void {
  for (const requestClass of state.classByKey.values()) {
    if (canSatisfy(kind, requestClass.request)) requestClass.capableKinds.add(kind);
  }
}

/** Tells all classes that no worker of the kind is left. */
export function removeCapableKind(state: SchedulerState, kind: WorkerKind): void {
  for (const requestClass of state.classByKey.values()) requestClass.capableKinds.delete(kind);
}
