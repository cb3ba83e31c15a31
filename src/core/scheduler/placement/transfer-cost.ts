import type { SchedulerState } from "../state.ts";

/** What a pull costs beside its bytes: a request, an answer, and work on both sides. */
export const TRANSFER_OVERHEAD_US = 200;

/** Time to have these many bytes in so many objects brought in. */
export const transferUs = ({ options }: SchedulerState, bytes: number, objects: number): number =>
  bytes / options.bytesPerUs + objects * TRANSFER_OVERHEAD_US;

/** Time that it takes to bring to the worker what it lacks of the row's inputs. */
export function missingInputsUs(state: SchedulerState, row: number, workerId: number): number {
  const { tasks } = state;
  const start = tasks.edgeStart[row] as number;
  const end = start + (tasks.inputCount[row] as number);
  let bytes = 0;
  let objects = 0;
  for (let k = start; k < end; k += 1) {
    const input = tasks.edges.items[k] as number;
    if (tasks.worker[input] === workerId) continue;
    if (state.extraReplicas.get(input)?.has(workerId) === true) continue;
    bytes += tasks.sizeBytes[input] as number;
    objects += 1;
  }
  return transferUs(state, bytes, objects);
}
