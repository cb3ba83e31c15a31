import { describe, expect, test } from "vitest";
import type { JournalRecord } from "../../../src/core/model/journal-record.ts";
import { createLedger } from "../../../src/protocol/journal/ledger.ts";

const begun = (serial: number, clientId: number): JournalRecord => ({
  kind: "plan-begun",
  serial,
  clientId,
  idBase: 0,
  taskCount: 1,
});
const joined = (clientId: number): JournalRecord => ({
  kind: "client-joined",
  clientId,
  takesCarried: false,
  life: "session",
  session: new Uint8Array(0),
});

describe("the ledger", () => {
  test("counts what lives, by segment", () => {
    const ledger = createLedger();
    ledger.add(joined(1), 1, 10);
    ledger.add(begun(5, 1), 1, 100);
    ledger.add({ kind: "plan-completed", serial: 5 }, 2, 7);
    ledger.add({ kind: "attempts-reserved", ceiling: 9 }, 2, 50);
    expect([ledger.liveBytes(), ledger.liveBytes(1), ledger.liveBytes(2)]).toEqual([117, 110, 7]);
    ledger.add({ kind: "plan-ended", serial: 5 }, 3, 7);
    expect([ledger.liveBytes(), ledger.liveBytes(1), ledger.liveBytes(2)]).toEqual([10, 10, 0]);
    expect(ledger.isLive(begun(5, 1))).toBe(false);
    expect(ledger.isLive(joined(1))).toBe(true);
  });

  test("a client's end is that of its plans", () => {
    const ledger = createLedger();
    ledger.add(joined(1), 1, 10);
    ledger.add(begun(5, 1), 1, 100);
    ledger.add(begun(6, 2), 1, 1000);
    ledger.add({ kind: "client-left", clientId: 1 }, 2, 3);
    expect(ledger.liveBytes()).toBe(1000);
    expect(ledger.isLive(begun(5, 1))).toBe(false);
  });

  test("what was announced to end does not live, whatever of it is written on the way", () => {
    const ledger = createLedger();
    ledger.add(joined(1), 1, 10);
    ledger.announce(begun(5, 1));
    ledger.announce({ kind: "client-left", clientId: 1 });
    expect(ledger.isLive(begun(5, 1))).toBe(false);
    expect(ledger.isLive(joined(1))).toBe(false);
    ledger.add(begun(5, 1), 2, 100);
    ledger.add({ kind: "client-left", clientId: 1 }, 2, 3);
    expect(ledger.liveBytes()).toBe(0);
    expect(ledger.isLive(begun(5, 1))).toBe(false);
  });

  test("forgets a segment that is gone", () => {
    const ledger = createLedger();
    ledger.add(begun(5, 1), 1, 100);
    ledger.add(begun(5, 1), 4, 100);
    ledger.forget(1);
    expect([ledger.liveBytes(), ledger.liveBytes(1)]).toEqual([100, 0]);
    ledger.add({ kind: "plan-ended", serial: 5 }, 5, 1);
    expect(ledger.liveBytes()).toBe(0);
  });
});
