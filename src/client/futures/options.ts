import type { Writable } from "node:stream";

/** What everything that waits can be given. */
export type WaitOptions = {
  /** Ends the waiting, not the work: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
};

/** Where a result of any size goes. */
export type FetchToOptions = WaitOptions & {
  /** Path of a file, which is created or replaced, or a stream. */
  readonly to: string | Writable;
  /** End the stream after the result; default: true. */
  readonly end?: boolean;
};
