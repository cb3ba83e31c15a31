import { encodeUtf8 } from "../../core/base/utf8.ts";
import { FAILURE_KINDS, kindOf, type TaskFailure } from "../../core/model/failures.ts";
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
    Int32Array.of(present, exitCode ?? 0, FAILURE_KINDS.indexOf(kindOf(failure))),
    encodeUtf8(failure.message),
    encodeUtf8(signal ?? ""),
    encodeUtf8(stderr ?? ""),
  ];
}

export function readFailure(reader: ColumnReader): TaskFailure {
  const numbers = reader.i32();
  const [present = 0, exitCode = 0, kindNumber = 0] = numbers;
  const kind = FAILURE_KINDS[kindNumber];
  if (
    numbers.length !== 3 ||
    kind === undefined ||
    present < 0 ||
    present > (HAS_EXIT_CODE | HAS_SIGNAL | HAS_STDERR)
  ) {
    throw new ProtocolError("expected which parts a failure has, its exit code and its kind");
  }
  const message = readText(reader);
  const signal = readText(reader);
  const stderr = readText(reader);
  return {
    message,
    ...(kindNumber !== 0 && { kind }),
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
