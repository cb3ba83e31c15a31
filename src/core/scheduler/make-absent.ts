import { TASK_TYPE } from "../model/symbols.ts";
import type { StepContext } from "./context.ts";
import { groupOf } from "./groups.ts";
import { makeReady } from "./ready.ts";
import { classOf, classOfRequest, countTaskOfClass, forgetTaskOfClass } from "./request-classes.ts";

/**
 * From now on the row, which has failed, is a task that makes an absent value, for those who can do
 * without its data: so they wait for it, fetch it and have it computed again as any other input.
 */
export function makeAbsent(context: StepContext, row: number): void {
  const { state } = context;
  const { tasks } = state;
  const light = classOfRequest(state, []);
  countTaskOfClass(light);
  forgetTaskOfClass(state, classOf(state, row));
  tasks.request[row] = light.id;
  tasks.taskType[row] = TASK_TYPE.absent;
  tasks.group[row] = groupOf(state.groups, TASK_TYPE.absent, "");
  // What is absent is written to no file, and is never tried again.
  tasks.checkpointLengths.delete(row);
  tasks.policies.delete(row);
  makeReady(context, row);
}
