import { deserialize } from "node:v8";
import { HyperloomError } from "../../core/model/errors.ts";
import { createPythonObject } from "../../core/model/python-object.ts";

/** Bytes of an Arrow table: the library that reads them is there later than they. */
export class TableBytes {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

const DECODERS: Readonly<Record<string, (bytes: Buffer) => unknown>> = {
  "loom/data": (bytes) => bytes,
  "loom/pyobj": (bytes) => createPythonObject(bytes, bytes.length),
  "loom/json": (bytes) => JSON.parse(bytes.toString()),
  "loom/jsobj": (bytes) => deserialize(bytes),
  "loom/absent": () => undefined,
  "loom/arrow": (bytes) => new TableBytes(bytes),
};

/** Whether values of the data type are bytes of their own. */
export const isLeaf = (dataType: string): boolean => Object.hasOwn(DECODERS, dataType);

/**
 * The value of such bytes; of a table, its `TableBytes`. Throws a HyperloomError if they are not what
 * their type says.
 */
export function decodeLeaf(dataType: string, bytes: Buffer): unknown {
  try {
    return DECODERS[dataType]?.(bytes);
  } catch (cause) {
    throw unreadable(
      `A value of type ${dataType} and ${bytes.length} bytes cannot be read here: ` +
        `${(cause as Error).message}. Use the same version of Node for client and workers.`,
      cause,
    );
  }
}

export function unreadable(message: string, cause: unknown): HyperloomError {
  return new HyperloomError("result-unreadable", message, { cause });
}
