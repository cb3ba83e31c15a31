import { TASK_TYPE } from "../model/symbols.ts";
import type { SchedulerState } from "./state.ts";
import { LOADS, type TaskTable } from "./task-table.ts";

/** Whether the row can do without the data of this input, at each place where it uses that. */
export const isOptional = ({ optionalInputs }: TaskTable, row: number, input: number): boolean =>
  optionalInputs.size > 0 && (optionalInputs.get(row)?.has(input) ?? false);

/** Whether the row failed for good, whatever became of it since. */
export const hasFailed = ({ failed }: SchedulerState, row: number): boolean =>
  failed.size > 0 && failed.has(row);

/** Whether the row makes its data of nothing but itself. */
export const needsNoInputs = ({ flags, taskType }: TaskTable, row: number): boolean =>
  ((flags[row] as number) & LOADS) !== 0 || taskType[row] === TASK_TYPE.absent;
