import {
  amountAt,
  arrayAt,
  type Json,
  malformed,
  objectAt,
  textAt,
  wholeAt,
} from "./checked-json.ts";
import { orderTasks } from "./order-tasks.ts";
import type { Workflow, WorkflowInput, WorkflowTask } from "./workflow.ts";

const US_PER_S = 1_000_000;
const BYTES_PER_MIB = 1_048_576;
const CPUS_MAX = 65_535;

/** Whether the JSON looks like a set of Estee graphs, or like one graph. */
export const isEstee = (json: Json): boolean =>
  Array.isArray(json) || (typeof json === "object" && json !== null && "graph" in json);

/**
 * Reads task graphs of the Estee simulator (https://github.com/It4innovations/estee): a set, as
 * pandas writes a table by columns (`{graph_name, graph_id, graph}`), or one graph, an array of
 * `{d, e_d, cpus, outputs: [{s, e_s}], inputs: [[task, output]]}` with seconds and MiB. Tasks whose
 * expected durations `e_d` and cpus agree are one group. Throws HyperloomError `invalid-argument`,
 * which names the place.
 */
export function readEstee(json: Json): Workflow[] {
  if (Array.isArray(json)) return [readGraph(json, "graph")];
  const table = objectAt(json, "the file");
  const names = objectAt(table["graph_name"] ?? {}, "graph_name");
  const graphs = objectAt(table["graph"], "graph");
  const workflows = Object.entries(graphs).map(([key, value]) => {
    const graph = typeof value === "string" ? parse(value, `graph ${key}`) : value;
    const name =
      names[key] === undefined ? key : `${textAt(names[key], `graph_name ${key}`)}-${key}`;
    return readGraph(graph, name);
  });
  if (workflows.length === 0) throw malformed("graph", "is empty");
  return workflows;
}

function parse(text: string, where: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw malformed(where, `is no JSON (${error instanceof Error ? error.message : error})`);
  }
}

function readGraph(json: Json, name: string): Workflow {
  const raw = arrayAt(json, name);
  if (raw.length === 0) throw malformed(name, "has no tasks");
  const tasks = raw.map((value, index): WorkflowTask => {
    const where = `${name}[${index}]`;
    const task = objectAt(value, where);
    const cpus = wholeAt(task["cpus"] ?? 1, `${where}.cpus`, 1, CPUS_MAX);
    return {
      name: `${index}`,
      group: `${task["e_d"] ?? "any"}/${cpus}`,
      durationUs: amountAt(task["d"], `${where}.d`) * US_PER_S,
      cpus,
      outputs: arrayAt(task["outputs"] ?? [], `${where}.outputs`).map((output, k) => ({
        sizeBytes:
          amountAt(objectAt(output, `${where}.outputs[${k}]`)["s"], `${where}.outputs[${k}].s`) *
          BYTES_PER_MIB,
      })),
      inputs: arrayAt(task["inputs"] ?? [], `${where}.inputs`).map((input, k) =>
        readInput(input, `${where}.inputs[${k}]`, raw.length),
      ),
    };
  });
  for (const [index, { inputs }] of tasks.entries()) {
    for (const { task, output } of inputs) {
      if (output < (tasks[task] as WorkflowTask).outputs.length) continue;
      throw malformed(
        `${name}[${index}]`,
        `takes output ${output} of task ${task}, which has none such`,
      );
    }
  }
  return { name, tasks: orderTasks(tasks) };
}

function readInput(json: Json, where: string, taskCount: number): WorkflowInput {
  const [task, output] = arrayAt(json, where);
  return {
    task: wholeAt(task, `${where}[0]`, 0, taskCount - 1),
    output: wholeAt(output ?? 0, `${where}[1]`, 0, 2 ** 31 - 1),
  };
}
