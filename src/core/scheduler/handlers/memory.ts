import type { StepContext } from "../context.ts";
import type { SchedulerEvent } from "../events.ts";
import { addsData } from "../placement/memory.ts";
import { unqueueReady } from "../ready.ts";

type EventOf<Kind extends SchedulerEvent["kind"]> = Extract<SchedulerEvent, { kind: Kind }>;

/** Notes the report. What waits for a worker that has become tight and would add data gets another place. */
export function onMemoryChanged(
  context: StepContext,
  { workerId, report }: EventOf<"memory-changed">,
): void {
  const { state } = context;
  const { reports, tight } = state.memory;
  const worker = state.workers.get(workerId);
  if (worker === undefined) return;
  reports.set(workerId, report);
  if (report.isTight === tight.has(workerId)) return;
  context.dirtyWorkers.add(workerId);
  if (!report.isTight) {
    tight.delete(workerId);
    return;
  }
  tight.add(workerId);
  const adding: number[] = [];
  for (const queue of worker.backlogs.values()) {
    state.queues.forFirst(queue, state.queues.count(queue), (row) => {
      if (addsData(state, row)) adding.push(row);
    });
  }
  for (const row of adding) {
    unqueueReady(state, row);
    context.readied.push(row);
  }
}
