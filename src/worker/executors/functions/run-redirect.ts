import type { ResourceRequest } from "../../../core/model/resources.ts";
import { writeCheckpoint } from "../../checkpoints/write-checkpoint.ts";
import type { Redirect, RedirectRow } from "../../runners/runner-call.ts";
import type { ValueId } from "../../store/value-id.ts";
import { TaskError } from "../task-error.ts";
import type { RunTask, TaskTools, TaskWork } from "../task-tools.ts";

/**
 * Does the tasks that a function returned in place of its value, one after another, all on the
 * resources that their own task holds. Takes over the redirect's values; the caller owns the result.
 */
export async function runRedirect(
  tools: TaskTools,
  runTask: RunTask,
  { rows }: Redirect,
  work: Pick<
    TaskWork,
    "task" | "clientTask" | "attempt" | "cpus" | "memoryBytes" | "hurry" | "timeLimitMs"
  >,
  signal: AbortSignal,
): Promise<ValueId> {
  const { values } = tools;
  /** Each with a reference. */
  const made: ValueId[] = [];
  const valuesOf = (inputs: readonly number[]): ValueId[] =>
    inputs.map((row) => made[row] as ValueId);
  /** Rows whose values are not taken over yet. */
  let position = 0;
  try {
    for (const row of rows) {
      position += 1;
      if (row.kind === "value") made.push(row.value);
      else if (row.kind === "array") {
        made.push(values.createArray(Uint32Array.from(valuesOf(row.items))));
      } else {
        signal.throwIfAborted();
        made.push(
          await runRow(tools, runTask, row, { ...work, inputs: valuesOf(row.task.inputs) }, signal),
        );
      }
    }
    return made.pop() as ValueId;
  } finally {
    for (const value of made) values.release(value);
    for (const row of rows.slice(position)) if (row.kind === "value") values.release(row.value);
  }
}

async function runRow(
  tools: TaskTools,
  runTask: RunTask,
  { task, config }: Extract<RedirectRow, { kind: "task" }>,
  work: Omit<TaskWork, "taskType" | "config">,
  signal: AbortSignal,
): Promise<ValueId> {
  const taskType = tools.symbolId(task.taskType);
  if (taskType === undefined) {
    throw new TaskError({ message: `A function returned a task of unknown type ${task.taskType}` });
  }
  const value = await runTask(tools, { ...work, taskType, config }, signal);
  if (task.checkpointPath === "") return value;
  try {
    await writeCheckpoint(tools.values, value, task.checkpointPath, signal, tools.files);
  } catch (error) {
    tools.values.release(value);
    throw error;
  }
  return value;
}

/** The greatest amount of each resource that one of the tasks asks for. Throws a TaskError for an unknown one. */
export function requestOf(tools: TaskTools, { rows }: Redirect): ResourceRequest {
  const amounts = new Map<number, number>();
  for (const row of rows) {
    if (row.kind !== "task") continue;
    for (const [name, amount] of Object.entries(row.task.request)) {
      const resource = tools.symbolId(name);
      if (resource === undefined) {
        throw new TaskError({
          message: `A function returned a task that asks for ${name}, which no worker here has`,
        });
      }
      if (amount > (amounts.get(resource) ?? 0)) amounts.set(resource, amount);
    }
  }
  return Array.from(amounts, ([resource, amount]) => ({ resource, amount }));
}
