import type { StepContext } from "../context.ts";
import { makeReady } from "../ready.ts";
import { NOT_BEGUN, WAITING } from "../task-table.ts";
import { BEGUN, NEEDED, UNNEEDED } from "./find-needs.ts";
import type { PlanIntake } from "./intake.ts";

/**
 * Starts tasks without inputs in the order in which the plan first uses them, so that those that
 * feed one consumer are neighbors in the pool, and are handed out together; then each consumer.
 */
export function startUsed(context: StepContext, intake: PlanIntake): void {
  const { tasks } = context.state;
  const { plan, needs, rows, isStartedWhole } = intake;
  const { inputStarts, inputIds, idBase, taskCount } = plan;
  while (intake.position < taskCount && (context.budget > 0 || isStartedWhole)) {
    const i = intake.position;
    intake.position += 1;
    context.budget -= 1;
    const start = inputStarts[i] as number;
    const end = inputStarts[i + 1] as number;
    if (start === end || needs[i] === UNNEEDED) continue;
    context.budget -= end - start;
    for (let k = start; k < end; k += 1) {
      const input = (inputIds[k] as number) - idBase;
      if (input < 0 || input >= i || needs[input] !== NEEDED) continue;
      if (tasks.inputCount[rows[input] as number] === 0) startTask(context, intake, input);
    }
    if (needs[i] === NEEDED) startTask(context, intake, i);
  }
}

/** Starts what is left: tasks without inputs that nothing here uses. */
export function startRest(context: StepContext, intake: PlanIntake): void {
  const { needs, plan, isStartedWhole } = intake;
  while (intake.position < plan.taskCount && (context.budget > 0 || isStartedWhole)) {
    if (needs[intake.position] === NEEDED) startTask(context, intake, intake.position);
    intake.position += 1;
    context.budget -= 1;
  }
}

/** Takes the plan's own hold off the task; it is ready if no input is missing. */
function startTask(context: StepContext, { needs, rows }: PlanIntake, i: number): void {
  const { tasks } = context.state;
  const row = rows[i] as number;
  needs[i] = BEGUN;
  // An input of it has failed meanwhile.
  if (tasks.state[row] !== WAITING) return;
  const unfinished = (tasks.unfinishedInputs[row] as number) - NOT_BEGUN;
  tasks.unfinishedInputs[row] = unfinished;
  if (unfinished === 0) makeReady(context, row);
}
