import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Log } from "../../../src/core/base/log.ts";
import type { JournalRecord } from "../../../src/core/model/journal-record.ts";
import type { Journal } from "../../../src/server/journal/journal.ts";
import { type OpenedJournal, openJournal } from "../../../src/server/journal/open-journal.ts";

let directory = "";
let logged: string[] = [];
const log: Log = (level, message, details) => {
  logged.push(`${level} ${message} ${JSON.stringify(details ?? {})}`);
};

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), "journal-")), "deep", "journal");
  logged = [];
});
afterEach(() => rmSync(join(directory, "..", ".."), { recursive: true, force: true }));

const begun = (serial: number, clientId = 1): JournalRecord => ({
  kind: "plan-begun",
  serial,
  clientId,
  idBase: 0,
  taskCount: 1,
});
const failed = (clientId: number, sizeBytes: number): JournalRecord => ({
  kind: "plan-failed",
  serial: 1,
  clientId,
  idBase: 0,
  taskCount: 1,
  told: {
    clientTask: 0,
    worker: "",
    attempts: 1,
    label: "",
    failure: { message: "x".repeat(sizeBytes) },
    cause: undefined,
    isRefusal: false,
  },
});

const open = (segmentBytes = 1024 * 1024): Promise<OpenedJournal> =>
  openJournal({ directory, log, segmentBytes, onLost: () => {} });

type Running = {
  readonly journal: Journal;
  readonly records: readonly JournalRecord[];
  readonly clusterId: string;
  /** Waits until all that was appended is safe. */
  flushed(): Promise<void>;
  count: number;
};

async function start(segmentBytes?: number): Promise<Running> {
  const opened = await open(segmentBytes);
  const records: JournalRecord[] = [];
  try {
    await opened.read((record) => {
      if (record.kind !== "attempts-reserved") records.push(structuredClone(record));
    });
  } catch (error) {
    await opened.release();
    throw error;
  }
  const journal = await opened.start({
    beginning: () => ({
      records: [{ kind: "attempts-reserved", ceiling: 7 }],
      nextId: 3,
      nextSerial: 4,
    }),
    onFlushed: () => {},
  });
  const running: Running = {
    journal,
    records,
    clusterId: opened.clusterId,
    count: 0,
    flushed: () => new Promise((resolve) => journal.whenSafe(running.count, resolve)),
  };
  return running;
}

function append(running: Running, ...records: readonly JournalRecord[]): void {
  for (const record of records) running.journal.append(record);
  running.count += records.length;
}

const stop = async ({ journal }: Running): Promise<void> => journal[Symbol.asyncDispose]();

const segments = (): string[] =>
  readdirSync(directory)
    .filter((name) => name.endsWith(".hlj"))
    .sort()
    .map((name) => join(directory, name));

