import { expect, onTestFinished, test, vi } from "vitest";
import { createMemoryWatch } from "../../../../src/worker/runners/pool/memory-watch.ts";
import { createLane, createSlot, type Slot } from "../../../../src/worker/runners/pool/slot.ts";
import type { Runner } from "../../../../src/worker/runners/runner.ts";

const MIB = 1024 * 1024;
const BOUND = 100 * MIB;

/** A pool's runners that do nothing, and how much memory each of them has. */
function createBench(...processes: readonly { readonly bytes: number; readonly calls: number }[]) {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const killed: string[] = [];
  const removed: Slot[] = [];
  const looks: number[] = [];
  const slots = new Set(
    processes.map(({ calls }, pid) => {
      const runner = {
        pid,
        outstanding: calls,
        kill: (reason: string) => void killed.push(`${pid}: ${reason}`),
      } as Runner;
      const slot = createSlot(runner, createLane(pid, BOUND));
      if (calls === 0) slot.lane = undefined;
      return slot;
    }),
  );
  const watch = createMemoryWatch(
    slots,
    (slot) => void removed.push(slot),
    (pid) => {
      looks.push(Date.now());
      return processes[pid]?.bytes;
    },
  );
  return { watch, killed, removed, looks };
}

test("a runner over the bound is ended, the others are not", () => {
  const bench = createBench(
    { bytes: BOUND, calls: 1 },
    { bytes: BOUND + 1, calls: 1 },
    { bytes: 0, calls: 3 },
  );
  bench.watch.start();
  vi.advanceTimersByTime(30);
  expect(bench.killed).toEqual([expect.stringMatching(/^1: out of memory: .* 100 MiB/)]);
});

test("an idle one that kept much is put aside, then ended", () => {
  const bench = createBench({ bytes: 0.6 * BOUND, calls: 0 }, { bytes: 0.4 * BOUND, calls: 0 });
  bench.watch.start();
  vi.advanceTimersByTime(30);
  expect(bench.killed).toEqual(["0: it kept much memory"]);
  expect(bench.removed).toHaveLength(1);
});

test("it looks while there are calls, and more often near the bound", () => {
  const far = createBench({ bytes: 0, calls: 1 });
  far.watch.start();
  far.watch.start();
  vi.advanceTimersByTime(1000);
  far.watch.stop();
  const near = createBench({ bytes: BOUND, calls: 1 });
  near.watch.start();
  vi.advanceTimersByTime(1000);
  near.watch.stop();
  expect(near.looks.length).toBeGreaterThanOrEqual(far.looks.length);
  expect(near.looks.length).toBeLessThanOrEqual(40);
  const idle = createBench({ bytes: 0, calls: 0 });
  idle.watch.start();
  vi.advanceTimersByTime(1000);
  expect(idle.looks).toHaveLength(1);
});
