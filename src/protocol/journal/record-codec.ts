import { unreachable } from "../../core/base/assert.ts";
import type { TaskFailure } from "../../core/model/failures.ts";
import type { FailureTold, JournalRecord } from "../../core/model/journal-record.ts";
import { unexpected } from "../protocol-error.ts";
import { ByteReader } from "../wire/byte-reader.ts";
import { ByteWriter } from "../wire/byte-writer.ts";
import { readMarks, readPlaces, readRows, writeMarks, writePlaces, writeRows } from "./runs.ts";

/** First byte of a record's body. Numbers are never used again for another kind. */
const TYPE = {
  "plan-accepted": 1,
  "tasks-expanded": 2,
  "plan-begun": 3,
  "plan-completed": 4,
  "results-ended": 5,
  "checkpoints-written": 6,
  "plan-failed": 7,
  "plan-ended": 8,
  "client-joined": 9,
  "client-left": 10,
  "worker-joined": 11,
  "worker-left": 12,
  "attempts-reserved": 13,
  "symbols-named": 14,
} as const satisfies Record<JournalRecord["kind"], number>;

/** Whose fact a record is: it is true until the owner's end. */
export type RecordOwner =
  | { readonly kind: "cluster" }
  | { readonly kind: "client" | "plan" | "worker"; readonly id: number };

export function ownerOf(record: JournalRecord): RecordOwner {
  switch (record.kind) {
    case "plan-accepted":
    case "tasks-expanded":
    case "plan-begun":
    case "plan-completed":
    case "results-ended":
    case "checkpoints-written":
    case "plan-ended":
      return { kind: "plan", id: record.serial };
    case "plan-failed":
    case "client-joined":
    case "client-left":
      return { kind: "client", id: record.clientId };
    case "worker-joined":
    case "worker-left":
      return { kind: "worker", id: record.workerId };
    case "attempts-reserved":
    case "symbols-named":
      return { kind: "cluster" };
    default:
      return unreachable(record);
  }
}

/** The body of a record: its parts, one after another; the frame of a plan is not copied. */
export function encodeRecord(record: JournalRecord): readonly Uint8Array[] {
  const writer = new ByteWriter();
  writer.u8(TYPE[record.kind]);
  switch (record.kind) {
    case "plan-accepted":
      writer.varint(record.serial);
      writer.varint(record.clientId);
      writer.int32(record.idBase);
      writer.varint(record.taskCount);
      writer.u8((record.isChunk ? 1 : 0) | (record.loadable === undefined ? 0 : 2));
      writePlaces(writer, record);
      if (record.loadable !== undefined) writeMarks(writer, record.loadable);
      writeRows(writer, record.inputRows);
      writer.varint(record.frame.length);
      return [writer.take(), record.frame];
    case "tasks-expanded":
      writer.varint(record.serial);
      writer.varint(record.newSerial);
      writer.varint(record.x);
      writer.varint(record.y);
      writer.varint(record.length);
      writer.varint(record.pieceItems);
      writePlaces(writer, {
        rows: Int32Array.from(record.rows),
        attemptBases: record.attemptBases,
      });
      writeRows(writer, record.consumers);
      break;
    case "plan-begun":
      writer.varint(record.serial);
      writer.varint(record.clientId);
      writer.int32(record.idBase);
      writer.varint(record.taskCount);
      break;
    case "plan-completed":
    case "plan-ended":
      writer.varint(record.serial);
      break;
    case "results-ended":
    case "checkpoints-written":
      writer.varint(record.serial);
      writeRows(writer, record.rows);
      break;
    case "plan-failed":
      writer.varint(record.clientId);
      writer.varint(record.serial);
      writer.int32(record.idBase);
      writer.varint(record.taskCount);
      writeFailure(writer, record.told);
      break;
    case "client-joined":
      writer.varint(record.clientId);
      writer.u8((record.takesCarried ? 1 : 0) | (record.life === "named" ? 2 : 0));
      writer.lengthPrefixed(record.session);
      break;
    case "client-left":
      writer.varint(record.clientId);
      break;
    case "worker-joined":
      writer.varint(record.workerId);
      writer.string(record.name);
      break;
    case "worker-left":
      writer.varint(record.workerId);
      break;
    case "attempts-reserved":
      writer.varint(record.ceiling);
      break;
    case "symbols-named":
      writer.varint(record.firstId);
      writer.varint(record.names.length);
      for (const name of record.names) writer.string(name);
      break;
    default:
      unreachable(record);
  }
  return [writer.take()];
}

