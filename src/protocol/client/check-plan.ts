import type { Plan } from "../../core/model/plan.ts";
import type { ResourceAmount, ResourceRequest } from "../../core/model/resources.ts";
import { BUILTIN_SYMBOLS } from "../../core/model/symbols.ts";
import { MAX_PLAN_REQUESTS } from "../limits.ts";
import { unexpected } from "../protocol-error.ts";
import { viewColumn } from "../wire/columns.ts";
import { PLAN_SYMBOL_BASE } from "./message-types.ts";
import { type RawPlan, viewRanges } from "./plan-columns.ts";
import { type PlanContext, PlanRefusal, refuseTask } from "./plan-context.ts";
import { checkPlanOptions } from "./plan-options.ts";
import { checkResourceRequest } from "./resource-request.ts";
import { checkTaskPolicy } from "./task-policy.ts";

const MAX_INT32 = 2 ** 31 - 1;
const MAX_SYMBOL_ID = 2 ** 16 - 1;

/** Checks all of a plan that needs no other plan, and gives its symbols the server's ids. */
export function checkPlan(raw: RawPlan, context: PlanContext): Plan {
  const { columns, idBase, bytes } = raw;
  const { taskCount } = columns;
  if (idBase + taskCount - 1 > MAX_INT32) {
    throw new PlanRefusal(
      `expected task ids up to ${MAX_INT32}, got a plan of ${taskCount} tasks from ${idBase} on`,
    );
  }
  const symbolOf = createSymbolLookup(raw.symbols, context);
  const requests = raw.requests.map((request, index) =>
    checkResourceRequest(request, index, symbolOf, context.isResource),
  );
  checkRequestIndexes(raw);
  const taskTypes = checkTaskTypes(raw, symbolOf, context, requests);
  checkInputs(raw);
  const policies = raw.policies.map(checkTaskPolicy);
  checkPolicyIndexes(raw);
  checkOptionalInputs(raw);
  return {
    idBase,
    taskCount,
    taskTypes,
    isResult: viewColumn(columns.isResult, taskCount),
    requestIndexes: viewColumn(columns.requestIndexes, taskCount),
    requests,
    inputStarts: viewColumn(columns.inputStarts, taskCount + 1),
    inputIds: viewColumn(columns.inputIds, columns.inputCount),
    bytes,
    configs: {
      starts: viewColumn(columns.configs.starts, taskCount),
      lengths: viewColumn(columns.configs.lengths, taskCount),
    },
    labels: viewRanges(columns.labels, taskCount),
    checkpointPaths: viewRanges(columns.checkpointPaths, taskCount),
    metadata: viewRanges(columns.metadata, taskCount),
    priorities: checkLength(columns.priorities, taskCount),
    consumerCounts: checkLength(columns.consumerCounts, taskCount),
    policies: policies.length === 0 ? undefined : policies,
    policyIndexes: columns.policyIndexes && viewColumn(columns.policyIndexes, taskCount),
    optionalInputs:
      columns.optionalInputs.length === 0 ? undefined : columns.optionalInputs.toArray(),
    options: checkPlanOptions(raw.options, policies),
  };
}

function checkLength<Column extends Int32Array | Uint32Array>(
  column: Column | undefined,
  taskCount: number,
): Column | undefined {
  if (column !== undefined && column.length !== taskCount) {
    throw unexpected(`a number for each of ${taskCount} tasks of a chunk`, `${column.length}`);
  }
  return column;
}

/** From a symbol id as the plan has it to the server's; undefined where the plan has no such symbol. */
function createSymbolLookup(
  names: readonly string[],
  context: PlanContext,
): (planSymbol: number) => number | undefined {
  const ids = names.map((name) => {
    const id = context.resolveSymbol(name);
    if (id === undefined || id > MAX_SYMBOL_ID) {
      throw new PlanRefusal(`the server does not take the symbol ${JSON.stringify(name)}`);
    }
    return id;
  });
  return (planSymbol) => {
    if (planSymbol >= PLAN_SYMBOL_BASE) return ids[planSymbol - PLAN_SYMBOL_BASE];
    return planSymbol >= 0 && planSymbol <= MAX_SYMBOL_ID ? planSymbol : undefined;
  };
}

