import type { ExplainedCandidate } from "../../model/explanation.ts";
import { loadFor } from "../placement/load.ts";
import { transferUs } from "../placement/transfer-cost.ts";
import { classOf } from "../request-classes.ts";
import type { SchedulerState } from "../state.ts";
import { PRESENT } from "../task-table.ts";

/** Candidates that are told. */
const CANDIDATES_MAX = 5;

/** The workers that could run the row, the cheapest first: what they lack of its inputs, and their load. */
export function candidatesFor(state: SchedulerState, row: number): ExplainedCandidate[] {
  const { tasks } = state;
  const requestClass = classOf(state, row);
  const bytesAt = new Map<number, number>();
  const objectsAt = new Map<number, number>();
  let bytes = 0;
  let objects = 0;
  const start = tasks.edgeStart[row] as number;
  const end = start + (tasks.inputCount[row] as number);
  for (let k = start; k < end; k += 1) {
    const input = tasks.edges.items[k] as number;
    if (tasks.state[input] !== PRESENT) continue;
    const sizeBytes = tasks.sizeBytes[input] as number;
    bytes += sizeBytes;
    objects += 1;
    for (const holder of [
      tasks.worker[input] as number,
      ...(state.extraReplicas.get(input) ?? []),
    ]) {
      bytesAt.set(holder, (bytesAt.get(holder) ?? 0) + sizeBytes);
      objectsAt.set(holder, (objectsAt.get(holder) ?? 0) + 1);
    }
  }
  const candidates: ExplainedCandidate[] = [];
  for (const worker of state.workers.values()) {
    if (!requestClass.capableKinds.has(worker.kind)) continue;
    const missingBytes = bytes - (bytesAt.get(worker.id) ?? 0);
    const missingObjects = objects - (objectsAt.get(worker.id) ?? 0);
    candidates.push({
      worker: worker.name,
      missingBytes,
      missingObjects,
      transferUs: transferUs(state, missingBytes, missingObjects),
      loadUs: Math.max(0, loadFor(worker, requestClass)),
    });
  }
  const costUs = (candidate: ExplainedCandidate): number => candidate.transferUs + candidate.loadUs;
  return candidates.sort((a, b) => costUs(a) - costUs(b)).slice(0, CANDIDATES_MAX);
}
