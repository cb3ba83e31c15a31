import type { ValueTree } from "./value-tree.ts";

/**
 * The pull protocol of a worker's data port. Whoever needs objects (another worker, or the server
 * for a client) connects, says `hello` and pulls; the holder answers each request once, in the
 * order of the requests.
 *
 *     puller   hello | pull, pull, cancel, pull ...
 *     holder   object + raw bytes | missing | object-frames + raw bytes | failed ...
 *
 * The raw bytes that follow an `object` or `object-frames` lie outside any frame, so neither side
 * has to hold them whole.
 */
export type FromPuller =
  /** First, and once. A server id of another run is answered by `refused` and the end. */
  | { readonly kind: "hello"; readonly serverId: string; readonly version: number }
  | { readonly kind: "pull"; readonly requests: PullRequests }
  /**
   * The answer is no longer wanted. If it has not begun, the request is answered by `missing`;
   * else it goes on to its end, and whoever cannot bear that closes the connection.
   */
  | { readonly kind: "cancel"; readonly requestId: number };

/** Columns of one batch of requests. */
export type PullRequests = {
  /** The puller's numbers, which come back with the answers. */
  readonly requestIds: Uint32Array;
  readonly tasks: Uint32Array;
  readonly attempts: Uint32Array;
  /** `FORMAT_TREE` or `FORMAT_CLIENT_FRAMES`. */
  readonly formats: Uint8Array;
  /** Bytes to leave out at the start of client frames: to go on where another holder ended. 0 for trees. */
  readonly fromBytes: Float64Array;
};

/** The object as a value tree: what a worker stores. */
export const FORMAT_TREE = 0;
/** The object as the payload frames of the client protocol, 8 bytes of length before each. */
export const FORMAT_CLIENT_FRAMES = 1;

export type FromHolder =
  /** Followed by `payloadBytes` raw bytes: those of the tree's leaves in the order of the nodes. */
  | {
      readonly kind: "object";
      readonly requestId: number;
      readonly payloadBytes: number;
      readonly tree: ValueTree;
    }
  /** Followed by `payloadBytes` raw bytes: the client frames from the requested byte on. */
  | {
      readonly kind: "object-frames";
      readonly requestId: number;
      readonly payloadBytes: number;
      /** Symbol id of the object's data type. */
      readonly typeId: number;
      /** Number of client frames of the whole object, whatever was left out. */
      readonly messageCount: number;
    }
  /** The holder does not have this attempt's object. */
  | { readonly kind: "missing"; readonly requestId: number }
  /** The holder has it and cannot read it. */
  | { readonly kind: "failed"; readonly requestId: number; readonly reason: string }
  /** Why the holder closes the connection. */
  | { readonly kind: "refused"; readonly reason: string };

/** Version of the pull protocol, which `hello` names. */
export const PEER_PROTOCOL_VERSION = 1;
