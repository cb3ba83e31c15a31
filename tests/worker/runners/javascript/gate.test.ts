import { expect, test } from "vitest";
import { createGate } from "../../../../src/worker/runners/javascript/gate.ts";

test("calls begin, and what was taken back never does", () => {
  const main = createGate();
  const watcher = createGate(main.shared);
  const written: number[] = [];
  const begin = (call: number): boolean => main.begin(call, (count) => written.push(count));
  const takeBack = (sent: number): number => {
    watcher.lock();
    const begun = watcher.takeBack(sent);
    watcher.unlock();
    return begun;
  };
  expect([begin(0), begin(1)]).toEqual([true, true]);
  expect(takeBack(5)).toBe(2);
  expect([begin(2), begin(3), begin(4), begin(5)]).toEqual([false, false, false, true]);
  // Nothing is left to be taken back.
  expect(takeBack(6)).toBe(6);
  expect(begin(6)).toBe(true);
  expect(written).toEqual([1, 2, 6, 7]);
});
