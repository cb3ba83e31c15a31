import type { CarriedResults } from "../../core/model/batches.ts";
import { ProtocolError } from "../../protocol/protocol-error.ts";
import type { ResultSink } from "./result-sink.ts";

const LENGTH_BYTES = 8;

/** A result that came with the notification that it is finished: an entry of `results`. */
export type CarriedValue = { readonly results: CarriedResults; readonly entry: number };

/** Gives the sink the frames, as if they came now. Throws what the sink throws, and a ProtocolError. */
export function readCarried(
  { results, entry }: CarriedValue,
  sink: ResultSink,
  nameOf: (symbolId: number) => string | undefined,
): void {
  const dataType = results.dataTypes[entry] as number;
  const frameCount = results.frameCounts[entry] as number;
  const end = results.starts[entry + 1] as number;
  const { bytes } = results;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = results.starts[entry] as number;
  sink.begin(nameOf(dataType) ?? `data type ${dataType}`, frameCount);
  for (let frame = 0; frame < frameCount; frame += 1) {
    if (at + LENGTH_BYTES > end) throw new ProtocolError("a finished result lacks frames");
    const sizeBytes = view.getUint32(at, true) + 2 ** 32 * view.getUint32(at + 4, true);
    at += LENGTH_BYTES;
    if (at + sizeBytes > end) throw new ProtocolError("a frame exceeds its finished result");
    sink.frame(sizeBytes);
    if (sizeBytes > 0) sink.piece(bytes.subarray(at, at + sizeBytes));
    at += sizeBytes;
  }
  if (at !== end) throw new ProtocolError("a finished result has bytes after its last frame");
  sink.end();
}
