import type { Confinement } from "../../access/confinement.ts";
import type { Log } from "../../core/base/log.ts";
import type { TaskType } from "../extension.ts";
import type { TaskLogs } from "../logs/task-logs.ts";
import type { MemoryGate } from "../store/store.ts";
import type { ValueId } from "../store/value-id.ts";
import type { ValueTable } from "../store/value-table.ts";
import type { FunctionType } from "./functions/function-type.ts";
import type { ProgramRunner } from "./program/run-program.ts";
import type { Slots } from "./slots.ts";

/** What tasks are executed with; one for the worker. */
export type TaskTools = {
  readonly values: ValueTable;
  /** Which files plans may name; default: all. */
  readonly files?: Confinement | undefined;
  readonly memory: MemoryGate;
  readonly programs: ProgramRunner;
  readonly logs: TaskLogs;
  /** Limits how many tasks move large data at a time. */
  readonly bulk: Slots;
  readonly functionTypes: ReadonlyMap<number, FunctionType>;
  /** The extension's task type of a symbol id. */
  readonly customType: (taskType: number) => TaskType | undefined;
  /** The name of a symbol id. */
  readonly symbol: (id: number) => string | undefined;
  /** Id of a symbol that the server has told. */
  readonly symbolId: (name: string) => number | undefined;
  readonly log: Log;
};

/** A task with its inputs, which live at least until its end. */
export type TaskWork = {
  readonly taskType: number;
  readonly inputs: readonly ValueId[];
  readonly config: Uint8Array;
  /** The server's number of the task. */
  readonly task: number;
  /** The client's number of the task. */
  readonly clientTask: number;
  readonly attempt: number;
  /** Numbers of the worker's cpus that it was given. */
  readonly cpus: readonly number[];
  /** Bytes of memory that it asked for, as the most that its processes may use. */
  readonly memoryBytes: number | undefined;
  /** Aborted where the task, when it is stopped, is to be given no time to end by itself. */
  readonly hurry: AbortSignal;
  /** Wall time in ms that it may take; undefined: any. */
  readonly timeLimitMs: number | undefined;
};

/** Executes one task of any type, as `runTask` does. */
export type RunTask = (tools: TaskTools, work: TaskWork, signal: AbortSignal) => Promise<ValueId>;
