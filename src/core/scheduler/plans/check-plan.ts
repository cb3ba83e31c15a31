import type { Plan } from "../../model/plan.ts";
import { isDynamic } from "../../model/symbols.ts";
import type { StepContext } from "../context.ts";
import type { ClientRecord, SchedulerState } from "../state.ts";
import type { PlanIntake } from "./intake.ts";

/**
 * Goes over the intake's tasks; what is wrong with one, given what the client has already, or
 * undefined. What can be seen in the plan alone, its decoder has checked; inputs are looked up when
 * the tasks are added.
 */
export function checkTasks(context: StepContext, intake: PlanIntake): string | undefined {
  const { state } = context;
  const { client, plan, kind } = intake;
  if (intake.position === 0 && plan.taskTypes.some(isDynamic)) {
    const mistake =
      kind === "chunk"
        ? "it comes in chunks, which no plan with dslice or dget can"
        : findDynamicMistake(state, client, plan);
    if (mistake !== undefined) return mistake;
  }
  if (client.rows.size === 0) intake.position = plan.taskCount;
  while (intake.position < plan.taskCount && context.budget > 0) {
    const id = plan.idBase + intake.position;
    if (client.rows.get(id) !== -1) {
      return `task ${id} is in use; release it first, or choose an id base above it`;
    }
    intake.position += 1;
    context.budget -= 1;
  }
  return undefined;
}

/** The rules for dslice and dget; see docs/pipelines.md. */
function findDynamicMistake(
  state: SchedulerState,
  client: ClientRecord,
  plan: Plan,
): string | undefined {
  if (!plan.taskTypes.some(isDynamic)) return undefined;
  /** The one task that consumes task i; -1 none so far, -2 several. */
  const consumer = new Int32Array(plan.taskCount).fill(-1);
  /** The dynamic input of task i; -1 none so far. */
  const dynamicInput = new Int32Array(plan.taskCount).fill(-1);
  for (let i = 0; i < plan.taskCount; i += 1) {
    for (let k = plan.inputStarts[i] as number; k < (plan.inputStarts[i + 1] as number); k += 1) {
      const input = (plan.inputIds[k] as number) - plan.idBase;
      if (input < 0 || input >= plan.taskCount) continue;
      if (consumer[input] !== i) consumer[input] = consumer[input] === -1 ? i : -2;
      if (!isDynamic(plan.taskTypes[input] as number)) continue;
      if (dynamicInput[i] !== -1 && dynamicInput[i] !== input) {
        return `task ${plan.idBase + i} has two dynamic inputs; it can have one`;
      }
      dynamicInput[i] = input;
    }
  }
  for (let i = 0; i < plan.taskCount; i += 1) {
    if (!isDynamic(plan.taskTypes[i] as number)) continue;
    const mistake = mistakeOfDynamic(plan, i, consumer[i] as number, dynamicInput[i] as number);
    if (mistake !== undefined) return `dynamic task ${plan.idBase + i} ${mistake}`;
    const input = plan.inputIds[plan.inputStarts[i] as number] as number;
    const row = client.rows.get(input);
    if (row !== -1 && dependsOnDynamic(state, row)) {
      return `dynamic task ${plan.idBase + i} has input ${input}, which a dynamic task will replace by several`;
    }
  }
  return undefined;
}

function mistakeOfDynamic(
  plan: Plan,
  i: number,
  consumer: number,
  dynamicInput: number,
): string | undefined {
  const inputs = (plan.inputStarts[i + 1] as number) - (plan.inputStarts[i] as number);
  if (inputs !== 1) return `must have one input, not ${inputs}`;
  if (consumer < 0) {
    return `must have exactly one consumer, and it has ${consumer === -1 ? "none" : "several"}`;
  }
  if (plan.isResult[i] === 1) return "cannot be a result";
  if (plan.isResult[consumer] === 1) {
    return `has consumer ${plan.idBase + consumer}, which cannot be a result`;
  }
  if (isDynamic(plan.taskTypes[consumer] as number)) {
    return `has consumer ${plan.idBase + consumer}, which cannot be dynamic too`;
  }
  const input = (plan.inputIds[plan.inputStarts[i] as number] as number) - plan.idBase;
  if (dynamicInput !== -1) return "cannot have a dynamic input";
  if (input >= 0 && input < plan.taskCount && hasDynamicInput(plan, input)) {
    return `has input ${plan.idBase + input}, which a dynamic task will replace by several`;
  }
  return undefined;
}

function hasDynamicInput(plan: Plan, i: number): boolean {
  for (let k = plan.inputStarts[i] as number; k < (plan.inputStarts[i + 1] as number); k += 1) {
    const input = (plan.inputIds[k] as number) - plan.idBase;
    if (input >= 0 && input < plan.taskCount && isDynamic(plan.taskTypes[input] as number)) {
      return true;
    }
  }
  return false;
}

function dependsOnDynamic({ tasks }: SchedulerState, row: number): boolean {
  const start = tasks.edgeStart[row] as number;
  const end = start + (tasks.inputCount[row] as number);
  for (let k = start; k < end; k += 1) {
    if (isDynamic(tasks.taskType[tasks.edges.items[k] as number] as number)) return true;
  }
  return false;
}
