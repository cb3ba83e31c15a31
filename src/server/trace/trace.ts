import { closeSync, existsSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { decodeUtf8Lossy } from "../../core/base/utf8.ts";
import type { Plan } from "../../core/model/plan.ts";
import type { SchedulerCommand } from "../../core/scheduler/commands.ts";
import type { SchedulerEvent } from "../../core/scheduler/events.ts";
import type { Engine } from "../engine.ts";

const FILE_NAME = "server.trace.jsonl";
/** Tasks in one line of a submitted plan. */
const TASKS_PER_LINE = 1_000;
/** Lines are written together, after so many bytes or milliseconds: what a crash may cost. */
const BUFFER_BYTES = 64 * 1024;
const FLUSH_MS = 200;

/**
 * Writes down what happens to tasks: one JSON object a line, one line a batch, in columns, so that
 * a task costs some twenty bytes. docs/traces.md has the lines. A line is whole or the file's last.
 */
export type Trace = {
  onPlan(clientId: number, plan: Plan): void;
  onEvent(event: SchedulerEvent): void;
  onAssigned(command: Extract<SchedulerCommand, { kind: "assign" }>): void;
  onFailed(command: Extract<SchedulerCommand, { kind: "notify-failed" }>): void;
  close(): void;
};

/** Traces into the directory from now on; a sentence about what is wrong if it cannot. */
export function startTrace(engine: Engine, named: string): string | undefined {
  if (!named.startsWith("/")) {
    return `Trace path '${named}' is not absolute; give the full path of a directory`;
  }
  try {
    const directory = engine.files.writableNow(named);
    // Not its parents: a recursive `mkdir` of Node never ends in some file systems, such as /proc.
    if (!existsSync(directory)) mkdirSync(directory);
    const file = openSync(engine.files.writableNow(join(directory, FILE_NAME)), "a");
    engine.trace?.close();
    engine.trace = createTrace(engine, file);
    return undefined;
  } catch (error) {
    return `Trace path '${named}' cannot be used: ${(error as Error).message}`;
  }
}

function createTrace(engine: Engine, file: number): Trace {
  let lines: string[] = [];
  let bufferedBytes = 0;
  const flush = (): void => {
    if (lines.length === 0) return;
    const text = lines.join("");
    lines = [];
    bufferedBytes = 0;
    try {
      writeSync(file, text);
    } catch (error) {
      engine.log("error", "trace ended: it cannot be written", {
        reason: (error as Error).message,
      });
      engine.trace = undefined;
      trace.close();
    }
  };
  const timer = setInterval(flush, FLUSH_MS);
  timer.unref();
  const write = (line: Readonly<Record<string, unknown>>): void => {
    const text = `${JSON.stringify(line)}\n`;
    lines.push(text);
    bufferedBytes += text.length;
    if (bufferedBytes >= BUFFER_BYTES) flush();
  };
  const timeMs = (): number => Math.round(Date.now());
  /** The client's numbers of the tasks, which the scheduler may forget in the coming step. */
  const named = (tasks: Uint32Array) => {
    const { state } = engine;
    const ids: number[] = [];
    const clients: number[] = [];
    for (const row of tasks) {
      ids.push(state.tasks.clientTask[row] ?? -1);
      clients.push(state.plans.get(state.tasks.serial[row] ?? 0)?.clientId ?? -1);
    }
    return { ids, clients: clients.every((id) => id === clients[0]) ? clients[0] : clients };
  };
  const nameOf = (workerId: number): string => engine.state.workers.get(workerId)?.name ?? "";

  const trace: Trace = {
    onPlan(clientId, plan) {
      for (let first = 0; first < plan.taskCount; first += TASKS_PER_LINE) {
        const end = Math.min(plan.taskCount, first + TASKS_PER_LINE);
        const types = Array.from(plan.taskTypes.subarray(first, end), engine.symbols.nameOf);
        const labels = plan.labels === undefined ? undefined : labelsOf(plan, first, end);
        const firstId = plan.idBase + first;
        write({ event: "submit", timeMs: timeMs(), client: clientId, firstId, types, labels });
      }
    },
    onEvent(event) {
      switch (event.kind) {
        case "worker-joined":
          write({ event: "worker-joined", timeMs: timeMs(), worker: event.name });
          break;
        case "worker-lost":
          write({ event: "worker-lost", timeMs: timeMs(), worker: nameOf(event.workerId) });
          break;
        case "tasks-started": {
          const worker = nameOf(event.workerId);
          write({ event: "start", timeMs: timeMs(), worker, ...named(event.refs.tasks) });
          break;
        }
        case "tasks-finished": {
          const { finished } = event;
          write({
            event: "end",
            timeMs: timeMs(),
            worker: nameOf(event.workerId),
            ...named(finished.tasks),
            // The start of each is this line's time less its duration.
            durationsUs: Array.from(finished.durationsUs, Math.round),
            sizesBytes: Array.from(finished.sizesBytes),
          });
          break;
        }
        default:
          break;
      }
    },
    onAssigned: ({ workerId, batch }) =>
      write({ event: "assign", timeMs: timeMs(), worker: nameOf(workerId), ...named(batch.tasks) }),
    onFailed: ({ clientId, clientTask, worker, failure }) =>
      write({
        event: "fail",
        timeMs: timeMs(),
        client: clientId,
        id: clientTask,
        worker,
        message: failure.message,
      }),
    close() {
      clearInterval(timer);
      flush();
      try {
        closeSync(file);
      } catch (error) {
        engine.log("warning", "trace could not be closed", { reason: (error as Error).message });
      }
    },
  };
  return trace;
}

function labelsOf(plan: Plan, first: number, end: number): string[] {
  const labels: string[] = [];
  for (let i = first; i < end; i += 1) {
    const start = plan.labels?.starts[i] ?? 0;
    labels.push(
      decodeUtf8Lossy(plan.bytes.subarray(start, start + (plan.labels?.lengths[i] ?? 0))),
    );
  }
  return labels;
}
