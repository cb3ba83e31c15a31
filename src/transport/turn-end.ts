let waiting: (() => void)[] = [];

/**
 * Calls `work` once what runs now has come to its end, with all promises that it settled: after the
 * microtasks that there are, and those that they make in turn, but before the event loop goes on.
 */
export function atTurnEnd(work: () => void): void {
  waiting.push(work);
  if (waiting.length > 1) return;
  // Ticks come before microtasks, except for those that a microtask asks for.
  queueMicrotask(() => process.nextTick(runAll));
}

function runAll(): void {
  const works = waiting;
  waiting = [];
  for (const work of works) work();
}
