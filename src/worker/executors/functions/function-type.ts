import type { RunnerCall, RunnerPool } from "../../runners/runner-call.ts";
import type { ValueId } from "../../store/value-id.ts";
import type { ValueTable } from "../../store/value-table.ts";

/** What a task of a function is given. The inputs live at least until its end. */
export type FunctionTask = {
  readonly values: ValueTable;
  readonly inputs: readonly ValueId[];
  readonly config: Uint8Array;
};

export type PreparedCall = Pick<
  RunnerCall,
  "functionKey" | "function" | "config" | "inputs" | "timeLimitMs"
>;

/** A task type whose tasks are calls of functions of users, in runners of one language. */
export type FunctionType = {
  readonly pool: RunnerPool;
  /** What is called, with what. Throws a TaskError for what is the task's fault. */
  readonly prepare: (task: FunctionTask) => PreparedCall;
  /** A line of the worker's log that a function has said or printed (then `level` is undefined). */
  readonly logLine: (clientTask: number, text: string) => string;
};
