import { TASK_TYPE } from "../../core/model/symbols.ts";
import { evaluateTask, type SimulatedValue } from "../values.ts";
import type { Workload, WorkloadTask } from "../workloads/workload.ts";

/** What must become of a task if nobody interferes. `failed`: it or something it needs fails. */
export type Outcome =
  | { readonly kind: "value"; readonly value: SimulatedValue }
  | { readonly kind: "failed" }
  /** Of a dynamic task and of its consumer: one value for each piece. */
  | { readonly kind: "pieces" | "copies"; readonly values: readonly SimulatedValue[] };

/** What a client's whole workload must come to. */
export type Oracle = {
  /** By client task id. */
  readonly outcomes: ReadonlyMap<number, Outcome>;
  /** Size of each input of each needed task, summed: what would move if no task ran where its inputs are. */
  readonly edgeBytes: number;
  /** Ids of all tasks that the given results need, themselves included. */
  neededBy(results: Iterable<number>): Set<number>;
};

const FAILED: Outcome = { kind: "failed" };

function u64Pair(from: number, to: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, from, true);
  view.setUint32(8, to, true);
  return bytes;
}

/** The pieces of a dynamic task. How `dslice` is cut is the scheduler's choice, so here it is one piece. */
function evaluatePieces(task: WorkloadTask, input: SimulatedValue): Outcome {
  const length = input.items?.length ?? 0;
  if (length === 0) return FAILED;
  if (task.taskType === TASK_TYPE.dget) return { kind: "pieces", values: input.items ?? [] };
  const whole = evaluateTask(TASK_TYPE.slice, u64Pair(0, length), [input]);
  return whole.kind === "value" ? { kind: "pieces", values: [whole.value] } : FAILED;
}

function evaluateOutcome(task: WorkloadTask, inputs: readonly Outcome[]): Outcome {
  if (inputs.some((input) => input.kind === "failed")) return FAILED;
  const pieces = inputs.find((input) => input.kind === "pieces");
  const values = (piece: SimulatedValue | undefined): SimulatedValue[] =>
    inputs.flatMap((input) => {
      if (input.kind === "value") return [input.value];
      if (input.kind === "pieces") return piece === undefined ? [] : [piece];
      return input.kind === "copies" ? input.values : [];
    });

  if (task.taskType === TASK_TYPE.dget || task.taskType === TASK_TYPE.dslice) {
    const [input] = values(undefined);
    return input === undefined ? FAILED : evaluatePieces(task, input);
  }
  if (pieces?.kind === "pieces") {
    const copies: SimulatedValue[] = [];
    for (const piece of pieces.values) {
      const copy = evaluateTask(task.taskType, task.config, values(piece));
      if (copy.kind === "failure") return FAILED;
      copies.push(copy.value);
    }
    return { kind: "copies", values: copies };
  }
  const evaluation = evaluateTask(task.taskType, task.config, values(undefined));
  return evaluation.kind === "value" ? evaluation : FAILED;
}

const sizeOf = (outcome: Outcome): number => {
  if (outcome.kind === "value") return outcome.value.sizeBytes;
  if (outcome.kind === "failed") return 0;
  return outcome.values.reduce((sum, value) => sum + value.sizeBytes, 0);
};

/** Evaluates the workload task by task in the order of its plans, on no worker at all. */
export function createOracle(workload: Workload): Oracle {
  const outcomes = new Map<number, Outcome>();
  const tasks = new Map<number, WorkloadTask>();
  for (const plan of workload) {
    for (const [position, task] of plan.tasks.entries()) {
      const inputs = task.inputs.map((input) => outcomes.get(input) ?? FAILED);
      outcomes.set(plan.idBase + position, evaluateOutcome(task, inputs));
      tasks.set(plan.idBase + position, task);
    }
  }

  const neededBy = (results: Iterable<number>): Set<number> => {
    const needed = new Set(results);
    for (const id of needed) {
      for (const input of tasks.get(id)?.inputs ?? []) needed.add(input);
    }
    return needed;
  };

  const resultIds = [...tasks].filter(([, task]) => task.isResult).map(([id]) => id);
  let edgeBytes = 0;
  for (const id of neededBy(resultIds)) {
    for (const input of tasks.get(id)?.inputs ?? []) {
      edgeBytes += sizeOf(outcomes.get(input) ?? FAILED);
    }
  }
  return { outcomes, edgeBytes, neededBy };
}
