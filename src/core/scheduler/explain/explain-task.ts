import { decodeUtf8Lossy } from "../../base/utf8.ts";
import type { TaskExplanation } from "../../model/explanation.ts";
import { namedAmounts } from "../amounts.ts";
import { holdersOf } from "../replicas.ts";
import { classOf } from "../request-classes.ts";
import { rerunsOf } from "../reruns.ts";
import type { SchedulerState } from "../state.ts";
import { DORMANT, FAILED, PRESENT } from "../task-table.ts";
import { planOf } from "../wants.ts";
import { candidatesFor } from "./candidates.ts";
import { describeExplanation } from "./describe-explanation.ts";
import { findBlockers, findMissingInputs, stateOf } from "./missing-inputs.ts";

/**
 * Why the task in the row waits, is where it is, or ran again. For people: costs as much as its
 * inputs, all workers, and what the task waits for.
 */
export function explainTask(state: SchedulerState, row: number): TaskExplanation {
  const { tasks } = state;
  const isPresent = tasks.state[row] === PRESENT;
  const isDone = isPresent || tasks.state[row] === DORMANT || tasks.state[row] === FAILED;
  const holders = isPresent ? holdersOf(state, row) : [tasks.worker[row] as number];
  const missing = isDone ? { count: 0, some: [] } : findMissingInputs(state, row);
  const delay = state.retries.delays.get(row);
  const facts = {
    client: planOf(state, row).clientId,
    task: tasks.clientTask[row] as number,
    label: decodeUtf8Lossy(tasks.label(row)),
    taskType: state.options.symbolName(tasks.taskType[row] as number),
    state: stateOf(state, row),
    request: namedAmounts(state, classOf(state, row).request),
    workers: holders.flatMap((id) => state.workers.get(id)?.name ?? []),
    ...(isPresent ? { sizeBytes: tasks.sizeBytes[row] as number } : {}),
    missingInputCount: missing.count,
    missingInputs: missing.some,
    blockers: isDone ? [] : findBlockers(state, row),
    candidates: isDone ? [] : candidatesFor(state, row),
    ...(delay === undefined ? {} : { retry: { inMs: Math.max(0, delay.dueAtMs - state.nowMs) } }),
    failures: state.retries.failures.get(row)?.story ?? [],
    attempts: tasks.attemptsMade(row),
    reruns: rerunsOf(state, row).map(({ attempt, worker, reason, atMs }) => ({
      attempt,
      worker,
      reason,
      agoMs: Math.max(0, state.nowMs - atMs),
    })),
  };
  return { ...facts, text: describeExplanation(state, row, facts) };
}
