import type { Plan } from "../../core/model/plan.ts";
import { CPUS, TASK_TYPE } from "../../core/model/symbols.ts";
import type { Workflow, WorkflowTask } from "../workflows/workflow.ts";

/** A workflow as a plan, and what is true of its tasks, by their place in the plan. */
export type WorkflowPlan = {
  readonly plan: Plan;
  readonly durationsUs: Float64Array;
  readonly sizesBytes: Float64Array;
};

/** How the label of a task is chosen: by the label, the scheduler tells groups apart. */
export type Labeling = "each-task" | "group" | "none";

/**
 * A task of the workflow becomes a program on its cpus. One whose outputs have different consumers
 * makes an array of them, as a program with several outputs does, and a `get` for each takes it out
 * of there: a reference that moves no data but when it is used elsewhere. Outputs with the same
 * consumers stay together. What nobody consumes is a result.
 */
export function planWorkflow(workflow: Workflow, labeling: Labeling): WorkflowPlan {
  const parts = partsOf(workflow);
  const taskTypes: number[] = [];
  const durations: number[] = [];
  const sizes: number[] = [];
  const labels: string[] = [];
  const cpus: number[] = [];
  const inputStarts = [0];
  const inputIds: number[] = [];
  const isResult: number[] = [];
  /** Id in the plan of each part of each task. */
  const partIds: number[][] = [];
  const add = (
    taskType: number,
    inputs: Iterable<number>,
    task: { durationUs: number; sizeBytes: number; cpus: number; label: string; isResult: boolean },
  ): number => {
    taskTypes.push(taskType);
    for (const input of inputs) inputIds.push(input);
    inputStarts.push(inputIds.length);
    durations.push(task.durationUs);
    sizes.push(task.sizeBytes);
    cpus.push(task.cpus);
    labels.push(task.label);
    isResult.push(task.isResult ? 1 : 0);
    return taskTypes.length - 1;
  };
  for (const [index, task] of workflow.tasks.entries()) {
    const own = parts[index] as TaskParts;
    const inputs = new Set<number>();
    for (const { task: input, output } of task.inputs) {
      const part = (parts[input] as TaskParts).partOfOutput[output] as number;
      inputs.add((partIds[input] as number[])[part] as number);
    }
    const id = add(TASK_TYPE.run, inputs, {
      durationUs: task.durationUs,
      sizeBytes: own.sizesBytes.reduce((sum, size) => sum + size, 0),
      cpus: task.cpus,
      label: labelOf(task, index, labeling),
      isResult: own.sizesBytes.length === 0,
    });
    const get = (sizeBytes: number): number =>
      add(TASK_TYPE.get, [id], { durationUs: 0, sizeBytes, cpus: 0, label: "", isResult: false });
    partIds.push(own.sizesBytes.length === 1 ? [id] : own.sizesBytes.map(get));
  }
  return {
    plan: createPlan({ taskTypes, labels, cpus, inputStarts, inputIds, isResult }),
    durationsUs: Float64Array.from(durations),
    sizesBytes: Float64Array.from(sizes),
  };
}

/** Outputs of a task that are consumed, those with the same consumers as one part. */
type TaskParts = {
  readonly sizesBytes: number[];
  /** -1 for an output that nobody consumes. */
  readonly partOfOutput: number[];
};

function partsOf({ tasks }: Workflow): TaskParts[] {
  const consumers = tasks.map(({ outputs }) => outputs.map((): number[] => []));
  for (const [index, { inputs }] of tasks.entries()) {
    for (const { task, output } of inputs) consumers[task]?.[output]?.push(index);
  }
  return tasks.map(({ outputs }, index) => {
    const partByConsumers = new Map<string, number>();
    const sizesBytes: number[] = [];
    const partOfOutput = outputs.map(({ sizeBytes }, output) => {
      const key = [...new Set(consumers[index]?.[output])].join();
      if (key === "") return -1;
      let part = partByConsumers.get(key);
      if (part === undefined) {
        part = sizesBytes.length;
        partByConsumers.set(key, part);
        sizesBytes.push(0);
      }
      sizesBytes[part] = (sizesBytes[part] as number) + sizeBytes;
      return part;
    });
    return { sizesBytes, partOfOutput };
  });
}

const labelOf = (task: WorkflowTask, index: number, labeling: Labeling): string => {
  if (labeling === "each-task") return `task-${index}`;
  return labeling === "group" ? task.group : "";
};

function createPlan(columns: {
  readonly taskTypes: readonly number[];
  readonly labels: readonly string[];
  readonly cpus: readonly number[];
  readonly inputStarts: readonly number[];
  readonly inputIds: readonly number[];
  readonly isResult: readonly number[];
}): Plan {
  const { taskTypes, cpus } = columns;
  const amounts = [...new Set(cpus.filter((amount) => amount > 0))];
  const none = new Uint32Array(taskTypes.length);
  const { bytes, starts, lengths } = packLabels(columns.labels);
  return {
    idBase: 0,
    taskCount: taskTypes.length,
    taskTypes: Uint16Array.from(taskTypes),
    isResult: Uint8Array.from(columns.isResult),
    requestIndexes: Int32Array.from(cpus, (amount) => amounts.indexOf(amount)),
    requests: amounts.map((amount) => [{ resource: CPUS, amount }]),
    inputStarts: Uint32Array.from(columns.inputStarts),
    inputIds: Int32Array.from(columns.inputIds),
    bytes,
    configs: { starts: none, lengths: none },
    labels: { starts, lengths },
    checkpointPaths: undefined,
    metadata: undefined,
  };
}

/** Labels in ASCII, `:` and all else replaced; each distinct one is there once. */
function packLabels(labels: readonly string[]): {
  readonly bytes: Uint8Array;
  readonly starts: Uint32Array;
  readonly lengths: Uint32Array;
} {
  const startOf = new Map<string, number>();
  const bytes: number[] = [];
  for (const label of labels) {
    if (startOf.has(label)) continue;
    startOf.set(label, bytes.length);
    for (const character of label) {
      const code = character.charCodeAt(0);
      bytes.push(code < 0x80 && character !== ":" ? code : 0x5f);
    }
  }
  return {
    bytes: Uint8Array.from(bytes),
    starts: Uint32Array.from(labels, (label) => startOf.get(label) as number),
    lengths: Uint32Array.from(labels, (label) => [...label].length),
  };
}
