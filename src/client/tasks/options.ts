import { isAbsolute } from "node:path";
import { invalidArgument } from "../errors.ts";
import { type PolicyOptions, policyOf } from "./policy-options.ts";
import { ONE_CPU, type Resources, requestOf } from "./resources.ts";
import type { TaskDetails } from "./task.ts";

/** What every task can be given. */
export type TaskOptions = PolicyOptions & {
  /** Names the task in errors, traces and the status; the text up to the first `:` is its group. */
  readonly label?: string;
  /** Bytes or text that travel with the task into traces; the server never reads them. */
  readonly metadata?: string | Uint8Array;
  /**
   * Absolute path. The result is also written there, and a submit with `loadCheckpoints` loads it
   * from there instead of computing it.
   */
  readonly checkpoint?: string;
  /** What the task needs while it runs. Programs and `save` ask for 1 cpu by themselves, others for nothing. */
  readonly resources?: Resources;
};

/** Text in UTF-8; bytes as they are. */
export const bytesOf = (value: string | Uint8Array): Uint8Array =>
  typeof value === "string" ? Buffer.from(value) : value;

/** Shared by all tasks that say nothing but what their type asks for by itself. */
const ONLY_ONE_CPU: TaskDetails = {
  label: undefined,
  metadata: undefined,
  checkpoint: undefined,
  resources: ONE_CPU,
  policy: undefined,
};

/** Checks the options; `base` is what a task of this type asks for by itself. */
export function detailsOf(
  options: TaskOptions | undefined,
  base?: typeof ONE_CPU,
): TaskDetails | undefined {
  if (options === undefined) return base === undefined ? undefined : ONLY_ONE_CPU;
  const { checkpoint, label, metadata, resources } = options;
  if (checkpoint !== undefined && !isAbsolute(checkpoint)) {
    throw invalidArgument(`A checkpoint must be an absolute path, but is ${checkpoint}`);
  }
  return {
    label,
    metadata: metadata === undefined ? undefined : bytesOf(metadata),
    checkpoint,
    resources: requestOf(resources, base),
    policy: policyOf(options),
  };
}
