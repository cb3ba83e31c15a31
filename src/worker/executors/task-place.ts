import type { AssignedTasks } from "../../core/model/batches.ts";

/** Where a task is described: an assignment and the position in it. */
export type TaskPlace = { readonly batch: AssignedTasks; readonly index: number };
