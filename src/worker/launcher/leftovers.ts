import { setTimeout as sleep } from "node:timers/promises";
import { createTrackedRun, ProcessTable, signalProcess } from "./process-table.ts";

/** Longest wait for processes that do not end, which may hang in the kernel. */
const LIMIT_MS = 2_000;
const POLL_MS = 5;

/** A program whose launcher has died: its directory, and how long ago it was started. */
export type LostProgram = { readonly cwd: string; readonly ageMs: number };

/**
 * Kills what a dead launcher has left running: processes without a parent that work in the
 * directory of a lost program, or have its files as stdin, stdout or stderr, and their descendants.
 */
export async function killLeftovers(programs: readonly LostProgram[]): Promise<void> {
  const table = new ProcessTable(0);
  const runs = programs.map(({ cwd, ageMs }) => createTrackedRun(0, cwd, ageMs));
  for (const run of runs) table.add(run);
  const limitMs = performance.now() + LIMIT_MS;
  for (;;) {
    table.refresh();
    const pids = runs.flatMap((run) => table.listOthers(run));
    for (const pid of pids) signalProcess(pid, "SIGKILL");
    if (pids.length === 0 || performance.now() > limitMs) return;
    await sleep(POLL_MS);
  }
}
