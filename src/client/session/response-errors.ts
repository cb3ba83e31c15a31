import { HyperloomError } from "../../core/model/errors.ts";
import type { FailureKind } from "../../core/model/failures.ts";
import type { ResponseError } from "../../protocol/client/response-error.ts";
import { PlanFailedError, TaskFailedError } from "../errors.ts";
import type { Future } from "../futures/future.ts";
import type { SubmittedPlan } from "../plan/submitted-plan.ts";

/** The error of a TASK_FAILED message about a task of `plan`. */
export function taskFailedError(error: ResponseError, plan: SubmittedPlan): TaskFailedError {
  const taskId = error.id ?? plan.idBase;
  const label = nonEmpty(error.label);
  const worker = nonEmpty(error.worker);
  const named = label === undefined ? `Task ${taskId}` : `Task ${taskId} '${label}'`;
  const where = worker === undefined ? "" : ` on ${worker}`;
  return new TaskFailedError(
    `${named} failed${where}: ${error.message}`,
    {
      taskId,
      label,
      worker,
      exitCode: error.exitCode,
      signal: nonEmpty(error.signal),
      stderr: error.stderr === undefined ? undefined : Buffer.from(error.stderr).toString(),
      attempts: error.attempts,
      kind: (error.kind ?? "error") as FailureKind,
      story: error.story ?? [],
    },
    { cause: causeOf(plan, error.causeId) },
  );
}

function causeOf(plan: SubmittedPlan, causeId: number | undefined): HyperloomError | undefined {
  const own = causeId === undefined ? undefined : plan.failedAlone?.get(causeId);
  return own ?? earlierFailure(plan.earlier, undefined, causeId);
}

/** The failure of an input from an earlier plan: that of the task `causeId`, else any. */
export function earlierFailure(
  earlier: ReadonlySet<Future>,
  counts: (future: Future) => boolean = () => true,
  causeId?: number,
): HyperloomError | undefined {
  let any: HyperloomError | undefined;
  for (const future of earlier) {
    const { error } = future;
    if (error === undefined || !counts(future)) continue;
    const root = error instanceof PlanFailedError ? error.cause : error;
    if (root instanceof TaskFailedError && root.taskId === causeId) return root;
    any ??= root;
  }
  return any;
}

/** What the futures of a plan are told that never ran because of `failure` of an earlier one. */
export function inherited(failure: HyperloomError): HyperloomError {
  return failure instanceof TaskFailedError ? new PlanFailedError(failure) : failure;
}

export function planRefused(error: ResponseError, plan: SubmittedPlan): HyperloomError {
  // The server may not have told yet that an input had failed when the plan was sent.
  const failure = earlierFailure(plan.earlier);
  if (failure !== undefined) return inherited(failure);
  return new HyperloomError("plan-refused", `The server refused the plan: ${error.message}`);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
