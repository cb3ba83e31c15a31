import { bitOf } from "./failures.ts";

/** What is done when a task fails, and what it may take. Tasks without one have `DEFAULT_POLICY`. */
export type TaskPolicy = {
  /** How often it is tried at most, as far as its own failures count; at least 1. */
  readonly attemptsMax: number;
  /** Wait before the second attempt; each later wait is `backoffFactor` times as long, up to `backoffMsMax`. */
  readonly backoffMs: number;
  readonly backoffFactor: number;
  readonly backoffMsMax: number;
  /** Which failures another attempt is made after: the sum of `bitOf` each kind. */
  readonly retriedKinds: number;
  /** Wall time that one attempt may take; 0: any. */
  readonly timeLimitMs: number;
  /** Greater runs first, whatever else waits; 0: as urgent as what needs it. */
  readonly priority: number;
  /** Workers that may be lost while they run it, before it fails; 0: the server's own limit. */
  readonly crashLimit: number;
  /** After a failure for memory the next attempt asks for so many times as much; 1: for the same. */
  readonly memoryFactor: number;
};

/** What a client may ask for. */
export const RETRIABLE_KINDS = [
  "error",
  "program-failed",
  "timed-out",
  "out-of-memory",
  "disk-full",
] as const;

export const ALL_RETRIABLE_KINDS: number = RETRIABLE_KINDS.reduce(
  (bits, kind) => bits | bitOf(kind),
  0,
);

export const DEFAULT_POLICY: TaskPolicy = {
  attemptsMax: 1,
  backoffMs: 1_000,
  backoffFactor: 2,
  backoffMsMax: 60_000,
  retriedKinds: ALL_RETRIABLE_KINDS,
  timeLimitMs: 0,
  priority: 0,
  crashLimit: 0,
  memoryFactor: 1,
};

/** Priorities of plans and tasks go from `-PRIORITY_MAX` to this; so does their sum. */
export const PRIORITY_MAX = 1_000;
/** Attempts that a policy can allow. */
export const ATTEMPTS_MAX = 1_000_000;
/** The longest wait or time limit that a policy can have: a year. */
export const POLICY_MS_MAX: number = 366 * 24 * 3_600_000;
/** The greatest factor of a policy. */
export const POLICY_FACTOR_MAX = 1_000;

/** What holds for a plan as a whole. */
export type PlanOptions = {
  /** All that does not depend on a failure still runs; else the first failure gives the plan up. */
  readonly isKeepGoing: boolean;
  /** Added to the priority of each of its tasks. */
  readonly priority: number;
  /** Of the tasks that name none; absent: `DEFAULT_POLICY`. */
  readonly defaultPolicy: TaskPolicy | undefined;
};
