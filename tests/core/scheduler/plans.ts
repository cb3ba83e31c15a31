import type { Plan } from "../../../src/core/model/plan.ts";
import {
  DEFAULT_POLICY,
  type PlanOptions,
  type TaskPolicy,
} from "../../../src/core/model/policies.ts";
import type { ResourceRequest } from "../../../src/core/model/resources.ts";
import { TASK_TYPE } from "../../../src/core/model/symbols.ts";

/** A task as tests write it down; everything has a default. */
export type TestTask = {
  readonly type?: keyof typeof TASK_TYPE;
  readonly inputs?: readonly number[];
  readonly result?: boolean;
  readonly request?: ResourceRequest;
  readonly label?: string;
  readonly checkpoint?: string;
  readonly policy?: Partial<TaskPolicy>;
  /** Positions in `inputs`. */
  readonly optional?: readonly number[];
};

/** A plan of these tasks, with client ids from `idBase` up; inputs are client ids. */
export function planOfTasks(
  tasks: readonly TestTask[],
  idBase = 0,
  options?: Partial<PlanOptions>,
): Plan {
  const texts = new TextEncoder();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const ranges = (texts_: readonly string[]) => ({
    starts: Uint32Array.from(texts_, (text) => {
      const start = bytes;
      const chunk = texts.encode(text);
      chunks.push(chunk);
      bytes += chunk.length;
      return start;
    }),
    lengths: Uint32Array.from(texts_, (text) => texts.encode(text).length),
  });
  const configs = ranges(tasks.map(() => "config"));
  const labels = ranges(tasks.map(({ label }) => label ?? ""));
  const checkpointPaths = ranges(tasks.map(({ checkpoint }) => checkpoint ?? ""));
  const inputStarts = new Uint32Array(tasks.length + 1);
  tasks.forEach(({ inputs = [] }, i) => {
    inputStarts[i + 1] = (inputStarts[i] ?? 0) + inputs.length;
  });
  const requests = tasks.flatMap(({ request }) => (request === undefined ? [] : [request]));
  let next = 0;
  const policies = tasks.flatMap(({ policy }) =>
    policy === undefined ? [] : [{ ...DEFAULT_POLICY, ...policy }],
  );
  if (options?.defaultPolicy !== undefined) policies.push(options.defaultPolicy);
  let nextPolicy = 0;
  const optionalInputs = tasks.flatMap(({ optional = [] }, i) =>
    optional.map((position) => (inputStarts[i] ?? 0) + position),
  );
  return {
    idBase,
    taskCount: tasks.length,
    taskTypes: Uint16Array.from(tasks, ({ type = "merge" }) => TASK_TYPE[type]),
    isResult: Uint8Array.from(tasks, ({ result = false }) => (result ? 1 : 0)),
    requestIndexes: Int32Array.from(tasks, ({ request }) => (request === undefined ? -1 : next++)),
    requests,
    inputStarts,
    inputIds: Int32Array.from(tasks.flatMap(({ inputs = [] }) => inputs)),
    bytes: Uint8Array.from(chunks.flatMap((chunk) => [...chunk])),
    configs,
    labels,
    checkpointPaths,
    metadata: undefined,
    policies: policies.length === 0 ? undefined : policies,
    policyIndexes:
      policies.length === 0
        ? undefined
        : Int32Array.from(tasks, ({ policy }) => (policy === undefined ? -1 : nextPolicy++)),
    optionalInputs: optionalInputs.length === 0 ? undefined : Uint32Array.from(optionalInputs),
    options: options && {
      isKeepGoing: false,
      priority: 0,
      defaultPolicy: undefined,
      ...options,
    },
  };
}
