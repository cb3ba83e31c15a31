import type { ByteRanges, Plan } from "../../../src/core/model/plan.ts";
import { BUILTIN_SYMBOLS } from "../../../src/core/model/symbols.ts";
import type { PlanContext } from "../../../src/protocol/client/plan-context.ts";
import { PlanEncoder } from "../../../src/protocol/client/plan-encoder.ts";
import { bytesOf, listOf, type Values } from "./golden.ts";
import { namedPlanOf } from "./message-values.ts";

/** The symbols of a server that has met an extension task type and a resource of its site. */
const SYMBOLS: readonly string[] = [...BUILTIN_SYMBOLS, "my/count", "loom/resource/gpus"];

/** A server's symbols for tests. */
export const testContext: PlanContext = {
  resolveSymbol: (name) => {
    const id = SYMBOLS.indexOf(name);
    return id < 0 ? undefined : id;
  },
  isTaskType: (id) => (id < 16 && id !== 6) || id === SYMBOLS.indexOf("my/count"),
  isResource: (id) => SYMBOLS[id]?.startsWith("loom/resource/") ?? false,
};

/** A task as plans in columns and golden values alike can say it. */
export type PlainTask = {
  taskType: number;
  config: string;
  inputIds: number[];
  /** Sorted pairs of resource and amount. */
  request: number[][];
  result: boolean;
  label: string;
  checkpointPath: string;
  metadata: string;
};

export type PlainPlan = { idBase: number; tasks: PlainTask[] };

/** A decoded plan, task by task. */
export function plainOfPlan(plan: Plan): PlainPlan {
  const range = (ranges: ByteRanges | undefined, row: number): Buffer => {
    const start = ranges?.starts[row] ?? 0;
    return Buffer.from(plan.bytes.subarray(start, start + (ranges?.lengths[row] ?? 0)));
  };
  const tasks = Array.from(plan.taskTypes, (taskType, row) => ({
    taskType,
    config: range(plan.configs, row).toString("hex"),
    inputIds: [...plan.inputIds.subarray(plan.inputStarts[row], plan.inputStarts[row + 1])],
    request: (plan.requests[plan.requestIndexes[row] ?? -1] ?? [])
      .map(({ resource, amount }) => [resource, amount])
      .sort(),
    result: plan.isResult[row] === 1,
    label: range(plan.labels, row).toString(),
    checkpointPath: range(plan.checkpointPaths, row).toString(),
    metadata: range(plan.metadata, row).toString("hex"),
  }));
  return { idBase: plan.idBase, tasks };
}

type ResourceValues = { resource_type: number; value: number };

/** What the golden values of a Plan must decode to. */
export function plainOfValues(plan: Values): PlainPlan {
  const symbols = listOf<string>(plan.symbols);
  const symbolId = (id: number): number =>
    id < 2 ** 30 ? id : (testContext.resolveSymbol(symbols[id - 2 ** 30] ?? "") ?? -1);
  const requests = listOf<Values>(plan.resource_requests).map(({ resources }) =>
    listOf<ResourceValues>(resources).map((r) => [symbolId(r.resource_type), r.value]),
  );
  const tasks = listOf<Values>(plan.tasks).map((task) => {
    const taskType = symbolId(task.task_type as number);
    const own = requests[(task.resource_request_index as number | undefined) ?? -1] ?? [];
    const extension = taskType >= BUILTIN_SYMBOLS.length ? [[taskType, 1]] : [];
    return {
      taskType,
      config: Buffer.from(bytesOf(task.config)).toString("hex"),
      inputIds: [...listOf<number>(task.input_ids)],
      request: [...own.filter(([, amount]) => amount !== 0), ...extension].sort(),
      result: task.result === true,
      label: (task.label as string | undefined) ?? "",
      checkpointPath: (task.checkpoint_path as string | undefined) ?? "",
      metadata: Buffer.from(bytesOf(task.metadata ?? { hex: "" })).toString("hex"),
    };
  });
  return { idBase: (plan.id_base as number | undefined) ?? 0, tasks };
}

/** The golden values of a PLAN request, encoded by our encoder. */
export function encodePlanValues(request: Values): Uint8Array {
  const plan = request.plan as Values;
  const encoder = new PlanEncoder();
  for (const name of listOf<string>(plan.symbols)) encoder.symbolId(name);
  for (const { resources } of listOf<Values>(plan.resource_requests)) {
    encoder.requestIndex(
      listOf<ResourceValues>(resources).map((r) => ({
        resource: r.resource_type,
        amount: r.value,
      })),
    );
  }
  for (const task of listOf<Values>(plan.tasks)) {
    encoder.addTask(
      task.task_type as number,
      bytesOf(task.config),
      listOf<number>(task.input_ids),
      (task.resource_request_index as number | undefined) ?? -1,
      task.result === true,
      task.label as string | undefined,
      task.checkpoint_path as string | undefined,
      task.metadata === undefined ? undefined : bytesOf(task.metadata),
    );
  }
  const named = request.named === undefined ? undefined : namedPlanOf(request.named as Values);
  return encoder.finish(plan.id_base as number, request.load_checkpoints === true, named);
}
