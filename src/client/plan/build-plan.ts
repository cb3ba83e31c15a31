import { HyperloomError } from "../../core/model/errors.ts";
import type { PlanOptions } from "../../core/model/policies.ts";
import type { NamedPlan } from "../../protocol/client/named-plan.ts";
import { PlanEncoder } from "../../protocol/client/plan-encoder.ts";
import { ProtocolError } from "../../protocol/protocol-error.ts";
import { invalidArgument } from "../errors.ts";
import type { Future, FutureOwner } from "../futures/future.ts";
import { whyUnusable } from "../futures/wait.ts";
import type { SymbolTable } from "../session/symbol-table.ts";
import { SharedConstant, Task } from "../tasks/task.ts";
import { createTaskWriter } from "./task-writer.ts";

/** The tasks of one submit, each after its inputs; a task's row is its position. */
export type OrderedPlan = {
  readonly tasks: readonly Task[];
  /** Futures of earlier submits that the tasks use. */
  readonly earlier: Set<Future>;
  /** Constants that are tasks of this plan, whose ids there are still to be set. */
  readonly inlined: readonly { readonly constant: SharedConstant; readonly task: Task }[];
};

/** Never used again, so that marks of another submit are never taken for those of this one. */
let lastStamp = 0;

/**
 * Orders everything that the roots need by a depth-first walk with a stack of its own, because a
 * plan may be a chain of a million tasks; linear in tasks and inputs. Throws a HyperloomError for a
 * future that is of another client or released.
 * @param share gives the result that a constant is at this server, or the task of this plan that makes
 * it; asked once for each constant
 */
export function orderPlan(
  roots: readonly Task[],
  owner: FutureOwner,
  share: (constant: SharedConstant) => Future | Task,
): OrderedPlan {
  lastStamp += 1;
  const stamp = lastStamp;
  const tasks: Task[] = [];
  const earlier = new Set<Future>();
  const inlined: { readonly constant: SharedConstant; readonly task: Task }[] = [];
  const open: Task[] = [];
  /** For each open task, the input to look at next. */
  const nextInputs: number[] = [];
  for (const root of roots) {
    if (!(root instanceof Task)) {
      throw invalidArgument(`submit takes a task or a list of tasks, but got ${typeof root}`);
    }
    if (root.planStamp === stamp) continue;
    open.push(root);
    nextInputs.push(0);
    while (open.length > 0) {
      const top = open.length - 1;
      const task = open[top] as Task;
      const { inputs } = task;
      let next = nextInputs[top] as number;
      let missing: Task | undefined;
      while (next < inputs.length && missing === undefined) {
        const input = inputs[next++];
        if (input instanceof Task) {
          if (input.planStamp !== stamp) missing = input;
        } else if (input instanceof SharedConstant) {
          if (input.planStamp === stamp) continue;
          const shared = share(input);
          input.planStamp = stamp;
          if (shared instanceof Task) {
            inlined.push({ constant: input, task: shared });
            missing = shared;
            continue;
          }
          earlier.add(shared);
          input.planId = shared.id;
        } else if (input !== undefined) addEarlier(earlier, input, owner);
      }
      if (missing === undefined) {
        task.planStamp = stamp;
        task.planRow = tasks.length;
        tasks.push(task);
        open.pop();
        nextInputs.pop();
      } else {
        nextInputs[top] = next;
        open.push(missing);
        nextInputs.push(0);
      }
    }
  }
  return { tasks, earlier, inlined };
}

function addEarlier(earlier: Set<Future>, future: Future, owner: FutureOwner): void {
  if (future.owner !== owner) {
    throw new HyperloomError(
      "future-of-another-client",
      `Future ${future.id} belongs to another client; fetch it there and submit its value.`,
    );
  }
  if (future.released) throw whyUnusable(future);
  earlier.add(future);
}

/** The rows of the roots, ascending, each once. */
export function resultRows(plan: OrderedPlan, roots: readonly Task[]): Uint32Array {
  const isResult = new Uint8Array(plan.tasks.length);
  let count = 0;
  for (const { planRow } of roots) {
    if (isResult[planRow] === 0) count += 1;
    isResult[planRow] = 1;
  }
  const rows = new Uint32Array(count);
  let at = 0;
  for (let row = 0; at < count; row++) if (isResult[row] === 1) rows[at++] = row;
  return rows;
}

/** Writes the PLAN request. Throws a HyperloomError if the plan is too long for a server. */
export function encodePlan(
  plan: OrderedPlan,
  results: Uint32Array,
  idBase: number,
  symbols: SymbolTable,
  loadCheckpoints: boolean,
  named?: NamedPlan,
  options?: PlanOptions,
): Uint8Array {
  const encoder = new PlanEncoder();
  const writeTask = createTaskWriter(encoder, symbols, idBase, options);
  let nextResult = 0;
  try {
    for (const task of plan.tasks) {
      const isResult = results[nextResult] === task.planRow;
      if (isResult) nextResult += 1;
      writeTask(task, isResult);
    }
    return encoder.finish(idBase, loadCheckpoints, named);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new HyperloomError(
      "invalid-argument",
      `The plan is too large: ${error.message}. Submit it in parts, or let tasks.open read its data.`,
      { cause: error },
    );
  }
}
