// Efficiency on many nodes, simulated with what the server really costs: `scaling.js
// '{"tasks": ..., "perNode": false, "durationUs": ..., "nodes": [1, 64], "taskUs": ..., ...}'`.
// Prints the efficiency for each number of nodes: the share of all cpus' time that tasks used.
import { simulateMakespan } from "../../src/simulator/makespan/simulate-makespan.ts";
import type { Workflow, WorkflowTask } from "../../src/simulator/workflows/workflow.ts";

export type ScalingRequest = {
  readonly tasks: number;
  /** `tasks` for each node: weak scaling. */
  readonly perNode: boolean;
  readonly durationUs: number;
  readonly nodes: readonly number[];
  readonly taskUs: number;
  readonly messageUs: number;
};

const CPUS_PER_NODE = 24;
const LATENCY_US = 50;

function independent(count: number, durationUs: number): Workflow {
  // One object for all: only what a task costs the simulated server differs from task to task.
  const task: WorkflowTask = {
    name: "task",
    group: "task",
    durationUs,
    cpus: 1,
    outputs: [{ sizeBytes: 100 }],
    inputs: [],
  };
  return { name: "independent", tasks: new Array<WorkflowTask>(count).fill(task) };
}

const request = JSON.parse(process.argv[2] ?? "{}") as ScalingRequest;
const { tasks, perNode, durationUs, nodes, taskUs, messageUs } = request;
const efficiencies = nodes.map((workers) => {
  const count = perNode ? tasks * workers : tasks;
  const { makespanUs } = simulateMakespan(independent(count, durationUs), {
    workers,
    cpusPerWorker: CPUS_PER_NODE,
    latencyUs: LATENCY_US,
    knowledge: "learned",
    serverCosts: { taskUs, messageUs },
  });
  return (count * durationUs) / (makespanUs * workers * CPUS_PER_NODE);
});
process.stdout.write(`${JSON.stringify(efficiencies)}\n`);
