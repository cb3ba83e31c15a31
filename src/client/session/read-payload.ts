import type { FrameSplitter } from "../../protocol/client/frame-splitter.ts";
import type { ResultSink } from "../results/result-sink.ts";

/** How far a result has come. */
export type PayloadProgress = {
  readonly sink: ResultSink;
  missingFrames: number;
  isInFrame: boolean;
};

/** Passes on what has come of a result; false if more bytes are needed. */
export function readPayload(splitter: FrameSplitter, payload: PayloadProgress): boolean {
  const { sink } = payload;
  while (payload.missingFrames > 0) {
    if (!payload.isInFrame) {
      const sizeBytes = splitter.startFrame();
      if (sizeBytes === undefined) return false;
      sink.frame(sizeBytes);
      payload.isInFrame = true;
    }
    while (splitter.frameMissingBytes > 0) {
      const piece = splitter.readPiece();
      if (piece === undefined) return false;
      sink.piece(piece);
    }
    payload.isInFrame = false;
    payload.missingFrames -= 1;
  }
  return true;
}
