import {
  amountAt,
  arrayAt,
  type Json,
  type JsonObject,
  malformed,
  objectAt,
  textAt,
  wholeAt,
} from "./checked-json.ts";
import { orderTasks } from "./order-tasks.ts";
import type { Workflow, WorkflowInput, WorkflowTask } from "./workflow.ts";

const US_PER_S = 1_000_000;
const CPUS_MAX = 65_535;

/** A task as either version of the format describes it. */
type RawTask = {
  readonly id: string;
  readonly name: string;
  readonly group: string;
  readonly runtimeS: number;
  readonly cpus: number;
  readonly parents: readonly string[];
  readonly inputFiles: readonly string[];
  readonly outputFiles: readonly string[];
};

/** Whether the JSON looks like WfFormat at all. */
export const isWfFormat = (json: Json): boolean =>
  typeof json === "object" && json !== null && "workflow" in json;

/**
 * Reads a workflow in WfFormat 1.4 or 1.5 (https://github.com/wfcommons/WfFormat). Files that no
 * task makes are taken to be there everywhere; a parent whose files are not taken is an input of 0
 * bytes. Each file is an output of its own. Throws HyperloomError `invalid-argument`, which names
 * the place, for what is not the format.
 */
export function readWfFormat(json: Json): Workflow {
  const root = objectAt(json, "the file");
  const workflow = objectAt(root["workflow"], "workflow");
  const sizes = new Map<string, number>();
  const raw =
    workflow["specification"] === undefined
      ? readVersion14(workflow, sizes)
      : readVersion15(workflow, sizes);
  if (raw.length === 0) throw malformed("workflow", "has no tasks");
  const name = typeof root["name"] === "string" ? root["name"] : "workflow";
  return { name, tasks: orderTasks(connect(raw, sizes)) };
}

/** Structure and sizes in `specification`, what was measured in `execution`. */
function readVersion15(workflow: JsonObject, sizes: Map<string, number>): RawTask[] {
  const specification = objectAt(workflow["specification"], "workflow.specification");
  const execution = objectAt(workflow["execution"], "workflow.execution");
  for (const [k, value] of optionalArray(specification["files"], "workflow.specification.files")) {
    const where = `workflow.specification.files[${k}]`;
    const file = objectAt(value, where);
    sizes.set(
      textAt(file["id"], `${where}.id`),
      amountAt(file["sizeInBytes"], `${where}.sizeInBytes`),
    );
  }
  const measured = new Map<string, JsonObject>();
  for (const [k, value] of arrayAt(execution["tasks"], "workflow.execution.tasks").entries()) {
    const where = `workflow.execution.tasks[${k}]`;
    const task = objectAt(value, where);
    measured.set(textAt(task["id"], `${where}.id`), task);
  }
  const tasks = arrayAt(specification["tasks"], "workflow.specification.tasks");
  return tasks.map((value, k) => {
    const where = `workflow.specification.tasks[${k}]`;
    const task = objectAt(value, where);
    const id = textAt(task["id"], `${where}.id`);
    const run = measured.get(id);
    if (run === undefined)
      throw malformed(`${where} (${id})`, "is not among workflow.execution.tasks");
    const name = typeof task["name"] === "string" ? task["name"] : id;
    return {
      id,
      name,
      group: groupOf(task, run, name),
      runtimeS: amountAt(run["runtimeInSeconds"], `the runtimeInSeconds of task ${id}`),
      cpus: cpusOf(run["coreCount"], id),
      parents: textsAt(task["parents"], `${where}.parents`),
      inputFiles: textsAt(task["inputFiles"], `${where}.inputFiles`),
      outputFiles: textsAt(task["outputFiles"], `${where}.outputFiles`),
    };
  });
}

