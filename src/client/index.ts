/** The public API: describe work with `tasks`, submit it with a `Client`, to a server or a `LocalCluster`. */

export type { CanceledTask } from "../core/model/canceled-task.ts";
export type { ErrorCode } from "../core/model/errors.ts";
export { ERROR_CODES, HyperloomError } from "../core/model/errors.ts";
export type {
  ExplainedCandidate,
  ExplainedInput,
  ExplainedRerun,
  ExplainedState,
  RerunReason,
  TaskExplanation,
} from "../core/model/explanation.ts";
export type { FailureKind } from "../core/model/failures.ts";
export type { PlanSummary } from "../core/model/plan-summary.ts";
export { isPythonObject, type PythonObject } from "../core/model/python-object.ts";
export type {
  ClusterStatus,
  TaskCounts,
  UnsatisfiableRequest,
  WorkerStatus,
} from "../core/model/status.ts";
export type { LogStream } from "../core/model/task-log.ts";
export type {
  CancelTasksOptions,
  ConnectOptions,
  FuturesOf,
  ResultsOf,
  SubmitOptions,
} from "./client.ts";
export { Client } from "./client.ts";
export type { LocalClusterOptions, LocalWorkerOptions } from "./cluster/local-cluster.ts";
export { LocalCluster } from "./cluster/local-cluster.ts";
export type { FuturesOfResults } from "./detached-plan.ts";
export { DetachedPlan } from "./detached-plan.ts";
export type { TaskFailureDetails } from "./errors.ts";
export { PlanFailedError, TaskCanceledError, TaskFailedError } from "./errors.ts";
export type { ModuleOptions } from "./functions/function-module.ts";
export type {
  Argument,
  ArgumentsOf,
  FunctionBuilder,
  FunctionOptions,
  FunctionsOf,
  ResultOf,
} from "./functions/function-types.ts";
export { items } from "./functions/items.ts";
export { asBytes, asJson, asLines, asTable, asText, type Reading } from "./functions/readings.ts";
export type { AsCompletedOptions } from "./futures/as-completed.ts";
export type { FutureValues } from "./futures/collect.ts";
export type { FutureState } from "./futures/future.ts";
export { Future } from "./futures/future.ts";
export type { FetchToOptions, WaitOptions } from "./futures/options.ts";
export type { ClientProgress } from "./plan/plan-ledger.ts";
export type { PlanRules } from "./plan/plan-options.ts";
export type { ServerAddress } from "./session/address.ts";
export type { LogChunk, LogOptions } from "./session/log-reader.ts";
export type { ServerStats } from "./session/questions.ts";
export type { ArrayOf, ItemAt, SliceOf, ValuesOf } from "./tasks/collection-tasks.ts";
export { readCount } from "./tasks/collection-tasks.ts";
export type { CustomOptions } from "./tasks/custom-task.ts";
export type { DelimiterOptions } from "./tasks/data-tasks.ts";
export type { TaskOptions } from "./tasks/options.ts";
export type { PolicyOptions, RetriableKind } from "./tasks/policy-options.ts";
export type { Resources } from "./tasks/resources.ts";
export type { RunArgument, RunOptions, RunOutputs, RunResult } from "./tasks/run-task.ts";
export type { AnyInput, Index, Input, Items, Listed, MaybeInput, Value } from "./tasks/task.ts";
export { OptionalInput, Task } from "./tasks/task.ts";
export { tasks } from "./tasks/tasks.ts";
