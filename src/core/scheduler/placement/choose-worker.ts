import { expectedUsOf } from "../groups.ts";
import { classOf } from "../request-classes.ts";
import type { SchedulerState, WorkerRecord } from "../state.ts";
import { type Move, moveTo } from "./arrivals.ts";
import { COARSE_US, loadFor, waitFor } from "./load.ts";
import { transferUs } from "./transfer-cost.ts";
import { forLeastLoaded, leastLoadedOf } from "./worker-kinds.ts";

/** Holders that are compared for one task; the others hold less of its inputs. */
const HOLDERS_MAX = 4;
/**
 * Workers that are busy for longer count as equally busy: what waits so long is taken by whoever
 * has nothing to do first, and until then it is best off where its inputs are.
 */
const COMPARED_LOAD_US_MAX = 100_000;

/** Of each kind, the least loaded workers that are compared for one coarse task. */
const IDLE_COMPARED = 8;
/**
 * When a task can begin that waits for so long and has its inputs brought meanwhile; and the time that
 * links are used for it, since others would use them too.
 */
export const startUs = (waitUs: number, { arriveUs, linkUs }: Move): number =>
  Math.max(waitUs, arriveUs) + linkUs;

/** Where a task should run, and what moving its inputs there is expected to cost. */
export type Place = { readonly workerId: number; readonly transferUs: number };

/**
 * Chooses the worker of a ready task: the one where load and transfers together are least. Compared
 * are the workers that hold most of its inputs and the least loaded of each kind that can run it, so
 * the cost is that of the task's inputs, whatever the number of workers and ready tasks.
 * Undefined when no worker could ever run it.
 *
 * Counting transfers as work of the worker that needs them is what ends the flow of small tasks
 * from a busy worker to an idle one: each that moves makes the idle one busier by its transfer.
 */
export function chooseWorker(state: SchedulerState, row: number): Place | undefined {
  const { counters } = state;
  const requestClass = classOf(state, row);
  // Then nobody runs out of work, and nothing is gained by moving data to who has less of it.
  const isPooled = state.queues.count(requestClass.pool) > 0;
  const isCoarse = expectedUsOf(state.groups, state.tasks.group[row] as number) >= COARSE_US;
  const held = heldInputs(state, row);
  let best: WorkerRecord | undefined;
  let bestCostUs = Number.POSITIVE_INFINITY;
  let bestTransferUs = 0;
  const consider = (workerId: number): void => {
    const worker = state.workers.get(workerId);
    if (worker === undefined || !requestClass.capableKinds.has(worker.kind)) return;
    counters.placementCandidates += 1;
    const bytes = held.totalBytes - (held.bytesByWorker.get(workerId) ?? 0);
    const objects = held.totalObjects - (held.objectsByWorker.get(workerId) ?? 0);
    const moveUs = transferUs(state, bytes, objects);
    const costUs = isCoarse
      ? startUs(isPooled ? 0 : waitFor(worker, requestClass), moveTo(state, row, worker))
      : moveUs + (isPooled ? 0 : Math.min(loadFor(worker, requestClass), COMPARED_LOAD_US_MAX));
    if (costUs < bestCostUs) {
      best = worker;
      bestCostUs = costUs;
      bestTransferUs = moveUs;
    }
  };
  for (const workerId of mostHolding(state, held)) consider(workerId);
  for (const kind of requestClass.capableKinds) {
    if (isCoarse) {
      forLeastLoaded(kind, IDLE_COMPARED, consider);
    } else {
      const workerId = leastLoadedOf(kind);
      if (workerId !== -1) consider(workerId);
    }
  }
  return best === undefined ? undefined : { workerId: best.id, transferUs: bestTransferUs };
}

type HeldInputs = {
  readonly totalBytes: number;
  readonly totalObjects: number;
  readonly bytesByWorker: Map<number, number>;
  readonly objectsByWorker: Map<number, number>;
};

function heldInputs(state: SchedulerState, row: number): HeldInputs {
  const { tasks } = state;
  const bytesByWorker = new Map<number, number>();
  const objectsByWorker = new Map<number, number>();
  const start = tasks.edgeStart[row] as number;
  const end = start + (tasks.inputCount[row] as number);
  let totalBytes = 0;
  state.counters.rowsTouched += end - start;
  const add = (workerId: number, bytes: number, objects: number): void => {
    bytesByWorker.set(workerId, (bytesByWorker.get(workerId) ?? 0) + bytes);
    objectsByWorker.set(workerId, (objectsByWorker.get(workerId) ?? 0) + objects);
  };
  // Neighbors are mostly together: a run of inputs on one worker is added at once.
  let runWorker = -1;
  let runBytes = 0;
  let runObjects = 0;
  for (let k = start; k < end; k += 1) {
    const input = tasks.edges.items[k] as number;
    const bytes = tasks.sizeBytes[input] as number;
    const workerId = tasks.worker[input] as number;
    totalBytes += bytes;
    if (workerId !== runWorker) {
      if (runObjects > 0) add(runWorker, runBytes, runObjects);
      runWorker = workerId;
      runBytes = 0;
      runObjects = 0;
    }
    runBytes += bytes;
    runObjects += 1;
    if (state.extraReplicas.size > 0) addExtraHolders(state, input, bytes, add);
  }
  if (runObjects > 0) add(runWorker, runBytes, runObjects);
  return { totalBytes, totalObjects: end - start, bytesByWorker, objectsByWorker };
}

function addExtraHolders(
  state: SchedulerState,
  input: number,
  bytes: number,
  add: (workerId: number, bytes: number, objects: number) => void,
): void {
  let seen = 0;
  for (const workerId of state.extraReplicas.get(input) ?? []) {
    if (seen === HOLDERS_MAX) break;
    seen += 1;
    add(workerId, bytes, 1);
  }
}

/** The workers with the greatest transfers saved, at most `HOLDERS_MAX`. */
function mostHolding(
  state: SchedulerState,
  { bytesByWorker, objectsByWorker }: HeldInputs,
): number[] {
  const saved = (workerId: number): number =>
    transferUs(state, bytesByWorker.get(workerId) ?? 0, objectsByWorker.get(workerId) ?? 0);
  const most: number[] = [];
  for (const workerId of bytesByWorker.keys()) {
    let position = most.length;
    while (position > 0 && saved(most[position - 1] as number) < saved(workerId)) position -= 1;
    if (position < HOLDERS_MAX) {
      most.splice(position, 0, workerId);
      if (most.length > HOLDERS_MAX) most.pop();
    }
  }
  return most;
}
