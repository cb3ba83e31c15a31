import type { TaskExplanation } from "../core/model/explanation.ts";
import { explainTask } from "../core/scheduler/explain/explain-task.ts";
import { findTasks } from "../core/scheduler/explain/find-tasks.ts";
import type { Engine } from "./engine.ts";

/** Labels may be shared by many tasks; so many of them are explained. */
const EXPLAINED_MAX = 20;

/** Explains the tasks that `query` means (`findTasks` says how it is read). None if there is no such task now. */
export function explainTasks({ state }: Engine, query: string): TaskExplanation[] {
  return findTasks(state, query, EXPLAINED_MAX).map((row) => explainTask(state, row));
}
