import type { Plan } from "../../../src/core/model/plan.ts";
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
};

/** A plan of these tasks, with client ids from `idBase` up; inputs are client ids. */
export function planOfTasks(tasks: readonly TestTask[], idBase = 0): Plan {
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
  };
}
