import type { PlanOptions, TaskPolicy } from "../../core/model/policies.ts";
import type { PlanEncoder, TaskRules } from "../../protocol/client/plan-encoder.ts";
import type { SymbolTable } from "../session/symbol-table.ts";
import { completePolicy } from "../tasks/policy-options.ts";
import { SharedConstant, Task, type TaskDetails, type TaskInput } from "../tasks/task.ts";
import { createRequestRows, symbolId } from "./symbol-ids.ts";

/**
 * Appends tasks of an ordered plan, whose first one has id `idBase`, to the encoder's plan.
 * Throws a HyperloomError for what the server does not know, and a ProtocolError where the plan
 * gets too long.
 */
export function createTaskWriter(
  encoder: PlanEncoder,
  symbols: SymbolTable,
  idBase: number,
  options?: PlanOptions,
): (task: Task, isResult: boolean) => void {
  const requestIndex = createRequestRows(encoder, symbols);
  const inputIds: number[] = [];
  if (options !== undefined) encoder.setOptions(options);
  const rulesOf = createRules(encoder, options?.defaultPolicy);
  return (task, isResult) => {
    const { inputs, details } = task;
    // To set the length of a list costs as much as to write a small task.
    if (inputIds.length !== inputs.length) inputIds.length = inputs.length;
    for (let i = 0; i < inputs.length; i++) inputIds[i] = idOf(inputs[i] as TaskInput, idBase);
    encoder.addTask(
      symbolId(encoder, symbols, task.taskType, "task type"),
      task.config,
      inputIds,
      requestIndex(details.resources),
      isResult,
      details.label,
      details.checkpoint,
      details.metadata,
      rulesOf(details),
    );
  };
}

function idOf(input: TaskInput, idBase: number): number {
  if (input instanceof Task) return idBase + input.planRow;
  return input instanceof SharedConstant ? input.planId : input.id;
}

/** Tasks that were made with the same options share their details, so what was looked at last comes first. */
function createRules(
  encoder: PlanEncoder,
  base: TaskPolicy | undefined,
): (details: TaskDetails) => TaskRules | undefined {
  let lastPolicy: Partial<TaskPolicy> | undefined;
  let lastIndex = -1;
  return ({ policy, optionalInputs }) => {
    if (policy === undefined && optionalInputs === undefined) return undefined;
    if (policy !== undefined && policy !== lastPolicy) {
      lastPolicy = policy;
      lastIndex = encoder.policyIndex(completePolicy(policy, base));
    }
    return { policyIndex: policy === undefined ? -1 : lastIndex, optionalInputs };
  };
}
