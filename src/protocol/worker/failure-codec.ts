import { encodeUtf8 } from "../../core/base/utf8.ts";
import type { TaskFailure } from "../../core/model/failures.ts";
import { MAX_FAILURE_TEXT_LENGTH } from "../limits.ts";
import { ProtocolError } from "../protocol-error.ts";
import type { Column, ColumnReader } from "./columns-codec.ts";

const HAS_EXIT_CODE = 1;
const HAS_SIGNAL = 2;
const HAS_STDERR = 4;

export function failureColumns(failure: TaskFailure): Column[] {
  const { exitCode, signal, stderr } = failure;
  const present =
    (exitCode === undefined ? 0 : HAS_EXIT_CODE) |
    (signal === undefined ? 0 : HAS_SIGNAL) |
    (stderr === undefined ? 0 : HAS_STDERR);
  return [
    Int32Array.of(present, exitCode ?? 0),
    encodeUtf8(failure.message),
    encodeUtf8(signal ?? ""),
    encodeUtf8(stderr ?? ""),
  ];
}

export function readFailure(reader: ColumnReader): TaskFailure {
  const numbers = reader.i32();
  const [present = 0, exitCode = 0] = numbers;
  if (numbers.length !== 2 || present < 0 || present > (HAS_EXIT_CODE | HAS_SIGNAL | HAS_STDERR)) {
    throw new ProtocolError("expected which parts a failure has, and its exit code");
  }
  const message = readText(reader);
  const signal = readText(reader);
  const stderr = readText(reader);
  return {
    message,
    ...((present & HAS_EXIT_CODE) !== 0 && { exitCode }),
    ...((present & HAS_SIGNAL) !== 0 && { signal }),
    ...((present & HAS_STDERR) !== 0 && { stderr }),
  };
}

/** Of any length that a failure may have. */
export function readText(reader: ColumnReader): string {
  const text = reader.text();
  if (text.length > MAX_FAILURE_TEXT_LENGTH) {
    throw new ProtocolError(`a failure's text exceeds ${MAX_FAILURE_TEXT_LENGTH} characters`);
  }
  return text;
}
