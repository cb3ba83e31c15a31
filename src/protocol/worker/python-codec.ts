import { encodeUtf8 } from "../../core/base/utf8.ts";
import type { WorkerPython } from "../../core/model/versions.ts";
import { ProtocolError } from "../protocol-error.ts";
import type { Column, ColumnReader } from "./columns-codec.ts";
import { readText } from "./failure-codec.ts";
import { nameColumns, readName, readNames, scalarColumn } from "./text-columns.ts";

const MISSING = 0;
const FOUND = 1;

/** Whether there is one; then its path and its versions as two lists of names, or why there is none. */
export function pythonColumns(python: WorkerPython): Column[] {
  if (python.kind === "missing") return [scalarColumn(MISSING), encodeUtf8(python.reason)];
  return [
    scalarColumn(FOUND),
    encodeUtf8(python.interpreter),
    ...nameColumns(python.versions.map(({ name }) => name)),
    ...nameColumns(python.versions.map(({ version }) => version)),
  ];
}

export function readPython(reader: ColumnReader): WorkerPython {
  const kind = reader.scalar();
  if (kind === MISSING) return { kind: "missing", reason: readText(reader) };
  if (kind !== FOUND) throw new ProtocolError("expected whether a worker has a Python");
  const interpreter = readName(reader);
  const names = readNames(reader);
  const versions = readNames(reader);
  if (names.length !== versions.length) throw new ProtocolError("a name without a version");
  return {
    kind: "found",
    interpreter,
    versions: names.map((name, index) => ({ name, version: versions[index] ?? "" })),
  };
}
