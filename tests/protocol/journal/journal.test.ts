import { crc32 as zlibCrc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { crc32 } from "../../../src/core/base/crc32.ts";
import { createRandom } from "../../../src/core/base/random.ts";
import type { JournalRecord } from "../../../src/core/model/journal-record.ts";
import { decodeRecord, encodeRecord } from "../../../src/protocol/journal/record-codec.ts";
import { DamageFinder, RecordScanner } from "../../../src/protocol/journal/record-scanner.ts";
import {
  encodeRecordHeader,
  encodeSafeRecord,
  encodeSegmentHeader,
  JOURNAL_VERSION,
  readSegmentHeader,
} from "../../../src/protocol/journal/segment.ts";

const RECORDS: readonly JournalRecord[] = [
  {
    kind: "plan-accepted",
    serial: 300,
    clientId: 2,
    idBase: -9,
    taskCount: 9,
    isChunk: false,
    frame: Uint8Array.of(1, 2, 3),
    rows: Int32Array.of(-1, 7, 8, 9, -1, 3, 2, 1, 40),
    attemptBases: Uint32Array.of(0, 1, 1, 5, 0, 2, 2, 2, 0),
    loadable: Uint8Array.of(1, 1, 0, 0, 1, 0, 0, 0, 0),
    inputRows: Uint32Array.of(4, 4, 90_000),
  },
  {
    kind: "tasks-expanded",
    serial: 1,
    newSerial: 2,
    x: 3,
    y: 4,
    length: 1000,
    pieceItems: 10,
    rows: Uint32Array.of(10, 11, 12, 13),
    attemptBases: Uint32Array.of(1, 1, 1, 1),
    consumers: Uint32Array.of(5),
  },
  { kind: "plan-begun", serial: 5, clientId: 3, idBase: -4, taskCount: 1_000_000 },
  { kind: "plan-completed", serial: 5 },
  { kind: "results-ended", serial: 5, rows: Uint32Array.of(9, 8, 7, 100, 101, 102) },
  { kind: "checkpoints-written", serial: 5, rows: new Uint32Array(0) },
  {
    kind: "plan-failed",
    serial: 5,
    clientId: 3,
    idBase: 0,
    taskCount: 7,
    told: {
      clientTask: -3,
      worker: "host:1",
      attempts: 3,
      label: "märz",
      failure: { message: "exit status 1", exitCode: 1, stderr: "no such file" },
      cause: 12,
      isRefusal: false,
    },
  },
  { kind: "plan-ended", serial: 5 },
  {
    kind: "client-joined",
    clientId: 9,
    takesCarried: true,
    life: "named",
    session: Uint8Array.of(0, 255),
  },
  { kind: "client-left", clientId: 9 },
  { kind: "worker-joined", workerId: 4, name: "10.0.0.1:8000" },
  { kind: "worker-left", workerId: 4 },
  { kind: "attempts-reserved", ceiling: 2 ** 32 - 1 },
  { kind: "symbols-named", firstId: 24, names: ["site/one", "loom/resource/gpus"] },
];

const join = (parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

const framed = (record: JournalRecord): Uint8Array => {
  const parts = encodeRecord(record);
  return join([encodeRecordHeader(crc32, parts), ...parts]);
};

describe("records of the journal", () => {
  test.each(RECORDS.map((record) => [record.kind, record] as const))("%s", (_, record) => {
    expect(decodeRecord(join(encodeRecord(record)))).toEqual(record);
  });

  test("a record that is cut or has more bytes is refused", () => {
    for (const record of RECORDS) {
      const body = join(encodeRecord(record));
      expect(() => decodeRecord(body.subarray(0, -1)), record.kind).toThrow();
      expect(() => decodeRecord(join([body, Uint8Array.of(0)])), record.kind).toThrow();
    }
  });

  test("rows in any order come back in that order", () => {
    const random = createRandom(7);
    for (let round = 0; round < 200; round += 1) {
      const count = random.below(60);
      const rows = Int32Array.from({ length: count }, (_, i) =>
        random.unit() < 0.3 ? -1 : random.unit() < 0.7 ? i : random.below(1000),
      );
      const attemptBases = Uint32Array.from(rows, (row) => (row === -1 ? 0 : random.below(3)));
      const loadable = Uint8Array.from(rows, () => random.below(2));
      const record: JournalRecord = {
        kind: "plan-accepted",
        serial: 1,
        clientId: 1,
        idBase: 0,
        taskCount: 99,
        isChunk: true,
        frame: new Uint8Array(0),
        rows,
        attemptBases,
        loadable,
        inputRows: Uint32Array.from(rows, (row) => Math.abs(row)),
      };
      expect(decodeRecord(join(encodeRecord(record)))).toEqual(record);
    }
  });

  test("a million rows in a row cost a few bytes", () => {
    const rows = Int32Array.from({ length: 1_000_000 }, (_, i) => i + 5);
    const record: JournalRecord = {
      kind: "plan-accepted",
      serial: 1,
      clientId: 1,
      idBase: 0,
      taskCount: 99,
      isChunk: true,
      frame: new Uint8Array(0),
      rows,
      attemptBases: new Uint32Array(rows.length),
      loadable: undefined,
      inputRows: new Uint32Array(0),
    };
    expect(join(encodeRecord(record)).length).toBeLessThan(32);
  });
});

test("the checksum is zlib's", () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => i);
  expect(crc32(bytes)).toBe(zlibCrc32(bytes));
  expect(crc32(bytes.subarray(100), crc32(bytes.subarray(0, 100)))).toBe(zlibCrc32(bytes));
});

