import {
  ALL_RETRIABLE_KINDS,
  ATTEMPTS_MAX,
  DEFAULT_POLICY,
  POLICY_FACTOR_MAX,
  POLICY_MS_MAX,
  PRIORITY_MAX,
  type TaskPolicy,
} from "../../core/model/policies.ts";
import type { ByteReader } from "../wire/byte-reader.ts";
import type { ByteWriter } from "../wire/byte-writer.ts";
import { putInt32Field, putInt64Field } from "../wire/protobuf-fields.ts";
import { PlanRefusal } from "./plan-context.ts";

/** A policy as it stands on the wire: any numbers. */
export type RawPolicy = TaskPolicy;

/** Factors travel in hundredths. */
const HUNDREDTHS = 100;

/** Appends the fields of a TaskPolicy that are not the default. */
export function encodeTaskPolicy(writer: ByteWriter, policy: TaskPolicy): void {
  const own = <Key extends keyof TaskPolicy>(key: Key): number | undefined =>
    policy[key] === DEFAULT_POLICY[key] ? undefined : policy[key];
  const hundredths = (factor: number | undefined): number | undefined =>
    factor === undefined ? undefined : Math.round(factor * HUNDREDTHS);
  putInt32Field(writer, 0x08, own("attemptsMax"));
  putInt64Field(writer, 0x10, own("backoffMs"));
  putInt32Field(writer, 0x18, own("retriedKinds"));
  putInt64Field(writer, 0x20, own("timeLimitMs"));
  putInt32Field(writer, 0x28, own("priority"));
  putInt32Field(writer, 0x30, own("crashLimit"));
  putInt64Field(writer, 0x38, own("backoffMsMax"));
  putInt32Field(writer, 0x40, hundredths(own("backoffFactor")));
  putInt32Field(writer, 0x48, hundredths(own("memoryFactor")));
}

/** Reads a nested TaskPolicy; what it does not name is as in the default. */
export function decodeTaskPolicy(reader: ByteReader): RawPolicy {
  const policy: { -readonly [Key in keyof TaskPolicy]: TaskPolicy[Key] } = { ...DEFAULT_POLICY };
  const outerEnd = reader.enter();
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x08) policy.attemptsMax = reader.int32();
    else if (tag === 0x10) policy.backoffMs = reader.int64();
    else if (tag === 0x18) policy.retriedKinds = reader.int32();
    else if (tag === 0x20) policy.timeLimitMs = reader.int64();
    else if (tag === 0x28) policy.priority = reader.int32();
    else if (tag === 0x30) policy.crashLimit = reader.int32();
    else if (tag === 0x38) policy.backoffMsMax = reader.int64();
    else if (tag === 0x40) policy.backoffFactor = reader.int32() / HUNDREDTHS;
    else if (tag === 0x48) policy.memoryFactor = reader.int32() / HUNDREDTHS;
    else reader.skip(tag);
  }
  reader.leave(outerEnd);
  return policy;
}

/** The least and the greatest of each field. */
const RANGES: { readonly [Key in keyof TaskPolicy]: readonly [number, number] } = {
  attemptsMax: [1, ATTEMPTS_MAX],
  backoffMs: [0, POLICY_MS_MAX],
  backoffFactor: [1, POLICY_FACTOR_MAX],
  backoffMsMax: [0, POLICY_MS_MAX],
  retriedKinds: [0, 2 ** 31 - 1],
  timeLimitMs: [0, POLICY_MS_MAX],
  priority: [-PRIORITY_MAX, PRIORITY_MAX],
  crashLimit: [0, ATTEMPTS_MAX],
  memoryFactor: [1, POLICY_FACTOR_MAX],
};

/** A policy of the model. Throws a PlanRefusal that names what is out of range. */
export function checkTaskPolicy(raw: RawPolicy, index: number): TaskPolicy {
  for (const key of Object.keys(RANGES) as (keyof TaskPolicy)[]) {
    const [least, greatest] = RANGES[key];
    if (raw[key] >= least && raw[key] <= greatest) continue;
    throw new PlanRefusal(
      `policy ${index}: expected ${key} from ${least} to ${greatest}, got ${raw[key]}`,
    );
  }
  // Kinds of failures that this server does not retry, or know, are as if they were not named.
  return { ...raw, retriedKinds: raw.retriedKinds & ALL_RETRIABLE_KINDS };
}
