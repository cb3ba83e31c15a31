import { CPUS, TASK_TYPE } from "../../model/symbols.ts";
import type { StepContext } from "../context.ts";
import { makeReady } from "../ready.ts";
import { recordExpanded } from "../record.ts";
import { classOf, countTaskOfClass } from "../request-classes.ts";
import type { PlanRecord, SchedulerState } from "../state.ts";
import { HOLDS_INPUTS, WAITING } from "../task-table.ts";
import { forEachConsumer, holdInputs, letGo, planOf } from "../wants.ts";
import { failTask } from "./fail-task.ts";

/** Pieces that dslice makes for each cpu, so that uneven pieces even out. */
const PIECES_PER_CPU = 4;
/** Items of an input: each may become two tasks, and the length is what a worker says. */
const PIECES_MAX = 5_000_000;
const EMPTY = new Uint8Array(0);

/** Replaces the dynamic tasks whose input is there by the tasks that they stand for. */
export function expandDynamicTasks(context: StepContext): void {
  for (let i = 0; i < context.expansions.length; i += 1) {
    const row = context.expansions.at(i);
    if (context.state.tasks.state[row] === WAITING) expandDynamic(context, row);
  }
  context.expansions.clear();
}

/**
 * Replaces a dynamic task X, whose input I is there, and its consumer Y by k pairs:
 *
 *     I -> X -> Y -> Z        becomes        I -> X1 -> Y1 -> Z
 *               ^                              -> X2 -> Y2 ->
 *               O                                       ^
 *                                                       O (its other inputs stay)
 *
 * The new tasks have no ids that a client could name.
 */
function expandDynamic(context: StepContext, x: number): void {
  const { state } = context;
  const { tasks } = state;
  const input = tasks.edges.items[tasks.edgeStart[x] as number] as number;
  const length = state.lengths.get(input) ?? 0;
  const y = consumersOf(state, x)[0];
  if (y === undefined) return;
  if (length > PIECES_MAX) {
    failTask(context, x, {
      message: `${nameOf(tasks.taskType[x] as number)} expected an input with at most ${PIECES_MAX} items; it has length ${length}`,
    });
    return;
  }
  const pieceItems = pieceItemsOf(state, tasks.taskType[x] as number, length);
  const configs = pieceConfigs(length, pieceItems);
  if (configs.length === 0) {
    failTask(context, x, {
      message: `${nameOf(tasks.taskType[x] as number)} expected an input with at least one item; it has length ${length}`,
    });
    return;
  }
  const plan = planOf(state, x);
  const serial = state.nextSerial++;
  state.plans.set(serial, plan);
  plan.expandedSerials.push(serial);
  const type = tasks.taskType[x] === TASK_TYPE.dget ? TASK_TYPE.get : TASK_TYPE.slice;
  const consumersOfY = consumersOf(state, y);
  const xs: number[] = [];
  const ys: number[] = [];
  for (const config of configs) {
    const xj = tasks.allocate();
    copyTask(state, plan, { row: xj, serial, source: x, taskType: type, config });
    xs.push(xj);
    const yj = tasks.allocate();
    copyTask(state, plan, { row: yj, serial, source: y, taskType: tasks.taskType[y] as number });
    ys.push(yj);
  }
  recordExpanded(context, plan, { serial, x, y, length, pieceItems, xs, ys, consumersOfY });
  for (let j = 0; j < xs.length; j += 1) {
    const xj = xs[j] as number;
    const yj = ys[j] as number;
    setInputs(state, xj, [input], placesIn(state, y, x));
    setInputs(state, yj, replaced(inputsOf(state, y), x, [xj]), 0);
    const optional = tasks.optionalInputs.get(y);
    if (optional !== undefined) tasks.optionalInputs.set(yj, new Set(optional));
    fillConsumers(state, xj, yj);
    tasks.addLateConsumer(input, xj);
    for (const other of inputsOf(state, y)) if (other !== x) tasks.addLateConsumer(other, yj);
  }
  for (const z of consumersOfY) replaceInput(state, z, y, ys);
  for (const row of [...xs, ...ys]) startExpanded(context, row);
  // Nobody has Y as an input any more; X goes with it.
  tasks.consumersLeft[y] = 0;
  tasks.lineage[y] = 0;
  letGo(context, [y]);
}

/** "dget" or "dslice", for messages. */
const nameOf = (taskType: number): string => (taskType === TASK_TYPE.dget ? "dget" : "dslice");

/** Items of each piece that a dslice is cut to; 0 for dget, which takes single ones. */
function pieceItemsOf(state: SchedulerState, taskType: number, length: number): number {
  if (taskType === TASK_TYPE.dget) return 0;
  return Math.max(1, Math.round(length / (PIECES_PER_CPU * Math.max(1, allCpus(state)))));
}

/** The configs of the tasks that a dynamic one stands for. */
export function pieceConfigs(length: number, pieceItems: number): Uint8Array[] {
  const configs: Uint8Array[] = [];
  if (pieceItems === 0) {
    for (let index = 0; index < length; index += 1) configs.push(uint64s(index));
    return configs;
  }
  for (let from = 0; from < length || from === 0; from += pieceItems) {
    configs.push(uint64s(from, Math.min(from + pieceItems, length)));
  }
  return configs;
}

