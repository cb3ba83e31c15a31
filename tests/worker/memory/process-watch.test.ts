import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ProcessView, SeenProcess } from "../../../src/worker/memory/process-memory.ts";
import { createProcessWatch } from "../../../src/worker/memory/process-watch.ts";

type TestProcess = SeenProcess & {
  readonly bytes: number;
  readonly sharedBytes?: number;
  readonly paths?: readonly string[];
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function createBench(limitBytes: number) {
  const processes = new Map<number, TestProcess>();
  const lookedUp: number[] = [];
  const view: ProcessView = {
    list: () => [...processes.keys()],
    find: (pid) => {
      lookedUp.push(pid);
      return processes.get(pid);
    },
    paths: (pid) => [...(processes.get(pid)?.paths ?? [])],
    residentBytes: (pid) => processes.get(pid)?.bytes ?? 0,
    proportionalBytes: (pid) =>
      (processes.get(pid)?.bytes ?? 0) - (processes.get(pid)?.sharedBytes ?? 0),
  };
  const measured: number[] = [];
  const stories: string[] = [];
  const watch = createProcessWatch(limitBytes, (bytes) => void measured.push(bytes), view);
  const add = (
    name: string,
    options: { pid?: number; directory?: string; requestBytes?: number },
  ) => watch.add({ ...options, kill: (story) => void stories.push(`${name}: ${story}`) });
  const look = () => vi.advanceTimersByTime(200);
  return { processes, lookedUp, measured, stories, watch, add, look };
}

test("a tree is what descends from its process, or uses its directory, also after its parent has ended", () => {
  const { processes, measured, lookedUp, add, look, watch } = createBench(10_000);
  add("program", { directory: "/run/7" });
  add("runner", { pid: 30 });
  processes.set(5, { parentPid: 1, sessionId: 5, bytes: 5000, paths: ["/run/77"] });
  processes.set(20, { parentPid: 2, sessionId: 20, bytes: 1, paths: ["/run/7"] });
  processes.set(21, { parentPid: 20, sessionId: 20, bytes: 10 });
  processes.set(30, { parentPid: 1, sessionId: 30, bytes: 100 });
  processes.set(31, { parentPid: 30, sessionId: 31, bytes: 1000 });
  look();
  expect(measured).toEqual([1111, 1111].slice(0, measured.length));
  processes.delete(20);
  processes.set(40, { parentPid: 1, sessionId: 20, bytes: 20, paths: ["/", "/run/7/+err"] });
  look();
  expect(measured.at(-1)).toBe(1130);
  expect(lookedUp.filter((pid) => pid === 21)).toHaveLength(1);
  watch.stop();
});

test("whoever uses more than it asked for is ended, once", () => {
  const { processes, stories, add, look, watch } = createBench(10_000);
  add("small", { pid: 1, requestBytes: 100 });
  add("large", { pid: 2, requestBytes: 100 });
  add("forked", { pid: 3, requestBytes: 100 });
  add("free", { pid: 4 });
  processes.set(1, { parentPid: 0, sessionId: 1, bytes: 100 });
  processes.set(2, { parentPid: 0, sessionId: 2, bytes: 101 });
  processes.set(3, { parentPid: 0, sessionId: 3, bytes: 150, sharedBytes: 60 });
  processes.set(4, { parentPid: 0, sessionId: 4, bytes: 5000 });
  look();
  look();
  expect(stories).toEqual([
    "large: it used 101 B of memory, and its task asked for 100 B; ask for more by resources.memory",
  ]);
  watch.stop();
});

test("when all use more than the worker has, the one that uses most beyond its request is ended", () => {
  const { processes, stories, add, watch } = createBench(1000);
  add("asked", { pid: 1, requestBytes: 800 });
  add("greedy", { pid: 2 });
  add("modest", { pid: 3 });
  processes.set(1, { parentPid: 0, sessionId: 1, bytes: 700 });
  processes.set(2, { parentPid: 0, sessionId: 2, bytes: 250 });
  processes.set(3, { parentPid: 0, sessionId: 3, bytes: 100 });
  vi.advanceTimersByTime(110);
  expect(stories).toHaveLength(1);
  expect(stories[0]).toMatch(
    /^greedy: programs and functions used 1.0 KiB together, .* 1000 B \(--memory\)/,
  );
  watch.stop();
});

test("nobody is looked for when nothing runs", () => {
  const { measured, add, look, watch } = createBench(1000);
  const watched = add("one", { pid: 1 });
  watched.remove();
  look();
  look();
  const { length } = measured;
  look();
  expect(measured).toHaveLength(length);
  watch.stop();
});
