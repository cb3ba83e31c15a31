import type { TaskRefs } from "../../model/batches.ts";
import type { StepContext } from "../context.ts";
import type { SchedulerEvent } from "../events.ts";
import { addRef } from "../outbox.ts";
import { joinWorker, onWorkerLost } from "./workers.ts";

type WorkerAttached = Extract<SchedulerEvent, { kind: "worker-attached" }>;

/** A worker has come back: what it holds and has is adopted, or it is told to drop and to cancel it. */
export function onWorkerAttached(context: StepContext, event: WorkerAttached): void {
  const { state, outbox } = context;
  const { workerId, objects, tasks } = event;
  if (state.workers.has(workerId)) {
    onWorkerLost(context, { kind: "worker-lost", atMs: event.atMs, workerId });
  }
  joinWorker(context, event);
  forEachRef(tasks, (row, attempt) => addRef(outbox.cancels, workerId, row, attempt));
  forEachRef(objects, (row, attempt) => addRef(outbox.drops, workerId, row, attempt));
}

function forEachRef(
  { tasks, attempts }: TaskRefs,
  visit: (row: number, attempt: number) => void,
): void {
  tasks.forEach((row, i) => {
    visit(row, attempts[i] as number);
  });
}
