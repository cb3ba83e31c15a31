import { LOG_STREAMS } from "../../core/model/task-log.ts";
import { ProtocolError } from "../protocol-error.ts";
import { requireSizes } from "./batch-codec.ts";
import type { Column, ColumnReader } from "./columns-codec.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

type ReadLog = Extract<ToWorker, { kind: "read-log" }>;
type LogPart = Extract<FromWorker, { kind: "log-part" }>;

export function readLogColumns(message: ReadLog): Column[] {
  const { request, task, attempt, stream, position } = message;
  return [
    Uint32Array.of(request, task, attempt, LOG_STREAMS.indexOf(stream)),
    Float64Array.of(position),
  ];
}

export function readReadLog(reader: ColumnReader): ReadLog {
  const numbers = reader.u32();
  const [request = 0, task = 0, attempt = 0, streamNumber = 0] = numbers;
  const [position] = readSizes(reader, 1);
  const stream = LOG_STREAMS[streamNumber];
  if (numbers.length !== 4 || stream === undefined || position === undefined) {
    throw new ProtocolError("expected a request, an attempt, and a stream of its log");
  }
  return { kind: "read-log", request, task, attempt, stream, position };
}

export function logPartColumns({ request, part }: LogPart): Column[] {
  const { bytes, next, skippedBytes, isEnd } = part;
  return [Uint32Array.of(request, isEnd ? 1 : 0), Float64Array.of(next, skippedBytes), bytes];
}

export function readLogPart(reader: ColumnReader): LogPart {
  const numbers = reader.u32();
  const [request = 0, end = 0] = numbers;
  const [next = 0, skippedBytes = 0] = readSizes(reader, 2);
  if (numbers.length !== 2 || end > 1) throw new ProtocolError("expected a part of a log");
  const part = { bytes: reader.u8(), next, skippedBytes, isEnd: end === 1 };
  return { kind: "log-part", request, part };
}

function readSizes(reader: ColumnReader, count: number): Float64Array {
  const sizes = reader.f64();
  requireSizes(sizes);
  if (sizes.length !== count) throw new ProtocolError("expected positions in a log");
  return sizes;
}
