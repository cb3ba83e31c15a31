/**
 * The process that calls JavaScript functions: started by a worker, which tells it what to call.
 * `messages.ts` has what they say to each other. This thread calls one function after another, and
 * reads from the worker only between calls; another thread watches the line of life.
 */
import { writeFileSync, writeSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { offerRunnerServices } from "../../../core/model/runner-services.ts";
import { watchAccidents } from "./accidents.ts";
import { createCaller } from "./caller.ts";
import { captureOutput } from "./capture-output.ts";
import { BEGUN_FD } from "./descriptors.ts";
import { createFrameSource } from "./frame-source.ts";
import { createGate, type Gate } from "./gate.ts";
import { watchLifeLine } from "./life-line.ts";
import { createOutbox } from "./outbox.ts";
import { createValues, cutLeaves } from "./read-values.ts";

type Shared = { readonly gate: SharedArrayBuffer; readonly outbox: SharedArrayBuffer };

async function callFunctions(): Promise<void> {
  const gate = createGate();
  const outbox = createOutbox(gate);
  const shared: Shared = { gate: gate.shared, outbox: outbox.shared };
  const watcher = new Worker(new URL(import.meta.url), { workerData: shared });

  volunteerForMemory();
  const source = createFrameSource();
  const hello = source.next()?.message;
  if (hello?.kind !== "hello") return;
  const caller = createCaller({
    outbox,
    begin: createBegin(gate),
    hello,
    beforeEnd: () => flushOutput(),
    awaitAbort: (isAwaited) => (isAwaited ? watcher.ref() : watcher.unref()),
  });
  const flushOutput = captureOutput((level, line) => caller.current()?.log(level, line) ?? false);
  watchAccidents(caller, outbox);
  watcher.on("message", (call: number) => caller.abort(call));
  // It must not keep a process alive in which nothing can happen any more.
  watcher.unref();
  offerRunnerServices({
    currentTask: () => caller.current()?.context,
    findExport: caller.findExport,
  });
  outbox.send(() => ({ kind: "ready", versions: { Node: process.versions.node } }));
  for (let frame = source.next(); frame !== undefined; frame = source.next()) {
    const { message, payload } = frame;
    if (message.kind === "function") {
      caller.addFunction(message.function, message.source, payload);
    } else if (message.kind === "forget") caller.forget(message.functions);
    else if (message.kind === "calls") {
      const { nodes, calls } = message;
      const { leafBytes, end } = cutLeaves(nodes, payload);
      const inputs = calls.map((call) => call.inputs);
      await caller.call(calls, createValues(nodes, leafBytes, inputs), payload.subarray(end));
      // What the functions left behind, such as a rejection, is looked at before others are called.
      await nextTurn();
    }
  }
}

/** If memory runs out, the system is to end a runner rather than the worker with all its data. */
function volunteerForMemory(): void {
  try {
    writeFileSync("/proc/self/oom_score_adj", "500");
  } catch {
    // Not Linux, or not allowed: the system's choice is as good as any.
  }
}

/** Writes down that a call begins, where the worker finds it whatever happens. */
function createBegin(gate: Gate): (call: number) => boolean {
  const bytes = Buffer.alloc(8);
  const write = (count: number): void => {
    bytes.writeUInt32LE(count % 2 ** 32, 0);
    bytes.writeUInt32LE(Math.floor(count / 2 ** 32), 4);
    writeSync(BEGUN_FD, bytes, 0, bytes.length, 0);
  };
  return (call) => gate.begin(call, write);
}

if (isMainThread) {
  await callFunctions();
  // The worker is gone.
  process.kill(process.pid, "SIGKILL");
} else {
  const { gate: gateMemory, outbox: outboxMemory } = workerData as Shared;
  const gate = createGate(gateMemory);
  watchLifeLine(gate, createOutbox(gate, outboxMemory), (call) => parentPort?.postMessage(call));
}
