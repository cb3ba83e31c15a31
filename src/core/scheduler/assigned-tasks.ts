import type { Uint32List } from "../base/columns.ts";
import {
  type AssignedTasks,
  FLAG_CARRY,
  FLAG_LOAD_CHECKPOINT,
  FLAG_RESULT,
} from "../model/batches.ts";
import { mayCarry } from "./carried-results.ts";
import { needsNoInputs } from "./optional-inputs.ts";
import { holderFor } from "./replicas.ts";
import type { SchedulerState } from "./state.ts";
import { LOADS, RESULT } from "./task-table.ts";

/** Writes down, for a worker, all that it must know of the rows that it is given. */
export function createAssignedTasks(
  state: SchedulerState,
  workerId: number,
  rows: Uint32List,
): AssignedTasks {
  const { tasks } = state;
  const count = rows.length;
  let inputTotal = 0;
  let detailBytes = 0;
  for (let i = 0; i < count; i += 1) {
    const row = rows.at(i);
    if (!needsNoInputs(tasks, row)) inputTotal += tasks.inputCount[row] as number;
    detailBytes += tasks.assignedDetailsLength(row);
  }
  const batch = {
    tasks: rows.toArray(),
    attempts: new Uint32Array(count),
    taskTypes: new Uint16Array(count),
    flags: new Uint8Array(count),
    clientTasks: new Int32Array(count),
    priorities: new Int32Array(count),
    requests: new Uint16Array(count),
    inputStarts: new Uint32Array(count + 1),
    inputTasks: new Uint32Array(inputTotal),
    inputAttempts: new Uint32Array(inputTotal),
    inputSizesBytes: new Float64Array(inputTotal),
    inputHolders: new Uint32Array(inputTotal),
    detailStarts: new Uint32Array(count + 1),
    checkpointLengths: new Uint32Array(count),
    details: new Uint8Array(detailBytes),
  };
  const requestRows = new Map<number, number>();
  let edge = 0;
  let byte = 0;
  for (let i = 0; i < count; i += 1) {
    const row = rows.at(i);
    const flags = tasks.flags[row] as number;
    const loads = (flags & LOADS) !== 0;
    batch.attempts[i] = tasks.attempt[row] as number;
    batch.taskTypes[i] = tasks.taskType[row] as number;
    batch.flags[i] =
      (loads ? FLAG_LOAD_CHECKPOINT : 0) |
      ((flags & RESULT) !== 0 ? FLAG_RESULT : 0) |
      ((flags & RESULT) !== 0 && mayCarry(state, row) ? FLAG_CARRY : 0);
    batch.clientTasks[i] = tasks.clientTask[row] as number;
    batch.priorities[i] = tasks.priority[row] as number;
    batch.requests[i] = rowOfRequest(requestRows, tasks.request[row] as number);
    if (!needsNoInputs(tasks, row)) {
      const start = tasks.edgeStart[row] as number;
      const end = start + (tasks.inputCount[row] as number);
      for (let k = start; k < end; k += 1) {
        const input = tasks.edges.items[k] as number;
        batch.inputTasks[edge] = input;
        batch.inputAttempts[edge] = tasks.attempt[input] as number;
        batch.inputSizesBytes[edge] = tasks.sizeBytes[input] as number;
        batch.inputHolders[edge] = holderFor(state, input, workerId);
        edge += 1;
      }
    }
    const detailLength = tasks.assignedDetailsLength(row);
    tasks.copyDetailsTo(batch.details, byte, row, detailLength);
    byte += detailLength;
    if (tasks.checkpointLengths.size > 0) {
      batch.checkpointLengths[i] = tasks.checkpointLengths.get(row) ?? 0;
    }
    batch.inputStarts[i + 1] = edge;
    batch.detailStarts[i + 1] = byte;
  }
  const { starts, resources, amounts } = requestTable(state, requestRows);
  // Written out: to spread one object into another costs more than to make a small batch.
  return {
    tasks: batch.tasks,
    attempts: batch.attempts,
    taskTypes: batch.taskTypes,
    flags: batch.flags,
    clientTasks: batch.clientTasks,
    priorities: batch.priorities,
    requests: batch.requests,
    requestStarts: Uint32Array.from(starts),
    requestResources: Uint32Array.from(resources),
    requestAmounts: Uint32Array.from(amounts),
    inputStarts: batch.inputStarts,
    inputTasks: batch.inputTasks,
    inputAttempts: batch.inputAttempts,
    inputSizesBytes: batch.inputSizesBytes,
    inputHolders: batch.inputHolders,
    detailStarts: batch.detailStarts,
    checkpointLengths: batch.checkpointLengths,
    details: batch.details,
    timeLimitsMs: timeLimits(state, rows),
  };
}

/** Undefined where no row has one. */
function timeLimits(state: SchedulerState, rows: Uint32List): Float64Array | undefined {
  const { tasks } = state;
  let limits: Float64Array | undefined;
  let plan = state.recentPlan;
  for (let i = 0; i < rows.length; i += 1) {
    const row = rows.at(i);
    const serial = tasks.serial[row] as number;
    if (plan?.serial !== serial) plan = state.plans.get(serial);
    const policy = tasks.policies.get(row) ?? plan?.options?.defaultPolicy;
    const timeLimitMs = policy?.timeLimitMs ?? 0;
    if (timeLimitMs === 0) continue;
    limits ??= new Float64Array(rows.length);
    limits[i] = timeLimitMs;
  }
  return limits;
}

function rowOfRequest(requestRows: Map<number, number>, request: number): number {
  let row = requestRows.get(request);
  if (row === undefined) {
    row = requestRows.size;
    requestRows.set(request, row);
  }
  return row;
}

/** Resources and amounts of each request, in the order of their rows in the batch. */
function requestTable(
  state: SchedulerState,
  requestRows: Map<number, number>,
): {
  readonly starts: readonly number[];
  readonly resources: readonly number[];
  readonly amounts: readonly number[];
} {
  const starts = [0];
  const resources: number[] = [];
  const amounts: number[] = [];
  for (const request of requestRows.keys()) {
    for (const { resource, amount } of state.classes[request]?.request ?? []) {
      resources.push(resource);
      amounts.push(amount);
    }
    starts.push(resources.length);
  }
  return { starts, resources, amounts };
}
