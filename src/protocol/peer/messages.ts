import type { PeerAddress } from "../worker/messages.ts";
import type { ValueTree } from "./value-tree.ts";

/**
 * The pull protocol of a worker's data port. Whoever needs objects (another worker, the server for a
 * client, or a client with a ticket) connects, says who it is and pulls; the holder answers each
 * request once. Small objects come in the order of the requests; a large one may have to wait.
 *
 *     puller   hello |         | proof | pull, pull, cancel, pull ...
 *     holder         | welcome |       | object + raw bytes | missing | object-frames + raw bytes ...
 *
 * The raw bytes that follow an `object` or `object-frames` lie outside any frame, so neither side
 * has to hold them whole.
 *
 * Two workers that see the same files hand over files in place of bytes. That they do is proved, not
 * guessed: the holder names a file with a secret, and the puller says what is in it.
 */
export type FromPuller =
  /** First, and once. A server id of another run is answered by `refused` and the end. */
  | {
      readonly kind: "hello";
      readonly version: number;
      readonly serverId: string;
      /** The worker that pulls, so that others can be sent to it for what it has got; port 0 for the server. */
      readonly workerId: number;
      readonly port: number;
      /** Of the secret that all workers have, on this connection; empty where TLS says who it is. */
      readonly proof: Uint8Array;
    }
  /** First, in place of `hello`: a client that was sent here by the server. It may pull what the ticket names. */
  | { readonly kind: "ticket"; readonly version: number; readonly ticket: Uint8Array }
  /** What is in the file that `welcome` has named. */
  | { readonly kind: "proof"; readonly token: string }
  | { readonly kind: "pull"; readonly requests: PullRequests }
  /**
   * A large object, sent as bytes, is complete in the puller's store, or is not to be. Until then its
   * upload counts as under way: nobody is sent to a copy that is not there yet.
   */
  | { readonly kind: "taken"; readonly requestId: number; readonly isComplete: boolean }
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
  /** One of the formats below. */
  readonly formats: Uint8Array;
  /** 1: the answer may be `redirected`; 2: to a copy that is complete only later, after one in vain; else 0. */
  readonly mayRedirect: Uint8Array;
  /** Bytes to leave out at the start of client frames: to go on where another holder ended. 0 for trees. */
  readonly fromBytes: Float64Array;
};

/** The object as a value tree, all its bytes behind it: what a worker stores. */
export const FORMAT_TREE = 0;
/** The object as the payload frames of the client protocol, 8 bytes of length before each. */
export const FORMAT_CLIENT_FRAMES = 1;
/** As a value tree; what lies in files of the holder may be named in place of its bytes. */
export const FORMAT_TREE_OR_FILES = 2;

export type PullFormat =
  | typeof FORMAT_TREE
  | typeof FORMAT_CLIENT_FRAMES
  | typeof FORMAT_TREE_OR_FILES;

/** Names of files in one directory: nothing that leads out of it. */
export const FILE_NAME: RegExp = /^[A-Za-z0-9_-]+$/;

/** A leaf that is handed over as a file of the holder's data directory. */
export type HandedFile = { readonly row: number; readonly name: string };

export type FromHolder =
  /** Answers a `hello`. Both paths are empty if no files are handed over. */
  | {
      readonly kind: "welcome";
      readonly tokenPath: string;
      readonly dataDirectory: string;
      /** Of the secret that all workers have, as in `hello`. */
      readonly proof: Uint8Array;
    }
  /**
   * Followed by `payloadBytes` raw bytes: those of the tree's leaves in the order of the nodes,
   * without those that are in `files`, which rise by their rows.
   */
  | {
      readonly kind: "object";
      readonly requestId: number;
      readonly payloadBytes: number;
      readonly tree: ValueTree;
      readonly files: readonly HandedFile[];
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
  /** The holder is busy; this worker has just got the object from it. */
  | { readonly kind: "redirected"; readonly requestId: number; readonly peer: PeerAddress }
  /** The holder does not have this attempt's object. */
  | { readonly kind: "missing"; readonly requestId: number }
  /** The holder has it and cannot read it. */
  | { readonly kind: "failed"; readonly requestId: number; readonly reason: string }
  /** Why the holder closes the connection. */
  | { readonly kind: "refused"; readonly reason: string };

/** Version of the pull protocol, which `hello` and `ticket` name. */
export const PEER_PROTOCOL_VERSION = 3;
