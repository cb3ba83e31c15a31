import { Uint32List } from "../../core/base/columns.ts";
import type { TaskRefs } from "../../core/model/batches.ts";

/** Gathers what happens within one turn of the event loop, and tells it once. */
export type RefGatherer = { add(task: number, attempt: number): void };

export function createRefGatherer(tell: (refs: TaskRefs) => void): RefGatherer {
  const tasks = new Uint32List();
  const attempts = new Uint32List();
  return {
    add: (task, attempt) => {
      if (tasks.length === 0) {
        queueMicrotask(() => {
          const refs = { tasks: tasks.toArray(), attempts: attempts.toArray() };
          tasks.clear();
          attempts.clear();
          tell(refs);
        });
      }
      tasks.push(task);
      attempts.push(attempt);
    },
  };
}
