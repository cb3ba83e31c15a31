import { holderFor } from "../replicas.ts";
import type { SchedulerState, WorkerRecord } from "../state.ts";
import { COARSE_US } from "./load.ts";
import { TRANSFER_OVERHEAD_US } from "./transfer-cost.ts";

/** Smaller objects are there soon, whatever else is on its way. */
const NOTED_BYTES_MIN = 65_536;

/** Objects on their way, by row: for each worker that waits for one, the worker that sends it. */
export type Arrivals = Map<number, Map<number, number>>;

/** Notes what the worker has to fetch for the row that it was given, if that takes long. */
export function noteArrivals(state: SchedulerState, worker: WorkerRecord, row: number): void {
  const { tasks, arrivals } = state;
  if ((tasks.expectedUs[row] as number) < COARSE_US) return;
  const start = tasks.edgeStart[row] as number;
  const end = start + (tasks.inputCount[row] as number);
  for (let k = start; k < end; k += 1) {
    const input = tasks.edges.items[k] as number;
    const bytes = tasks.sizeBytes[input] as number;
    if (bytes < NOTED_BYTES_MIN) continue;
    const holderId = holderFor(state, input, worker.id);
    if (holderId === worker.id) continue;
    let receivers = arrivals.get(input);
    if (receivers === undefined) {
      receivers = new Map();
      arrivals.set(input, receivers);
    } else if (receivers.has(worker.id)) continue;
    receivers.set(worker.id, holderId);
    addTraffic(state, worker.id, holderId, bytes);
  }
}

/** The object is on the worker, or never comes there. */
export function endArrival(state: SchedulerState, row: number, workerId: number): void {
  const receivers = state.arrivals.get(row);
  const holderId = receivers?.get(workerId);
  if (receivers === undefined || holderId === undefined) return;
  receivers.delete(workerId);
  if (receivers.size === 0) state.arrivals.delete(row);
  addTraffic(state, workerId, holderId, -(state.tasks.sizeBytes[row] as number));
}

/** Nobody gets the object any more. */
export function endArrivals(state: SchedulerState, row: number): void {
  if (state.arrivals.size === 0) return;
  for (const workerId of state.arrivals.get(row)?.keys() ?? []) endArrival(state, row, workerId);
}

function addTraffic(state: SchedulerState, to: number, from: number, bytes: number): void {
  const receiver = state.workers.get(to);
  if (receiver !== undefined) receiver.incomingBytes += bytes;
  const sender = state.workers.get(from);
  if (sender !== undefined) sender.outgoingBytes += bytes;
}

/** What bringing a row's inputs to a worker is expected to take, and how long the links are used for it. */
export type Move = { readonly arriveUs: number; readonly linkUs: number };

const AT_ONCE: Move = { arriveUs: 0, linkUs: 0 };

/**
 * Expected time until the worker has the row's inputs, behind all that is on its way to it and from
 * those that hold them. Costs O(inputs).
 */
export function moveTo(state: SchedulerState, row: number, worker: WorkerRecord): Move {
  const { tasks } = state;
  const start = tasks.edgeStart[row] as number;
  const end = start + (tasks.inputCount[row] as number);
  let objects = 0;
  let bytes = 0;
  let waits = false;
  let sentBytes = 0;
  for (let k = start; k < end; k += 1) {
    const input = tasks.edges.items[k] as number;
    const holderId = tasks.worker[input] as number;
    if (holderId === worker.id) continue;
    if (state.extraReplicas.get(input)?.has(worker.id) === true) continue;
    waits = true;
    if (state.arrivals.get(input)?.has(worker.id) === true) continue;
    objects += 1;
    const sizeBytes = tasks.sizeBytes[input] as number;
    bytes += sizeBytes;
    sentBytes = Math.max(sentBytes, sizeBytes + (state.workers.get(holderId)?.outgoingBytes ?? 0));
  }
  if (!waits) return AT_ONCE;
  const { bytesPerUs } = state.options;
  const overheadUs = objects * TRANSFER_OVERHEAD_US;
  return {
    arriveUs: Math.max(bytes + worker.incomingBytes, sentBytes) / bytesPerUs + overheadUs,
    linkUs: bytes / bytesPerUs + overheadUs,
  };
}