function checkRequestIndexes(raw: RawPlan): void {
  const { requestIndexes, taskCount } = raw.columns;
  const { length } = raw.requests;
  for (let row = 0; row < taskCount; row++) {
    const index = requestIndexes[row] as number;
    if (index < -1 || index >= length) {
      throw refuseTask(
        raw.idBase,
        row,
        `expected a resource_request_index from -1 to ${length - 1}, got ${index}`,
      );
    }
  }
}

function checkPolicyIndexes({ columns, policies, idBase }: RawPlan): void {
  const { policyIndexes, taskCount } = columns;
  if (policyIndexes === undefined) return;
  for (let row = 0; row < taskCount; row++) {
    const index = policyIndexes[row] as number;
    if (index >= -1 && index < policies.length) continue;
    throw refuseTask(
      idBase,
      row,
      `expected a policy_index from -1 to ${policies.length - 1}, got ${index}`,
    );
  }
}

/** They are of the task that they came with: what its number of inputs was, its decoder did not know. */
function checkOptionalInputs({ columns, idBase }: RawPlan): void {
  const { optionalInputs, inputStarts, taskCount } = columns;
  if (optionalInputs.length === 0) return;
  const { optionalRows } = columns;
  for (let k = 0; k < optionalInputs.length; k++) {
    const row = optionalRows.at(k);
    if (row < taskCount && optionalInputs.at(k) < (inputStarts[row + 1] as number)) continue;
    const position = optionalInputs.at(k) - (inputStarts[row] as number);
    throw refuseTask(idBase, row, `its optional input ${position} is none of its inputs`);
  }
}

/** The types' symbol ids. Adds requests for extension types to `requests` and refers tasks to them. */
function checkTaskTypes(
  raw: RawPlan,
  symbolOf: (planSymbol: number) => number | undefined,
  context: PlanContext,
  requests: ResourceRequest[],
): Uint16Array {
  const { taskTypes, requestIndexes, taskCount } = raw.columns;
  const checked = new Uint16Array(taskCount);
  const extend = createRequestExtender(requests);
  let lastPlanSymbol = -1;
  let lastType = 0;
  for (let row = 0; row < taskCount; row++) {
    const planSymbol = taskTypes[row] as number;
    if (planSymbol !== lastPlanSymbol) {
      const type = symbolOf(planSymbol);
      if (type === undefined || !context.isTaskType(type)) {
        throw refuseTask(raw.idBase, row, `expected a known task type, got symbol ${planSymbol}`);
      }
      lastPlanSymbol = planSymbol;
      lastType = type;
    }
    checked[row] = lastType;
    if (lastType >= BUILTIN_SYMBOLS.length) {
      requestIndexes[row] = extend(lastType, requestIndexes[row] as number);
    }
  }
  return checked;
}

/**
 * Only a worker that loaded an extension task type can run it. It offers that symbol as a resource
 * that is never used up, so a task of the type asks for 1 of it in addition to its own request.
 */
function createRequestExtender(
  requests: ResourceRequest[],
): (taskType: number, requestIndex: number) => number {
  const extended = new Map<number, number>();
  return (taskType, requestIndex) => {
    const key = taskType * (MAX_PLAN_REQUESTS + 1) + requestIndex + 1;
    const known = extended.get(key);
    if (known !== undefined) return known;
    if (requests.length >= MAX_PLAN_REQUESTS) {
      throw new PlanRefusal(
        `expected at most ${MAX_PLAN_REQUESTS} different resource requests, those of extension ` +
          "task types included, got more",
      );
    }
    const own: readonly ResourceAmount[] = requests[requestIndex] ?? [];
    const asksItself = own.some(({ resource }) => resource === taskType);
    const row = requests.push(asksItself ? own : [...own, { resource: taskType, amount: 1 }]) - 1;
    extended.set(key, row);
    return row;
  };
}

/** Inputs inside the plan must be earlier tasks; those outside are for the scheduler to look up. */
function checkInputs(raw: RawPlan): void {
  const { idBase } = raw;
  const { inputStarts, inputIds, taskCount } = raw.columns;
  for (let row = 0; row < taskCount; row++) {
    const end = inputStarts[row + 1] as number;
    for (let i = inputStarts[row] as number; i < end; i++) {
      const inputRow = (inputIds[i] as number) - idBase;
      if (inputRow >= row && inputRow < taskCount) {
        throw refuseTask(
          idBase,
          row,
          `expected inputs that come before it, got ${inputRow === row ? "itself" : `task ${inputIds[i]}`}`,
        );
      }
    }
  }
}
