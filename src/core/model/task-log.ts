/** What a task writes to. */
export type LogStream = "stdout" | "stderr";

/** By their numbers on the wire. */
export const LOG_STREAMS: readonly LogStream[] = ["stdout", "stderr"];

/** A part of what an attempt of a task wrote. */
export type TaskLogPart = {
  readonly bytes: Uint8Array;
  /** Where to go on. */
  readonly next: number;
  /** Bytes before these that were not kept. */
  readonly skippedBytes: number;
  /** There is no more, and none will come. */
  readonly isEnd: boolean;
};
