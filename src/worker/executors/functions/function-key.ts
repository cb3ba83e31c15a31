import { createHash } from "node:crypto";
import type { ValueId } from "../../store/value-id.ts";
import type { ValueTable } from "../../store/value-table.ts";

/**
 * Names the code of functions by their content, so that a runner loads one once however often it is
 * submitted; a file, which would take long to read, by its place.
 */
export type FunctionKeys = { keyOf(code: ValueId): string };

export function createFunctionKeys(values: ValueTable): FunctionKeys {
  /** Of this turn of the event loop: rows of values are used again. */
  const recent = new Map<ValueId, string>();
  return {
    keyOf(code) {
      let key = recent.get(code);
      if (key === undefined) {
        if (recent.size === 0) queueMicrotask(() => recent.clear());
        key = computeKey(values, code);
        recent.set(code, key);
      }
      return key;
    },
  };
}

function computeKey(values: ValueTable, code: ValueId): string {
  const stretch = values.fileStretch(code);
  if (stretch !== undefined) {
    const { file, offset, sizeBytes } = stretch;
    return `${values.files.path(file)}:${offset}:${sizeBytes}`;
  }
  const bytes = values.bytes(code) ?? new Uint8Array(0);
  return createHash("sha1").update(bytes).digest("base64");
}