function allCpus(state: SchedulerState): number {
  let cpus = 0;
  for (const worker of state.workers.values()) {
    cpus += worker.kind.offer.find(({ resource }) => resource === CPUS)?.amount ?? 0;
  }
  return cpus;
}

function uint64s(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 8);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    view.setBigUint64(index * 8, BigInt(value), true);
  });
  return bytes;
}

/** The consumers of a row, each once, in the order in which they were added. */
function consumersOf(state: SchedulerState, row: number): number[] {
  const consumers = new Set<number>();
  forEachConsumer(state, row, (consumer) => consumers.add(consumer));
  return [...consumers];
}

export function inputsOf({ tasks }: SchedulerState, row: number): number[] {
  const start = tasks.edgeStart[row] as number;
  return [...tasks.edges.items.subarray(start, start + (tasks.inputCount[row] as number))];
}

/** At how many places the row uses the input. */
export const placesIn = (state: SchedulerState, row: number, input: number): number =>
  inputsOf(state, row).filter((other) => other === input).length;

export const replaced = (inputs: readonly number[], old: number, by: readonly number[]): number[] =>
  inputs.flatMap((input) => (input === old ? by : [input]));

/** Makes a fresh row like `source`, of the same plan, without edges; with its config, unless another is given. */
export function copyTask(
  state: SchedulerState,
  plan: PlanRecord,
  copy: {
    readonly row: number;
    readonly serial: number;
    readonly source: number;
    readonly taskType: number;
    readonly config?: Uint8Array;
  },
): void {
  const { tasks } = state;
  const { row, serial, source, taskType, config } = copy;
  tasks.serial[row] = serial;
  tasks.taskType[row] = taskType;
  tasks.clientTask[row] = tasks.clientTask[source] as number;
  tasks.priority[row] = tasks.priority[source] as number;
  tasks.request[row] = tasks.request[source] as number;
  countTaskOfClass(classOf(state, source));
  tasks.group[row] = tasks.group[source] as number;
  // Every copy would write to the same checkpoint, so none does.
  const own = tasks.assignedDetails(source);
  const ownConfig = own.subarray(0, own.length - (tasks.checkpointLengths.get(source) ?? 0));
  tasks.setDetails(row, config ?? ownConfig.slice(), EMPTY, tasks.label(source).slice());
  const policy = tasks.policies.get(source);
  if (policy !== undefined) tasks.policies.set(row, policy);
  plan.expandedRows.push(row);
  plan.liveCount += 1;
}

/** Gives a fresh row its inputs and room for consumers, and has the inputs' records kept for it. */
function setInputs(
  { tasks }: SchedulerState,
  row: number,
  inputs: readonly number[],
  consumerCount: number,
): void {
  tasks.allocateEdges(row, inputs.length, consumerCount);
  tasks.edges.items.set(inputs, tasks.edgeStart[row] as number);
  for (const input of inputs) tasks.lineage[input] = (tasks.lineage[input] as number) + 1;
}

function fillConsumers({ tasks }: SchedulerState, row: number, consumer: number): void {
  const start = (tasks.edgeStart[row] as number) + (tasks.inputCount[row] as number);
  tasks.edges.items.fill(consumer, start, start + (tasks.consumerCount[row] as number));
}

/** In the unfinished or dormant task z, puts `by` in each place of `old`, whose consumer it then no longer is. */
function replaceInput(state: SchedulerState, z: number, old: number, by: readonly number[]): void {
  const { tasks } = state;
  const places = placesIn(state, z, old);
  const inputs = replaced(inputsOf(state, z), old, by);
  const added = inputs.length - (tasks.inputCount[z] as number);
  const start = tasks.edgeStart[z] as number;
  const consumerStart = start + (tasks.inputCount[z] as number);
  const consumers = tasks.edges.items.slice(
    consumerStart,
    consumerStart + (tasks.consumerCount[z] as number),
  );
  const optional = tasks.optionalInputs.get(z);
  if (optional?.delete(old)) for (const input of by) optional.add(input);
  tasks.freeEdges(z);
  tasks.allocateEdges(z, inputs.length, consumers.length);
  const newStart = tasks.edgeStart[z] as number;
  tasks.edges.items.set(inputs, newStart);
  tasks.edges.items.set(consumers, newStart + inputs.length);
  const holdsInputs = ((tasks.flags[z] as number) & HOLDS_INPUTS) !== 0;
  for (const input of by) {
    tasks.lineage[input] = (tasks.lineage[input] as number) + places;
    if (holdsInputs) tasks.consumersLeft[input] = (tasks.consumersLeft[input] as number) + places;
    for (let i = 0; i < places; i += 1) tasks.addLateConsumer(input, z);
  }
  if (holdsInputs) {
    tasks.unfinishedInputs[z] = (tasks.unfinishedInputs[z] as number) + added;
  }
}

function startExpanded(context: StepContext, row: number): void {
  const { state } = context;
  const missing = holdInputs(state, row, []);
  state.tasks.state[row] = WAITING;
  if (missing === 0) makeReady(context, row);
}
