import { constants } from "node:buffer";
import { HyperloomError } from "../../core/model/errors.ts";
import { unreadable } from "./decode-leaf.ts";
import { loadArrow } from "./load-arrow.ts";
import type { ResultSink } from "./result-sink.ts";
import { ValueBuilder } from "./value-builder.ts";

export type ValueSinkHandlers = {
  readonly nameOf: (symbolId: number) => string | undefined;
  readonly onValue: (value: unknown) => void;
  readonly onError: (error: Error) => void;
};

/**
 * Gathers a result in memory; each byte is copied once. What cannot be held is refused when its
 * length is known, and what then comes of it is passed over.
 */
export function createValueSink({ nameOf, onValue, onError }: ValueSinkHandlers): ResultSink {
  let builder: ValueBuilder | undefined;
  let frame: Buffer | undefined;
  let filledBytes = 0;
  const add = (complete: Buffer): void => {
    try {
      builder?.add(complete);
    } catch (error) {
      if (!(error instanceof HyperloomError)) throw error;
      builder = undefined;
      onError(error);
    }
  };
  return {
    canRestart: true,
    begin(dataType, frameCount) {
      frame = undefined;
      builder = new ValueBuilder(dataType, frameCount, nameOf);
    },
    frame(sizeBytes) {
      if (builder === undefined) return;
      frame = allocate(sizeBytes);
      filledBytes = 0;
      if (frame === undefined) {
        builder = undefined;
        onError(tooLarge(sizeBytes));
      } else if (sizeBytes === 0) add(frame);
    },
    piece(bytes) {
      if (builder === undefined || frame === undefined) return;
      frame.set(bytes, filledBytes);
      filledBytes += bytes.length;
      if (filledBytes === frame.length) add(frame);
    },
    end() {
      if (builder === undefined) return;
      const value = builder.finish();
      if (builder.tables.length === 0) onValue(value);
      else readTables(builder).then(onValue, onError);
    },
    fail(error) {
      builder = undefined;
      onError(error);
    },
  };
}

/** The value with its tables in it. Rejects with a HyperloomError. */
async function readTables(builder: ValueBuilder): Promise<unknown> {
  const arrow = await loadArrow();
  for (const { bytes, put } of builder.tables) {
    try {
      put(arrow.tableFromIPC(bytes));
    } catch (cause) {
      const { message } = cause as Error;
      throw unreadable(`A table of ${bytes.length} bytes cannot be read: ${message}`, cause);
    }
  }
  return builder.finish();
}

/** Undefined where Node, or this machine, cannot hold so much in one piece. */
function allocate(sizeBytes: number): Buffer | undefined {
  if (sizeBytes > constants.MAX_LENGTH) return undefined;
  try {
    return Buffer.allocUnsafe(sizeBytes);
  } catch {
    return undefined;
  }
}

function tooLarge(sizeBytes: number): HyperloomError {
  return new HyperloomError(
    "result-too-large",
    `The result has ${sizeBytes} bytes, and a Buffer of this Node holds at most ` +
      `${constants.MAX_LENGTH}. Use future.fetch({ to: path }) or future.stream() instead.`,
  );
}