/** All of a task in one place: `workflow.tasks`, with its files. */
function readVersion14(workflow: JsonObject, sizes: Map<string, number>): RawTask[] {
  const tasks = arrayAt(workflow["tasks"] ?? workflow["jobs"], "workflow.tasks");
  return tasks.map((value, k) => {
    const where = `workflow.tasks[${k}]`;
    const task = objectAt(value, where);
    const name = textAt(task["name"] ?? task["id"], `${where}.name`);
    const id = task["id"] === undefined ? name : textAt(task["id"], `${where}.id`);
    const inputFiles: string[] = [];
    const outputFiles: string[] = [];
    for (const [f, entry] of optionalArray(task["files"], `${where}.files`)) {
      const place = `${where}.files[${f}]`;
      const file = objectAt(entry, place);
      const fileName = textAt(file["id"] ?? file["name"], `${place}.name`);
      sizes.set(
        fileName,
        amountAt(file["sizeInBytes"] ?? file["size"] ?? 0, `${place}.sizeInBytes`),
      );
      const link = textAt(file["link"], `${place}.link`);
      if (link !== "input" && link !== "output") throw malformed(`${place}.link`, `is '${link}'`);
      (link === "input" ? inputFiles : outputFiles).push(fileName);
    }
    return {
      id,
      name,
      group: groupOf(task, task, name),
      runtimeS: amountAt(
        task["runtimeInSeconds"] ?? task["runtime"],
        `the runtimeInSeconds of task ${id}`,
      ),
      cpus: cpusOf(task["cores"] ?? task["coreCount"], id),
      parents: textsAt(task["parents"], `${where}.parents`),
      inputFiles,
      outputFiles,
    };
  });
}

/** The category, else the task's name without its number, else the program. */
function groupOf(task: JsonObject, run: JsonObject, name: string): string {
  const category = task["category"] ?? run["category"];
  if (typeof category === "string" && category !== "") return category;
  const command = run["command"];
  const program =
    typeof command === "object" && command !== null && "program" in command
      ? command.program
      : undefined;
  // Nextflow writes whole scripts there.
  if (typeof program === "string" && /^\S+$/.test(program)) return program;
  return name.replace(/[_.-]*(ID)?\d+$/, "");
}

/** Whole cpus; a share of one counts as one. */
function cpusOf(value: Json, id: string): number {
  if (value === undefined || value === null) return 1;
  const cores = amountAt(value, `the number of cores of task ${id}`);
  return wholeAt(Math.max(1, Math.ceil(cores)), `the number of cores of task ${id}`, 1, CPUS_MAX);
}

/** Turns names of files and parents into inputs by position. */
function connect(raw: readonly RawTask[], sizes: ReadonlyMap<string, number>): WorkflowTask[] {
  const byName = new Map<string, number>();
  for (const [index, { name }] of raw.entries()) byName.set(name, index);
  const byId = new Map<string, number>();
  const maker = new Map<string, WorkflowInput>();
  for (const [index, { id, outputFiles }] of raw.entries()) {
    if (byId.has(id)) throw malformed(`task ${id}`, "is there twice");
    byId.set(id, index);
    for (const [output, file] of outputFiles.entries()) {
      const other = maker.get(file);
      if (other !== undefined && other.task !== index) {
        throw malformed(`file ${file}`, `is made by two tasks, ${raw[other.task]?.id} and ${id}`);
      }
      maker.set(file, { task: index, output });
    }
  }
  const hasControlOutput = new Set<number>();
  const tasks = raw.map((task, index): WorkflowTask => {
    const inputs: WorkflowInput[] = [];
    const makers = new Set<number>([index]);
    for (const file of new Set(task.inputFiles)) {
      const input = maker.get(file);
      // What a task both reads and writes was there before it.
      if (input === undefined || input.task === index) continue;
      inputs.push(input);
      makers.add(input.task);
    }
    for (const parent of task.parents) {
      const at = byId.get(parent) ?? byName.get(parent);
      if (at === undefined)
        throw malformed(`task ${task.id}`, `has parent ${parent}, which is no task`);
      if (makers.has(at)) continue;
      makers.add(at);
      hasControlOutput.add(at);
      inputs.push({ task: at, output: (raw[at] as RawTask).outputFiles.length });
    }
    return {
      name: task.name,
      group: task.group,
      durationUs: task.runtimeS * US_PER_S,
      cpus: task.cpus,
      outputs: task.outputFiles.map((file) => ({ sizeBytes: sizes.get(file) ?? 0 })),
      inputs,
    };
  });
  return tasks.map((task, index) =>
    hasControlOutput.has(index) ? { ...task, outputs: [...task.outputs, { sizeBytes: 0 }] } : task,
  );
}

const optionalArray = (value: Json, where: string): IterableIterator<[number, Json]> =>
  (value === undefined ? [] : arrayAt(value, where)).entries();

function textsAt(value: Json, where: string): string[] {
  return [...optionalArray(value, where)].map(([k, text]) => textAt(text, `${where}[${k}]`));
}
