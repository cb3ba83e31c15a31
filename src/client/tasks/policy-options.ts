import { bitOf } from "../../core/model/failures.ts";
import {
  ATTEMPTS_MAX,
  DEFAULT_POLICY,
  POLICY_MS_MAX,
  PRIORITY_MAX,
  RETRIABLE_KINDS,
  type TaskPolicy,
} from "../../core/model/policies.ts";
import { invalidArgument } from "../errors.ts";

/** A kind of failure after which a task can be tried again. */
export type RetriableKind = (typeof RETRIABLE_KINDS)[number];

/** What is done when a task fails, and when it runs; see docs/policies.md. */
export type PolicyOptions = {
  /** How often it is tried again after it failed; default: 0. The loss of a worker is no failure of its task. */
  readonly retries?: number;
  /** After which failures; default: after any. */
  readonly retryOn?: readonly RetriableKind[];
  /** Wait before the first retry; default: 1000. Each later one is twice as long, up to `backoffMsMax`. */
  readonly backoffMs?: number;
  /** By how much each wait is longer than the one before; default: 2. */
  readonly backoffFactor?: number;
  /** The longest wait; default: 60,000. */
  readonly backoffMsMax?: number;
  /** From -1000 to 1000: greater runs first, whatever else waits. Default: as urgent as what needs it. */
  readonly priority?: number;
  /** How many workers may be lost while they run it, before it fails; default: the server's, which is 3. */
  readonly crashLimit?: number;
};

/** The part of a policy that the options name; undefined for none. Throws a HyperloomError. */
export function policyOf(options: PolicyOptions): Partial<TaskPolicy> | undefined {
  const { retries, retryOn, backoffMs, backoffFactor, backoffMsMax, priority, crashLimit } =
    options;
  const policy: { -readonly [Key in keyof TaskPolicy]?: number } = {};
  if (retries !== undefined) {
    policy.attemptsMax = 1 + whole("retries", retries, 0, ATTEMPTS_MAX - 1);
  }
  if (retryOn !== undefined) policy.retriedKinds = bitsOf(retryOn);
  if (backoffMs !== undefined) policy.backoffMs = whole("backoffMs", backoffMs, 0, POLICY_MS_MAX);
  if (backoffFactor !== undefined) {
    policy.backoffFactor = inRange("backoffFactor", backoffFactor, 1, 1_000);
  }
  if (backoffMsMax !== undefined) {
    policy.backoffMsMax = whole("backoffMsMax", backoffMsMax, 0, POLICY_MS_MAX);
  }
  if (priority !== undefined) policy.priority = checkPriority(priority);
  if (crashLimit !== undefined) {
    policy.crashLimit = whole("crashLimit", crashLimit, 1, ATTEMPTS_MAX);
  }
  return Object.keys(policy).length === 0 ? undefined : policy;
}

/** What is not named is as in `base`. */
export function completePolicy(
  policy: Partial<TaskPolicy>,
  base: TaskPolicy = DEFAULT_POLICY,
): TaskPolicy {
  return { ...base, ...policy };
}

export function checkPriority(priority: number): number {
  return whole("priority", priority, -PRIORITY_MAX, PRIORITY_MAX);
}

function bitsOf(kinds: readonly RetriableKind[]): number {
  let bits = 0;
  for (const kind of kinds) {
    if (!RETRIABLE_KINDS.includes(kind)) {
      throw invalidArgument(
        `retryOn takes ${RETRIABLE_KINDS.join(", ")}, but got ${JSON.stringify(kind)}`,
      );
    }
    bits |= bitOf(kind);
  }
  return bits;
}

function whole(name: string, value: number, least: number, greatest: number): number {
  if (Number.isInteger(value)) return inRange(name, value, least, greatest);
  throw invalidArgument(`${name} must be a whole number, but is ${value}`);
}

function inRange(name: string, value: number, least: number, greatest: number): number {
  if (value >= least && value <= greatest) return value;
  throw invalidArgument(`${name} must be from ${least} to ${greatest}, but is ${value}`);
}
