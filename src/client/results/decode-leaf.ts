import { deserialize } from "node:v8";
import { HyperloomError } from "../../core/model/errors.ts";
import { createPythonObject } from "../../core/model/python-object.ts";

const DECODERS: Readonly<Record<string, (bytes: Buffer) => unknown>> = {
  "loom/data": (bytes) => bytes,
  "loom/pyobj": (bytes) => createPythonObject(bytes, bytes.length),
  "loom/json": (bytes) => JSON.parse(bytes.toString()),
  "loom/jsobj": (bytes) => deserialize(bytes),
};

/** Whether values of the data type are bytes of their own. */
export const isLeaf = (dataType: string): boolean => Object.hasOwn(DECODERS, dataType);

/** The value of such bytes. Throws a HyperloomError if they are not what their type says. */
export function decodeLeaf(dataType: string, bytes: Buffer): unknown {
  try {
    return DECODERS[dataType]?.(bytes);
  } catch (cause) {
    throw new HyperloomError(
      "result-unreadable",
      `A value of type ${dataType} and ${bytes.length} bytes cannot be read here: ` +
        `${(cause as Error).message}. Use the same version of Node for client and workers.`,
      { cause },
    );
  }
}
