import fc from "fast-check";
import { MAX_FROM_WORKER_BODY_BYTES } from "../../src/protocol/limits.ts";
import {
  decodeFromHolder,
  decodeFromPuller,
  encodeFromHolder,
  encodeFromPuller,
} from "../../src/protocol/peer/codec.ts";
import { createPeerReader } from "../../src/protocol/peer/peer-reader.ts";
import {
  decodeFromWorker,
  decodeToWorker,
  encodeFromWorker,
  encodeToWorker,
} from "../../src/protocol/worker/codec.ts";
import { FRAME_HEADER_BYTES } from "../../src/protocol/worker/columns-codec.ts";
import { FrameReader } from "../../src/protocol/worker/frame-reader.ts";
import { fromHolder, fromPuller } from "../protocol/peer/arbitraries.ts";
import { fromWorker, toWorker } from "../protocol/worker/arbitraries.ts";
import { isProtocolError } from "./client-targets.ts";
import type { FuzzTarget } from "./target.ts";

const SAMPLES = 150;
const KIND_OFFSET = 4;

/** Whole frames; each decoder gets the kind out of the frame's header and the rest as its body. */
function samplesOf<Message>(
  messages: fc.Arbitrary<Message>,
  encode: (message: Message) => Uint8Array,
): Uint8Array[] {
  return fc.sample(messages, { numRuns: SAMPLES, seed: 1 }).map(encode);
}

const ofFrame =
  <Message>(decode: (kind: number, body: Uint8Array) => Message) =>
  (frame: Uint8Array): Message => {
    const kind = (frame[KIND_OFFSET] ?? 0) + 256 * (frame[KIND_OFFSET + 1] ?? 0);
    return decode(kind, frame.subarray(FRAME_HEADER_BYTES));
  };

const CHUNK = 31;

/** The bytes as a stream that comes in small pieces. */
function inPieces(bytes: Uint8Array, feed: (piece: Uint8Array) => void): void {
  for (let at = 0; at < bytes.length; at += CHUNK) feed(bytes.subarray(at, at + CHUNK));
}

export const WORKER_TARGETS: readonly FuzzTarget[] = [
  {
    name: "to-worker",
    share: 10,
    samples: samplesOf(toWorker, encodeToWorker),
    decode: ofFrame(decodeToWorker),
    encode: encodeToWorker,
    isRefusal: isProtocolError,
  },
  {
    name: "from-worker",
    share: 10,
    samples: samplesOf(fromWorker, encodeFromWorker),
    decode: ofFrame(decodeFromWorker),
    encode: encodeFromWorker,
    isRefusal: isProtocolError,
  },
  {
    name: "worker-frames",
    share: 3,
    samples: samplesOf(fromWorker, encodeFromWorker),
    decode: (bytes) => {
      const reader = new FrameReader(MAX_FROM_WORKER_BODY_BYTES);
      inPieces(bytes, (piece) => {
        for (const { kind, body } of reader.feed(piece)) decodeFromWorker(kind, body);
      });
      return undefined;
    },
    isRefusal: isProtocolError,
  },
  {
    name: "from-puller",
    share: 5,
    samples: samplesOf(fromPuller, encodeFromPuller),
    decode: ofFrame(decodeFromPuller),
    encode: encodeFromPuller,
    isRefusal: isProtocolError,
  },
  {
    name: "from-holder",
    share: 6,
    samples: samplesOf(fromHolder, encodeFromHolder),
    decode: ofFrame(decodeFromHolder),
    encode: encodeFromHolder,
    isRefusal: isProtocolError,
  },
  {
    name: "peer-stream",
    share: 3,
    samples: samplesOf(fromHolder, encodeFromHolder),
    decode: (bytes) => {
      const reader = createPeerReader({
        onMessage: () => {},
        onPayload: () => {},
        onObjectEnd: () => {},
      });
      inPieces(bytes, reader.feed);
      return undefined;
    },
    isRefusal: isProtocolError,
  },
];
