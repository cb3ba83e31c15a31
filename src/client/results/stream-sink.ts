import { Readable } from "node:stream";
import { HyperloomError } from "../../core/model/errors.ts";
import type { ResultSink } from "./result-sink.ts";

/** Enough to keep a disk busy while the connection is paused and resumed. */
const BUFFERED_BYTES = 1024 * 1024;

/** What is bytes that others than this package can read. */
const STREAMED: ReadonlySet<string> = new Set(["loom/data", "loom/pyobj", "loom/arrow"]);

export type StreamSinkHandlers = {
  /** Asks for the result, unless it is not wanted any more by then. Called once, with the first read. */
  readonly request: (sink: ResultSink, isWanted: () => boolean) => Promise<void>;
  /** Stops and continues what comes from the server. */
  readonly pause: () => void;
  readonly resume: () => void;
};

/** A stream that passes a result on as it comes, with back-pressure up to the server. */
export function createResultStream({ request, pause, resume }: StreamSinkHandlers): Readable {
  let requested = false;
  /** The result's frames come now. */
  let receiving = false;
  let dataTypeSoFar: string | undefined;
  let passedBytes = 0;
  /** Of a result that comes again after its connection broke: what was passed on already. */
  let skipBytes = 0;
  const stream = new Readable({
    highWaterMark: BUFFERED_BYTES,
    read() {
      if (!requested) {
        requested = true;
        void request(sink, () => !stream.destroyed);
      } else if (receiving) resume();
    },
    destroy(error, callback) {
      // What still comes must be read off the connection, whoever else waits for it.
      if (receiving) resume();
      callback(error);
    },
  });
  const sink: ResultSink = {
    canRestart: false,
    begin(dataType) {
      receiving = true;
      if (dataTypeSoFar !== undefined && dataTypeSoFar !== dataType) {
        stream.destroy(changed());
        return;
      }
      dataTypeSoFar = dataType;
      skipBytes = passedBytes;
      if (!STREAMED.has(dataType)) stream.destroy(notRaw(dataType));
    },
    frame() {},
    piece(bytes) {
      const skipped = Math.min(skipBytes, bytes.length);
      skipBytes -= skipped;
      if (stream.destroyed || skipped === bytes.length) return;
      passedBytes += bytes.length - skipped;
      if (!stream.push(skipped === 0 ? bytes : bytes.subarray(skipped))) pause();
    },
    end() {
      receiving = false;
      if (skipBytes > 0) stream.destroy(changed());
      // The last pieces wait in the stream, so nothing else needs to wait for its reader.
      resume();
      if (!stream.destroyed) stream.push(null);
    },
    fail(error) {
      receiving = false;
      stream.destroy(error);
    },
  };
  return stream;
}

function changed(): HyperloomError {
  return new HyperloomError(
    "server-lost",
    "The connection broke while the result was streamed, and what came after that is another result: " +
      "it was computed again meanwhile. Stream it once more.",
  );
}

function notRaw(dataType: string): HyperloomError {
  return new HyperloomError(
    "result-not-raw",
    `Only raw data can be streamed, and the result is of the type ${dataType}. Use future.fetch().`,
  );
}
