import {
  MAX_PLAN_FRAME_BYTES,
  MAX_REGISTER_FRAME_BYTES,
  MAX_REQUEST_FRAME_BYTES,
  MAX_RESPONSE_FRAME_BYTES,
} from "../limits.ts";
import { unexpected } from "../protocol-error.ts";
import { ByteReader } from "../wire/byte-reader.ts";
import { REQUEST_TYPE } from "./message-types.ts";

/** How long a frame may be, in bytes without its header. */
export type FrameLimit = {
  /** A longer one is refused as soon as its header is read. */
  readonly maxBytes: number;
  /** For one longer than this, `checkLong` sees its first bytes as soon as they are there. */
  readonly plainBytes: number;
  /** Throws a ProtocolError where the first `LONG_FRAME_PREFIX_BYTES` show that it may not be long. */
  readonly checkLong: (prefix: Uint8Array) => void;
};

/** Enough for a request's leading field when that is its type: a tag and a varint. */
export const LONG_FRAME_PREFIX_BYTES = 16;

function atMost(maxBytes: number): FrameLimit {
  return { maxBytes, plainBytes: maxBytes, checkLong: () => {} };
}

/** The first frame of a connection. */
export const REGISTER_FRAME: FrameLimit = atMost(MAX_REGISTER_FRAME_BYTES);

/**
 * A client's requests: only a PLAN may be long. Protobuf allows the type to stand anywhere, so a
 * long frame that begins with another field is left to the decoder, which knows the type at its end.
 */
export const REQUEST_FRAME: FrameLimit = {
  maxBytes: MAX_PLAN_FRAME_BYTES,
  plainBytes: MAX_REQUEST_FRAME_BYTES,
  checkLong(prefix: Uint8Array): void {
    const reader = new ByteReader(prefix);
    if (reader.tag() !== 0x08) return;
    const type = reader.int32();
    if (type !== REQUEST_TYPE.plan && type !== REQUEST_TYPE.planChunk) {
      throw unexpected(
        `a request of type ${type} in at most ${MAX_REQUEST_FRAME_BYTES} bytes`,
        "a longer frame, which only a PLAN may be",
      );
    }
  },
};

/** What the server answers, payload frames apart. */
export const RESPONSE_FRAME: FrameLimit = atMost(MAX_RESPONSE_FRAME_BYTES);

/** The frames after a DATA message: as long as the data is. */
export const PAYLOAD_FRAME: FrameLimit = atMost(Number.MAX_SAFE_INTEGER);
