/** The client waits for it. */
export const RESULT_PENDING = 0;
/** The client was told that it is finished. */
export const RESULT_FINISHED = 1;
/** The same, and its value is at the client. */
export const RESULT_HERE = 2;

/**
 * What a client has when it comes back: whatever the server has of its results and is not named here
 * was released.
 */
export type HeldByClient = {
  /** First ids of the plans with results that are pending, or of which it is not known that they arrived; rising. */
  readonly planBases: Int32Array;
  /** Tasks of each. */
  readonly planCounts: Int32Array;
  /** Run i: results `runStarts[i]` and up, `runCounts[i]` of them, in the state `runStates[i]`; rising. */
  readonly runStarts: Int32Array;
  readonly runCounts: Int32Array;
  readonly runStates: Uint8Array;
};
