import { FinishedColumns } from "../core/model/finished-columns.ts";
import { MAX_CARRIED_REPORT_BYTES } from "../protocol/limits.ts";
import type { FromWorker } from "../protocol/worker/messages.ts";

/**
 * Sends what a worker reports. Reports of finished tasks are joined: a chain of tasks that the worker
 * carries out by itself is told in one message when the event loop turns, and before anything else
 * is told, since the server must hear of what has happened in its order.
 */
export function createReportJoiner(
  send: (message: FromWorker) => void,
): (message: FromWorker) => void {
  const waiting = new FinishedColumns();
  let isScheduled = false;

  const flush = (): void => {
    if (waiting.length > 0) send({ kind: "tasks-finished", finished: waiting.take() });
  };

  return (message) => {
    if (message.kind !== "tasks-finished") {
      flush();
      send(message);
      return;
    }
    waiting.append(message.finished);
    if (waiting.carried.sizeBytes >= MAX_CARRIED_REPORT_BYTES) flush();
    if (isScheduled) return;
    isScheduled = true;
    // Microtasks run when nothing can be gone on with at once, or the turn has been long enough.
    queueMicrotask(() => {
      isScheduled = false;
      flush();
    });
  };
}
