import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createMeter } from "./meter.ts";
import { mergeTree } from "./plans.ts";
import type { Scenario } from "./scenario.ts";

const TRACE_TIMEOUT_MS = 10_000;

/** Worker by client's task number, of the tasks that a trace says have ended. */
function readPlaces(directory: string): Map<number, number> {
  const places = new Map<number, number>();
  for (const line of readFileSync(join(directory, "server.trace.jsonl"), "utf8").split("\n")) {
    if (line === "") continue;
    const entry = JSON.parse(line) as { event: string; worker: number; ids: number[] };
    if (entry.event === "end") for (const id of entry.ids) places.set(id, entry.worker);
  }
  return places;
}

/**
 * Edges of a merge tree whose ends ran on different workers, from a trace. Its numbers are those
 * that the client gives: the tasks of a plan in the order of a walk that visits inputs first.
 */
export const edges: Scenario = async ({ client, tasks, pids, number }) => {
  const directory = mkdtempSync(join(tmpdir(), "hyperloom-trace-"));
  try {
    await client.trace(directory);
    const meter = createMeter(pids);
    meter.start();
    const leafCount = number("size");
    await client.submit(mergeTree(tasks, leafCount)).wait();
    meter.stop();
    // The server writes the trace when it has nothing better to do.
    const taskCount = 2 * leafCount - 1;
    const deadlineMs = performance.now() + TRACE_TIMEOUT_MS;
    let places = readPlaces(directory);
    while (places.size < taskCount && performance.now() < deadlineMs) {
      await delay(200);
      places = readPlaces(directory);
    }
    // A subtree of a walk that visits inputs first ends with its root: left, right, root.
    let crossed = 0;
    let next = 0;
    const visit = (leaves: number): number => {
      if (leaves === 1) return next++;
      const inputs = [visit(leaves / 2), visit(leaves / 2)];
      const root = next++;
      for (const input of inputs) if (places.get(input) !== places.get(root)) crossed++;
      return root;
    };
    visit(leafCount);
    if (places.size !== taskCount) throw new Error(`the trace has ${places.size} of ${taskCount}`);
    return meter.sample({ crossedPercent: (crossed / (taskCount - 1)) * 100 });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};