describe("a journal's directory", () => {
  test("gives back what was written, and the cluster's name, run after run", async () => {
    const first = await start();
    append(first, begun(1), begun(2));
    await first.flushed();
    await stop(first);
    const second = await start();
    expect(second.records).toEqual([begun(1), begun(2)]);
    expect(second.clusterId).toBe(first.clusterId);
    append(second, begun(3));
    await stop(second);
    const third = await start();
    expect(third.records).toEqual([begun(1), begun(2), begun(3)]);
    await stop(third);
  });

  test("has no more than was safe lost when the last write is torn, and says so", async () => {
    const first = await start();
    append(first, begun(1));
    await first.flushed();
    await stop(first);
    const path = segments()[0] as string;
    const whole = readFileSync(path);
    for (const cut of [1, 5, 12]) {
      writeFileSync(path, whole.subarray(0, -cut));
      const next = await start();
      expect(next.records).toEqual([]);
      await stop(next);
      for (const later of segments().slice(1)) rmSync(later);
    }
    expect(logged.join("\n")).toContain("torn; it is cut off");
  });

  test("may have a segment of which not even the header was safe", async () => {
    const first = await start();
    append(first, begun(1));
    await first.flushed();
    await stop(first);
    writeFileSync(
      join(directory, "000000000002.hlj"),
      readFileSync(segments()[0] as string).subarray(0, 11),
    );
    const next = await start();
    expect(next.records).toEqual([begun(1)]);
    await stop(next);
  });

  test("is refused where something was changed that was safe", async () => {
    const first = await start();
    append(first, begun(1));
    await first.flushed();
    append(first, begun(2));
    await first.flushed();
    await stop(first);
    const path = segments()[0] as string;
    const bytes = readFileSync(path);
    // In the first of the two records, behind which stands what was safe before the second.
    const at = bytes.indexOf(Buffer.from([3, 1, 1, 0, 1])) + 1;
    bytes[at] = 99;
    writeFileSync(path, bytes);
    await expect(start()).rejects.toThrow(/is damaged at byte \d+/);
  });

  test("is refused where it is of another version, something else, or lacks a segment", async () => {
    const first = await start(1);
    append(first, begun(1));
    await first.flushed();
    append(first, begun(2));
    await first.flushed();
    append(first, begun(3));
    await first.flushed();
    await stop(first);
    expect(segments().length).toBeGreaterThan(2);
    const middle = segments()[1] as string;
    const kept = readFileSync(middle);
    rmSync(middle);
    await expect(start()).rejects.toThrow("is missing");
    const other = Buffer.from(kept);
    other[8] = 200;
    writeFileSync(middle, other);
    await expect(start()).rejects.toThrow("another version of HyperLoom");
    writeFileSync(middle, "#!/bin/sh\n");
    await expect(start()).rejects.toThrow("no segment of a journal");
    writeFileSync(middle, kept);
    const next = await start();
    // What was being written once more when the first one stopped may be there twice.
    expect(new Set(next.records.map((record) => JSON.stringify(record)))).toEqual(
      new Set([begun(1), begun(2), begun(3)].map((record) => JSON.stringify(record))),
    );
    await stop(next);
  });

  test("is one server's at a time, and a dead one's lock is taken over", async () => {
    const first = await start();
    await expect(start()).rejects.toThrow(`in use by the server with process ${process.pid}`);
    await stop(first);
    const dead = spawnSync("true");
    const lock = { token: "t", pid: dead.pid, started: "1", beat: 0 };
    const { hostname } = await import("node:os");
    writeFileSync(join(directory, "lock"), JSON.stringify({ ...lock, host: hostname() }));
    const second = await start();
    await stop(second);
  });

  test("keeps in proportion to what lives: what has ended goes, what lives stays, in any order", async () => {
    const running = await start(10_000);
    append(running, {
      kind: "client-joined",
      clientId: 1,
      takesCarried: false,
      life: "session",
      session: Uint8Array.of(1),
    });
    append(running, begun(1), failed(1, 2_000));
    for (let serial = 2; serial < 200; serial += 1) {
      append(running, begun(serial, 2), failed(1000 + serial, 3_000));
      append(running, { kind: "plan-ended", serial });
      append(running, { kind: "client-left", clientId: 1000 + serial });
      if (serial % 4 === 0) await running.flushed();
    }
    await running.flushed();
    const sizeBytes = (): number => segments().reduce((sum, path) => sum + statSync(path).size, 0);
    while (sizeBytes() > 60_000) {
      append(running, begun(1));
      await running.flushed();
      await delay(5);
    }
    await stop(running);
    const next = await start(10_000);
    const kinds = new Set(next.records.map((record) => JSON.stringify(record)));
    expect(kinds).toContain(JSON.stringify(begun(1)));
    expect(next.records.filter(({ kind }) => kind === "client-joined")).toHaveLength(1);
    expect(
      next.records.some((record) => record.kind === "plan-failed" && record.clientId === 1),
    ).toBe(true);
    await stop(next);
  });
});
