/** A piece of data that a task makes and that others take on their own. */
export type WorkflowOutput = { readonly sizeBytes: number };

export type WorkflowInput = {
  /** Index of the task that makes it, lower than that of the one that takes it. */
  readonly task: number;
  /** Which of that task's outputs. */
  readonly output: number;
};

export type WorkflowTask = {
  readonly name: string;
  /** Tasks of one group do the same to other data: one program, or what a user would label alike. */
  readonly group: string;
  readonly durationUs: number;
  readonly cpus: number;
  readonly outputs: readonly WorkflowOutput[];
  readonly inputs: readonly WorkflowInput[];
};

/** A recorded or generated workflow: what to run, how long each task takes, how much data passes. */
export type Workflow = {
  readonly name: string;
  /** Inputs come before those that take them. */
  readonly tasks: readonly WorkflowTask[];
};

/** Cpu time of all tasks together: duration times cpus, in microseconds. */
export const workUs = ({ tasks }: Workflow): number =>
  tasks.reduce((sum, { durationUs, cpus }) => sum + durationUs * cpus, 0);

/** The longest path through the workflow, in microseconds: transfers take none. */
export function criticalPathUs({ tasks }: Workflow): number {
  const endUs = new Float64Array(tasks.length);
  let longest = 0;
  for (const [index, { durationUs, inputs }] of tasks.entries()) {
    let startUs = 0;
    for (const { task } of inputs) startUs = Math.max(startUs, endUs[task] as number);
    endUs[index] = startUs + durationUs;
    longest = Math.max(longest, startUs + durationUs);
  }
  return longest;
}
