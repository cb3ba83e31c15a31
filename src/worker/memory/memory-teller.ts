import type { MemoryReport } from "../../core/model/worker-memory.ts";
import type { FromWorker } from "../../protocol/worker/messages.ts";
import type { WorkerMemory } from "./worker-memory.ts";

/** A change of less is not worth a message. */
const CHANGE_BYTES_MIN = 1024 * 1024;
/** After so many calls without news it is told again: the server may be another one by now. */
const CALLS_MAX = 10;

/**
 * Tells the server of the worker's memory, when it is called and that has changed: at changes of the
 * level, and with heartbeats.
 */
export function createMemoryTeller(
  memory: WorkerMemory,
  send: (message: FromWorker) => void,
): () => void {
  let told: MemoryReport | undefined;
  let calls = 0;
  return () => {
    calls += 1;
    const { level, ...usage } = memory.usage();
    const report = { ...usage, isTight: level !== "free" };
    if (told !== undefined && calls < CALLS_MAX && !isNews(told, report)) return;
    calls = 0;
    told = report;
    send({ kind: "memory", report });
  };
}

function isNews(told: MemoryReport, report: MemoryReport): boolean {
  return (
    told.isTight !== report.isTight ||
    Math.abs(told.usedBytes - report.usedBytes) >= CHANGE_BYTES_MIN ||
    Math.abs(told.spilledBytes - report.spilledBytes) >= CHANGE_BYTES_MIN
  );
}
