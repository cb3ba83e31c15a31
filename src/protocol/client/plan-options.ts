import { type PlanOptions, PRIORITY_MAX, type TaskPolicy } from "../../core/model/policies.ts";
import type { ByteReader } from "../wire/byte-reader.ts";
import type { ByteWriter } from "../wire/byte-writer.ts";
import { putInt32Field } from "../wire/protobuf-fields.ts";
import { PlanRefusal } from "./plan-context.ts";

const ON_FAILURE_TAG = 0x1e8;
const PRIORITY_TAG = 0x1f0;
const DEFAULT_POLICY_TAG = 0x1f8;

/** Numbers on the wire of `Plan.on_failure`. */
const FAIL_FAST = 0;
const KEEP_GOING = 1;

/** The fields of a plan as a whole, as they stand on the wire. */
export type RawPlanOptions = {
  onFailure: number;
  priority: number;
  /** Row of the plan's policies, or -1. */
  defaultPolicyIndex: number;
};

export const createRawPlanOptions = (): RawPlanOptions => ({
  onFailure: FAIL_FAST,
  priority: 0,
  defaultPolicyIndex: -1,
});

/** Appends those that are not the default. */
export function encodePlanOptions(
  writer: ByteWriter,
  { isKeepGoing, priority }: PlanOptions,
  defaultPolicyIndex: number,
): void {
  if (isKeepGoing) putInt32Field(writer, ON_FAILURE_TAG, KEEP_GOING);
  if (priority !== 0) putInt32Field(writer, PRIORITY_TAG, priority);
  if (defaultPolicyIndex >= 0) putInt32Field(writer, DEFAULT_POLICY_TAG, defaultPolicyIndex);
}

/** Reads the field of this tag if it is one of these. */
export function decodePlanOption(
  reader: ByteReader,
  tag: number,
  options: RawPlanOptions,
): boolean {
  if (tag === ON_FAILURE_TAG) options.onFailure = reader.int32();
  else if (tag === PRIORITY_TAG) options.priority = reader.int32();
  else if (tag === DEFAULT_POLICY_TAG) options.defaultPolicyIndex = reader.int32();
  else return false;
  return true;
}

/** Undefined where all is as the default. Throws a PlanRefusal. */
export function checkPlanOptions(
  { onFailure, priority, defaultPolicyIndex }: RawPlanOptions,
  policies: readonly TaskPolicy[],
): PlanOptions | undefined {
  if (onFailure !== FAIL_FAST && onFailure !== KEEP_GOING) {
    throw new PlanRefusal(
      `expected on_failure ${FAIL_FAST} (fail-fast) or ${KEEP_GOING} (keep-going), got ${onFailure}`,
    );
  }
  if (Math.abs(priority) > PRIORITY_MAX) {
    throw new PlanRefusal(
      `expected a priority from -${PRIORITY_MAX} to ${PRIORITY_MAX}, got ${priority}`,
    );
  }
  if (defaultPolicyIndex < -1 || defaultPolicyIndex >= policies.length) {
    throw new PlanRefusal(
      `expected a default_policy from -1 to ${policies.length - 1}, got ${defaultPolicyIndex}`,
    );
  }
  const defaultPolicy = policies[defaultPolicyIndex];
  if (onFailure === FAIL_FAST && priority === 0 && defaultPolicy === undefined) return undefined;
  return { isKeepGoing: onFailure === KEEP_GOING, priority, defaultPolicy };
}