describe("a segment", () => {
  const fields = { number: 12, clusterId: "abc", previousBytes: 7, nextId: 3, nextSerial: 2 ** 33 };
  const header = encodeSegmentHeader(crc32, fields);

  test("tells its number and cluster", () => {
    expect(readSegmentHeader(crc32, header)).toEqual({
      kind: "header",
      header: fields,
      sizeBytes: header.length,
    });
  });

  test("that is cut anywhere in its header is torn", () => {
    for (let length = 0; length < header.length; length += 1) {
      expect(readSegmentHeader(crc32, header.subarray(0, length)).kind).toBe("torn");
    }
    expect(readSegmentHeader(crc32, new Uint8Array(64)).kind).toBe("torn");
  });

  test("of another version, or that is something else, is told", () => {
    const other = header.slice();
    other[8] = JOURNAL_VERSION + 1;
    expect(readSegmentHeader(crc32, other)).toEqual({
      kind: "other-version",
      version: JOURNAL_VERSION + 1,
    });
    expect(readSegmentHeader(crc32, new TextEncoder().encode("#!/bin/sh\necho")).kind).toBe(
      "not-a-journal",
    );
  });

  const bytes = join([
    ...RECORDS.slice(0, 3).map(framed),
    encodeSafeRecord(crc32, 5),
    framed(RECORDS[3] as JournalRecord),
  ]);

  test("is read in pieces of any size", () => {
    for (const piece of [1, 3, 17, 1000]) {
      const scanner = new RecordScanner(crc32, 0);
      const found: JournalRecord[] = [];
      for (let at = 0; at < bytes.length; at += piece) {
        scanner.push(bytes.subarray(at, at + piece));
        for (let record = scanner.next(); record !== undefined; record = scanner.next()) {
          found.push(decodeRecord(record.body.slice()));
        }
      }
      expect(found).toEqual(RECORDS.slice(0, 4));
      expect(scanner.offset).toBe(bytes.length);
      expect(scanner.isBad).toBe(false);
    }
  });

  test("that is cut anywhere gives the whole records before the cut", () => {
    for (let length = 0; length < bytes.length; length += 1) {
      const scanner = new RecordScanner(crc32, 0);
      scanner.push(bytes.subarray(0, length));
      let end = 0;
      for (let record = scanner.next(); record !== undefined; record = scanner.next()) {
        end = record.offset + record.sizeBytes;
      }
      expect(scanner.offset).toBeGreaterThanOrEqual(end);
      expect(scanner.offset).toBeLessThanOrEqual(length);
      expect(scanner.isBad).toBe(false);
    }
  });

  test("with a changed bit is bad from there on, and damaged only where more was safe", () => {
    const first = framed(RECORDS[2] as JournalRecord);
    for (const safeBytes of [0, first.length]) {
      const all = join([
        first,
        encodeSafeRecord(crc32, safeBytes),
        framed(RECORDS[3] as JournalRecord),
      ]);
      for (let bit = 32; bit < 8 * first.length; bit += 1) {
        const changed = all.slice();
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        const scanner = new RecordScanner(crc32, 0);
        scanner.push(changed);
        expect(scanner.next()).toBeUndefined();
        expect(scanner.isBad).toBe(true);
        const finder = new DamageFinder(crc32, scanner.offset);
        for (const byte of scanner.rest()) finder.push(Uint8Array.of(byte));
        expect(finder.isDamaged).toBe(safeBytes > 0);
      }
    }
  });
});
