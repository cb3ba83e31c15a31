import { isLeafType } from "../../core/model/symbols.ts";
import { MAX_PULL_ANSWER_BODY_BYTES } from "../limits.ts";
import { FrameReader } from "../worker/frame-reader.ts";
import { decodeFromHolder } from "./codec.ts";
import type { FromHolder } from "./messages.ts";

/** What the puller does with the stream, in its order. */
export type PeerReaderHandlers = {
  /** A message. After an object's, its payload follows, then `onObjectEnd`, before any other message. */
  onMessage(message: FromHolder): void;
  /**
   * A piece of the payload: a view of the received chunk, to be written or copied before the call
   * returns. It never crosses two leaves.
   */
  onPayload(bytes: Uint8Array, at: PayloadPosition): void;
  /** The payload of the object announced last is complete, also when it has no bytes. */
  onObjectEnd(): void;
};

/** Where a piece of payload belongs. */
export type PayloadPosition = {
  /** Row of the leaf in the value tree; 0 for client frames. */
  readonly row: number;
  /** Bytes of that leaf, or of the client frames, that came before. */
  readonly offsetBytes: number;
};

export type PeerReader = {
  /** Throws a ProtocolError; the stream is unusable afterwards. */
  feed(chunk: Uint8Array): void;
  /** Whether the stream stands between two answers, where alone it may end. */
  readonly atBoundary: boolean;
};

/** Payload of one object that is still to come, leaf by leaf. */
type Payload = {
  readonly leaves: readonly number[];
  readonly leafSizesBytes: readonly number[];
  leaf: number;
  offsetBytes: number;
};

/** Splits what a data port answers into messages and raw payload, without copying the payload. */
export function createPeerReader(handlers: PeerReaderHandlers): PeerReader {
  const frames = new FrameReader(MAX_PULL_ANSWER_BODY_BYTES);
  let payload: Payload | undefined;

  /** Passes payload on from `start`; returns where the rest of the chunk begins. */
  const takePayload = (current: Payload, chunk: Uint8Array, start: number): number => {
    let position = start;
    while (current.leaf < current.leaves.length) {
      const sizeBytes = current.leafSizesBytes[current.leaf] ?? 0;
      const end = Math.min(chunk.length, position + sizeBytes - current.offsetBytes);
      if (end > position) {
        const at = { row: current.leaves[current.leaf] ?? 0, offsetBytes: current.offsetBytes };
        current.offsetBytes += end - position;
        handlers.onPayload(chunk.subarray(position, end), at);
        position = end;
      }
      if (current.offsetBytes < sizeBytes) return position;
      current.leaf += 1;
      current.offsetBytes = 0;
    }
    payload = undefined;
    handlers.onObjectEnd();
    return position;
  };

  const takeFrame = (chunk: Uint8Array, start: number): number => {
    const frame = frames.next(chunk, start);
    if (frame === undefined) return frames.position;
    const message = decodeFromHolder(frame.kind, frame.body);
    payload = payloadOf(message);
    handlers.onMessage(message);
    return payload === undefined ? frames.position : takePayload(payload, chunk, frames.position);
  };

  return {
    feed: (chunk) => {
      let position = 0;
      while (position < chunk.length) {
        position =
          payload === undefined
            ? takeFrame(chunk, position)
            : takePayload(payload, chunk, position);
      }
    },
    get atBoundary() {
      return payload === undefined && frames.atBoundary;
    },
  };
}

function payloadOf(message: FromHolder): Payload | undefined {
  if (message.kind === "object-frames") {
    return { leaves: [0], leafSizesBytes: [message.payloadBytes], leaf: 0, offsetBytes: 0 };
  }
  if (message.kind !== "object") return undefined;
  const { kinds, sizesBytes } = message.tree;
  const leaves: number[] = [];
  let file = 0;
  kinds.forEach((kind, row) => {
    if (message.files[file]?.row === row) file += 1;
    else if (isLeafType(kind)) leaves.push(row);
  });
  return {
    leaves,
    leafSizesBytes: leaves.map((row) => sizesBytes[row] ?? 0),
    leaf: 0,
    offsetBytes: 0,
  };
}
