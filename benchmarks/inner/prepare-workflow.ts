// Makes recorded workflows small enough to be run here, and says how long each would take if nothing
// but its tasks and transfers took time. Prints a list of `PreparedWorkflow` as JSON.
import { simulateMakespan } from "../../src/simulator/makespan/simulate-makespan.ts";
import type { Workflow } from "../../src/simulator/workflows/workflow.ts";
import { median } from "../harness/statistics.ts";
import { readData } from "./read-data.ts";

export type PrepareRequest = {
  readonly directory: string;
  readonly workers: number;
  readonly cpusPerWorker: number;
  readonly bytesPerSecond: number;
  /** Workflows that would take longer are left out. */
  readonly secondsMax: number;
};

/** A task that takes so long, makes so many bytes, and takes what others made. */
export type PreparedTask = {
  readonly group: string;
  readonly durationMs: number;
  readonly sizeBytes: number;
  readonly cpus: number;
  readonly inputs: readonly number[];
};

export type PreparedWorkflow = {
  readonly name: string;
  readonly idealSeconds: number;
  readonly tasks: readonly PreparedTask[];
};

const MEDIAN_TASK_US = 50_000;
const SIZE_DIVISOR = 100;

/** One output for each task, sizes and times as the rows say; the same is simulated and run. */
function shrink(workflow: Workflow, cpusMax: number): Workflow {
  const middle = median(workflow.tasks.map(({ durationUs }) => durationUs));
  const factor = middle > 0 ? MEDIAN_TASK_US / middle : 1;
  return {
    name: workflow.name,
    tasks: workflow.tasks.map(({ outputs, inputs, durationUs, cpus, ...task }) => {
      const sizeBytes = outputs.reduce((sum, output) => sum + output.sizeBytes, 0);
      const sources = [...new Set(inputs.map((input) => input.task))];
      return {
        ...task,
        cpus: Math.min(cpus, cpusMax),
        durationUs: durationUs * factor,
        outputs: [{ sizeBytes: Math.round(sizeBytes / SIZE_DIVISOR) }],
        inputs: sources.map((source) => ({ task: source, output: 0 })),
      };
    }),
  };
}

const request = JSON.parse(process.argv[2] ?? "{}") as PrepareRequest;
const { workers, cpusPerWorker, bytesPerSecond, secondsMax } = request;
const prepared = readData(request.directory).flatMap((original): PreparedWorkflow[] => {
  const workflow = shrink(original, cpusPerWorker);
  const { makespanUs } = simulateMakespan(workflow, {
    workers,
    cpusPerWorker,
    bytesPerUs: bytesPerSecond / 1e6,
    knowledge: "learned",
  });
  if (makespanUs > secondsMax * 1e6) return [];
  const tasks = workflow.tasks.map((task) => ({
    group: task.group,
    durationMs: task.durationUs / 1000,
    sizeBytes: task.outputs[0]?.sizeBytes ?? 0,
    cpus: task.cpus,
    inputs: task.inputs.map((input) => input.task),
  }));
  return [{ name: workflow.name, idealSeconds: makespanUs / 1e6, tasks }];
});
process.stdout.write(`${JSON.stringify(prepared)}\n`);