/** Decodes a body whose checksum is right. Views of it are kept. Throws a ProtocolError all the same where it makes no sense. */
export function decodeRecord(body: Uint8Array): JournalRecord {
  const reader = new ByteReader(body);
  const type = reader.u8();
  const record = decodeBody(type, reader);
  if (reader.remainingBytes > 0) {
    throw unexpected("the end of a record", `${reader.remainingBytes} bytes more`);
  }
  return record;
}

function decodeBody(type: number, reader: ByteReader): JournalRecord {
  switch (type) {
    case TYPE["plan-accepted"]: {
      const serial = reader.varint();
      const clientId = reader.varint();
      const idBase = reader.int32();
      const taskCount = reader.varint();
      const flags = reader.u8();
      const { rows, attemptBases } = readPlaces(reader);
      return {
        kind: "plan-accepted",
        serial,
        clientId,
        idBase,
        taskCount,
        isChunk: (flags & 1) !== 0,
        rows,
        attemptBases,
        loadable: (flags & 2) === 0 ? undefined : readMarks(reader),
        inputRows: readRows(reader),
        frame: reader.lengthPrefixed(),
      };
    }
    case TYPE["tasks-expanded"]: {
      const head = {
        kind: "tasks-expanded",
        serial: reader.varint(),
        newSerial: reader.varint(),
        x: reader.varint(),
        y: reader.varint(),
        length: reader.varint(),
        pieceItems: reader.varint(),
      } as const;
      const { rows, attemptBases } = readPlaces(reader);
      return { ...head, rows: Uint32Array.from(rows), attemptBases, consumers: readRows(reader) };
    }
    case TYPE["plan-begun"]:
      return {
        kind: "plan-begun",
        serial: reader.varint(),
        clientId: reader.varint(),
        idBase: reader.int32(),
        taskCount: reader.varint(),
      };
    case TYPE["plan-completed"]:
      return { kind: "plan-completed", serial: reader.varint() };
    case TYPE["plan-ended"]:
      return { kind: "plan-ended", serial: reader.varint() };
    case TYPE["results-ended"]:
      return { kind: "results-ended", serial: reader.varint(), rows: readRows(reader) };
    case TYPE["checkpoints-written"]:
      return { kind: "checkpoints-written", serial: reader.varint(), rows: readRows(reader) };
    case TYPE["plan-failed"]:
      return {
        kind: "plan-failed",
        clientId: reader.varint(),
        serial: reader.varint(),
        idBase: reader.int32(),
        taskCount: reader.varint(),
        told: readFailure(reader),
      };
    case TYPE["client-joined"]: {
      const clientId = reader.varint();
      const flags = reader.u8();
      return {
        kind: "client-joined",
        clientId,
        takesCarried: (flags & 1) !== 0,
        life: (flags & 2) !== 0 ? "named" : "session",
        session: reader.lengthPrefixed(),
      };
    }
    case TYPE["client-left"]:
      return { kind: "client-left", clientId: reader.varint() };
    case TYPE["worker-joined"]:
      return { kind: "worker-joined", workerId: reader.varint(), name: reader.text() };
    case TYPE["worker-left"]:
      return { kind: "worker-left", workerId: reader.varint() };
    case TYPE["attempts-reserved"]:
      return { kind: "attempts-reserved", ceiling: reader.varint() };
    case TYPE["symbols-named"]:
      return { kind: "symbols-named", firstId: reader.varint(), names: readNames(reader) };
    default:
      throw unexpected("a known type of record", `type ${type}`);
  }
}

function writeFailure(writer: ByteWriter, told: FailureTold): void {
  writer.u8((told.isRefusal ? 1 : 0) | (told.cause === undefined ? 0 : 2));
  writer.int32(told.clientTask);
  writer.string(told.worker);
  writer.varint(told.attempts);
  writer.string(told.label);
  if (told.cause !== undefined) writer.int32(told.cause);
  // What a failure tells grows with each version.
  writer.string(JSON.stringify(told.failure));
}

function readFailure(reader: ByteReader): FailureTold {
  const flags = reader.u8();
  return {
    isRefusal: (flags & 1) !== 0,
    clientTask: reader.int32(),
    worker: reader.text(),
    attempts: reader.varint(),
    label: reader.text(),
    cause: (flags & 2) === 0 ? undefined : reader.int32(),
    failure: parseFailure(reader.text()),
  };
}

function parseFailure(text: string): TaskFailure {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "message" in value) {
      if (typeof value.message === "string") return value as TaskFailure;
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw unexpected("a failure with its message", JSON.stringify(text.slice(0, 80)));
}

function readNames(reader: ByteReader): string[] {
  const count = reader.varint();
  const names: string[] = [];
  for (let i = 0; i < count; i += 1) names.push(reader.string());
  return names;
}
