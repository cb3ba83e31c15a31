import type { Log } from "../../../core/base/log.ts";
import { TASK_TYPE } from "../../../core/model/symbols.ts";
import type { ProcessWatch } from "../../memory/process-watch.ts";
import type { ValueTable } from "../../store/value-table.ts";
import type { FunctionType } from "./function-type.ts";
import { createJavaScriptCalls } from "./javascript-call.ts";
import { createPythonCalls } from "./python-call.ts";
import type { PythonFinder } from "./python-interpreter.ts";

export type FunctionTypeOptions = {
  readonly values: ValueTable;
  readonly findPython: PythonFinder;
  /** Bytes that each process may use which calls functions. */
  readonly runnerMemoryBytes: number;
  readonly watch?: ProcessWatch;
  readonly log: Log;
};

/** The task types that call functions of users, by symbol id. Nothing is started before it is needed. */
export function createFunctionTypes(
  options: FunctionTypeOptions,
): ReadonlyMap<number, FunctionType> {
  return new Map([
    [TASK_TYPE.pyCall, createPythonCalls(options)],
    [TASK_TYPE.jsCall, createJavaScriptCalls(options)],
  ]);
}
