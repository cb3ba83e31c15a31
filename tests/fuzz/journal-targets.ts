import { crc32 } from "../../src/core/base/crc32.ts";
import type { JournalRecord } from "../../src/core/model/journal-record.ts";
import { decodeRecord, encodeRecord } from "../../src/protocol/journal/record-codec.ts";
import { RecordScanner } from "../../src/protocol/journal/record-scanner.ts";
import { MAX_RECORD_ROWS } from "../../src/protocol/journal/runs.ts";
import {
  encodeRecordHeader,
  encodeSegmentHeader,
  readSegmentHeader,
} from "../../src/protocol/journal/segment.ts";
import { runSimulation } from "../../src/simulator/run-simulation.ts";
import { isProtocolError } from "./client-targets.ts";
import type { FuzzTarget } from "./target.ts";

const join = (parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

/** What clusters with faults write down. */
function recordSamples(): Uint8Array[] {
  const bodies: Uint8Array[] = [];
  let count = 0;
  const onStep = (records: readonly JournalRecord[]): number => {
    count += records.length;
    for (const record of records) bodies.push(join(encodeRecord(record)));
    return count;
  };
  const faults = ["lost", "release", "leave"] as const;
  runSimulation({ workload: "expansions", taskCount: 24, faults }, { onStep });
  runSimulation({ workload: "failing", taskCount: 20, clientCount: 2 }, { onStep });
  runSimulation({ workload: "checkpoints", taskCount: 20, faults }, { onStep });
  return bodies.map((body) => body.subarray(0, 2_000));
}

const BODIES = recordSamples();
const HEADER = encodeSegmentHeader(crc32, {
  number: 3,
  previousBytes: 77,
  nextId: 9,
  nextSerial: 11,
  clusterId: "c0ffee",
});

export const JOURNAL_TARGETS: readonly FuzzTarget[] = [
  {
    name: "journal-record",
    share: 10,
    samples: BODIES,
    decode: decodeRecord,
    encode: (record: JournalRecord) => join(encodeRecord(record)),
    // Rows are written as runs.
    expandsToBytes: 3 * 4 * MAX_RECORD_ROWS,
    isRefusal: isProtocolError,
  },
  {
    name: "journal-segment",
    share: 2,
    samples: [HEADER],
    decode: (bytes) => readSegmentHeader(crc32, bytes),
  },
  {
    name: "journal-scan",
    share: 3,
    samples: BODIES.slice(0, 40).map((body) => join([encodeRecordHeader(crc32, [body]), body])),
    decode: (bytes) => {
      const scanner = new RecordScanner(crc32, 0);
      scanner.push(bytes);
      let found = 0;
      while (scanner.next() !== undefined) found += 1;
      // What is torn or bad ends the scan; nothing behind it is taken for good.
      if (scanner.offset > bytes.length) throw new Error("a record ends behind the bytes");
      return found;
    },
  },
];
