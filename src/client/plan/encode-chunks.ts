import { HyperloomError } from "../../core/model/errors.ts";
import type { PlanOptions } from "../../core/model/policies.ts";
import { isDynamic } from "../../core/model/symbols.ts";
import { LEVEL_MAX } from "../../core/model/urgency.ts";
import { encodeSmallRequest } from "../../protocol/client/client-request.ts";
import { PlanEncoder } from "../../protocol/client/plan-encoder.ts";
import { ProtocolError } from "../../protocol/protocol-error.ts";
import { ByteWriter } from "../../protocol/wire/byte-writer.ts";
import type { PlanFrame } from "../session/kept-plans.ts";
import type { SymbolTable } from "../session/symbol-table.ts";
import { Task } from "../tasks/task.ts";
import type { OrderedPlan } from "./build-plan.ts";
import { createTaskWriter } from "./task-writer.ts";

/** A smaller plan is begun, whole, before its second chunk would be there. */
const CHUNKED_TASKS_MIN = 32_768;
const CHUNK_TASKS_MAX = 8_192;
/** A chunk with constants ends here, so that none is late because of its size. */
const CHUNK_CONFIG_BYTES = 512 * 1024;

/**
 * Whether the plan is large enough, and one that a server can begin before it has seen all of it:
 * which tasks can be loaded, and what dynamic tasks do, shows only in the whole.
 */
export function mayGoInChunks({ tasks }: OrderedPlan, loadCheckpoints: boolean): boolean {
  if (tasks.length < CHUNKED_TASKS_MIN || loadCheckpoints) return false;
  // What is as urgent as another task shows in the whole plan, too.
  return !tasks.some(
    ({ taskType, details: { policy } }) =>
      (typeof taskType === "number" && isDynamic(taskType)) || policy?.priority !== undefined,
  );
}

/**
 * The plan's requests, to be sent as they come, so that the server runs the first tasks while the
 * last ones are written:
 *
 *     PLAN_BEGIN | PLAN_CHUNK | PLAN_CHUNK | ... | PLAN_END
 *
 * Where a task cannot be written, the end comes early, for which the server refuses the plan, and a
 * HyperloomError is thrown.
 */
export function* encodeInChunks(
  plan: OrderedPlan,
  results: Uint32Array,
  idBase: number,
  symbols: SymbolTable,
  options?: PlanOptions,
): Generator<PlanFrame> {
  const { tasks } = plan;
  const { priorities, consumerCounts } = weigh(plan);
  const begin = smallFrame({ kind: "planBegin", id: idBase, taskCount: tasks.length });
  yield { bytes: begin, firstId: idBase, taskCount: 0 };
  let nextResult = 0;
  let from = 0;
  try {
    while (from < tasks.length) {
      const encoder = new PlanEncoder();
      const writeTask = createTaskWriter(encoder, symbols, idBase, options);
      let configBytes = 0;
      let to = from;
      while (to < tasks.length && to - from < CHUNK_TASKS_MAX && configBytes < CHUNK_CONFIG_BYTES) {
        const task = tasks[to] as Task;
        const isResult = results[nextResult] === to;
        if (isResult) nextResult += 1;
        writeTask(task, isResult);
        configBytes += task.config.length;
        to += 1;
      }
      const firstId = idBase + from;
      const bytes = encoder.finishChunk(
        firstId,
        priorities.subarray(from, to),
        consumerCounts.subarray(from, to),
      );
      yield { bytes, firstId, taskCount: to - from };
      from = to;
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new HyperloomError(
      "invalid-argument",
      `A task of the plan is too large: ${error.message}. Let tasks.open read its data.`,
      { cause: error },
    );
  } finally {
    yield { bytes: smallFrame({ kind: "planEnd" }), firstId: idBase + tasks.length, taskCount: 0 };
  }
}

/** What a server cannot see in a part of the plan: the longest path from each task to a result, and its uses. */
function weigh({ tasks }: OrderedPlan): {
  readonly priorities: Int32Array;
  readonly consumerCounts: Uint32Array;
} {
  const priorities = new Int32Array(tasks.length).fill(1);
  const consumerCounts = new Uint32Array(tasks.length);
  for (let row = tasks.length - 1; row >= 0; row -= 1) {
    const priority = Math.min((priorities[row] as number) + 1, LEVEL_MAX);
    for (const input of (tasks[row] as Task).inputs) {
      if (!(input instanceof Task)) continue;
      const { planRow } = input;
      if ((priorities[planRow] as number) < priority) priorities[planRow] = priority;
      consumerCounts[planRow] = (consumerCounts[planRow] as number) + 1;
    }
  }
  return { priorities, consumerCounts };
}

function smallFrame(request: Parameters<typeof encodeSmallRequest>[1]): Uint8Array {
  const writer = new ByteWriter(32);
  encodeSmallRequest(writer, request);
  return writer.written();
}
