import { decodeUtf8Lossy } from "../../base/utf8.ts";
import type { Plan } from "../../model/plan.ts";
import { isDynamic } from "../../model/symbols.ts";
import { priorityOf } from "../../model/urgency.ts";
import type { StepContext } from "../context.ts";
import { groupOf } from "../groups.ts";
import { classOfRequest, countTaskOfClass } from "../request-classes.ts";
import type { ClientRecord, RequestClass, SchedulerState } from "../state.ts";
import { INDEXED, LOADS, NOT_BEGUN, RESULT, WAITING } from "../task-table.ts";
import { holdInputs } from "../wants.ts";
import { NEEDED, UNNEEDED } from "./find-needs.ts";
import type { PlanIntake } from "./intake.ts";

const COLON = 0x3a;
const NO_POSITIONS = new Uint32Array(0);

/** Gives rows to the intake's next tasks, in order; returns what is wrong with one, if anything is. */
export function addTasks(context: StepContext, intake: PlanIntake): string | undefined {
  const { state } = context;
  if (intake.position === 0) beginTasks(state, intake);
  const from = intake.position;
  const to = endOfBatch(context, intake);
  const mistake = findInputMistake(state, intake.client, intake.plan, from, to);
  if (mistake !== undefined) return mistake;
  allocateRows(state, intake, from, to);
  fillColumns(state, intake, from, to);
  fillDetails(state, intake, from, to);
  connect(state, intake, from, to);
  intake.position = to;
  return undefined;
}

/** The first task that is too much for this step; it takes one at least. */
function endOfBatch(context: StepContext, { position, plan }: PlanIntake): number {
  const { inputStarts, taskCount } = plan;
  let to = position;
  while (to < taskCount && context.budget > 0) {
    context.budget -= 1 + (inputStarts[to + 1] as number) - (inputStarts[to] as number);
    to += 1;
  }
  return to;
}

function allocateRows(
  { tasks }: SchedulerState,
  { needs, rows, record }: PlanIntake,
  from: number,
  to: number,
): void {
  for (let i = from; i < to; i += 1) {
    if (needs[i] === UNNEEDED) continue;
    const row = tasks.allocate();
    rows[i] = row;
    record.rows.push(row);
    record.liveCount += 1;
  }
  if (record.isOpen) record.heldTo = record.rows.length;
}

/** Writes all columns of the tasks but those that lead to others. */
export function fillColumns(
  state: SchedulerState,
  { client, plan, record, loadable, classes, needs, rows, priorities }: PlanIntake,
  from: number,
  to: number,
): void {
  const { serial, taskType, clientTask, request, priority, group, flags } = state.tasks;
  const { taskTypes, requestIndexes, isResult, idBase } = plan;
  const { consumersLeft } = state.tasks;
  const groupOfTask = createGrouper(state, plan);
  const light = classes.at(-1) as RequestClass;
  const planUrgency = priorityOf(record.options?.priority ?? 0, 0);
  for (let i = from; i < to; i += 1) {
    if (needs[i] === UNNEEDED) continue;
    const row = rows[i] as number;
    const requestIndex = requestIndexes[i] as number;
    const requestClass = requestIndex < 0 ? light : (classes[requestIndex] as RequestClass);
    countTaskOfClass(requestClass);
    serial[row] = record.serial;
    taskType[row] = taskTypes[i] as number;
    clientTask[row] = idBase + i;
    request[row] = requestClass.id;
    priority[row] = (priorities[i] as number) + planUrgency;
    group[row] = groupOfTask(i);
    flags[row] = INDEXED | (isResult[i] === 1 ? RESULT : 0) | (loadable?.[i] === 1 ? LOADS : 0);
    if (record.isOpen) consumersLeft[row] = 1;
    client.rows.set(idBase + i, row);
  }
  if (plan.policyIndexes !== undefined) fillPolicies(state, plan, needs, rows, from, to);
}

function fillPolicies(
  { tasks }: SchedulerState,
  { policyIndexes, policies }: Plan,
  needs: Uint8Array,
  rows: Int32Array,
  from: number,
  to: number,
): void {
  for (let i = from; i < to; i += 1) {
    const policy = policies?.[policyIndexes?.[i] ?? -1];
    if (needs[i] !== UNNEEDED && policy !== undefined)
      tasks.policies.set(rows[i] as number, policy);
  }
}

/** Copies what only workers and messages need: config, checkpoint path and label, one after another. */
export function fillDetails(
  { tasks }: SchedulerState,
  { plan, needs, rows }: PlanIntake,
  from: number,
  to: number,
): void {
  const { bytes, configs, checkpointPaths, labels } = plan;
  const { details } = tasks;
  for (let i = from; i < to; i += 1) {
    if (needs[i] === UNNEEDED) continue;
    const row = rows[i] as number;
    const configBytes = configs.lengths[i] as number;
    const pathBytes = checkpointPaths === undefined ? 0 : (checkpointPaths.lengths[i] as number);
    const labelBytes = labels === undefined ? 0 : (labels.lengths[i] as number);
    const entry = tasks.createDetails(row, configBytes, pathBytes, labelBytes);
    details.write(entry, 0, bytes, configs.starts[i] as number, configBytes);
    if (checkpointPaths !== undefined) {
      details.write(entry, configBytes, bytes, checkpointPaths.starts[i] as number, pathBytes);
    }
    if (labels !== undefined) {
      const keptBytes = tasks.labelLength[row] as number;
      details.write(entry, configBytes + pathBytes, bytes, labels.starts[i] as number, keptBytes);
    }
  }
}

/** Writes the edges; what is needed waits from now on, for its inputs and for its start. */
function connect(state: SchedulerState, intake: PlanIntake, from: number, to: number): void {
  const { tasks } = state;
  const { plan, loadable, consumerCounts, needs, rows, dormant } = intake;
  const { inputStarts } = plan;
  for (let i = from; i < to; i += 1) {
    const need = needs[i];
    if (need === UNNEEDED) continue;
    const row = rows[i] as number;
    const inputCount = (inputStarts[i + 1] as number) - (inputStarts[i] as number);
    tasks.allocateEdges(row, inputCount, consumerCounts[i] as number);
    if (inputCount > 0) addInputs(state, intake, i, row);
    if (plan.optionalInputs !== undefined) markOptional(state, intake, i, row);
    if (need !== NEEDED) continue;
    tasks.state[row] = WAITING;
    const missing = loadable?.[i] === 1 ? 0 : holdInputs(state, row, dormant);
    tasks.unfinishedInputs[row] = missing + NOT_BEGUN;
  }
}

/** What comes before the first task. */
export function beginTasks(state: SchedulerState, intake: PlanIntake): void {
  const { client, plan, record } = intake;
  intake.classes = [...plan.requests, []].map((request) => classOfRequest(state, request));
  for (const requestClass of intake.classes) countTaskOfClass(requestClass);
  if (intake.neededCount === 0) return;
  state.plans.set(record.serial, record);
  client.plans.add(record);
}

/** Writes the inputs of a row, and the row among the consumers of each. */
function addInputs(
  { tasks }: SchedulerState,
  { client, plan, record, rows }: PlanIntake,
  i: number,
  row: number,
): void {
  const { inputStarts, inputIds, idBase } = plan;
  const start = inputStarts[i] as number;
  const end = inputStarts[i + 1] as number;
  const edgeStart = tasks.edgeStart[row] as number;
  for (let k = start; k < end; k += 1) {
    const id = inputIds[k] as number;
    const index = id - idBase;
    const input = index >= 0 && index < i ? (rows[index] as number) : client.rows.get(id);
    // Not held in a variable: to add a consumer may move the edges.
    tasks.edges.items[edgeStart + k - start] = input;
    tasks.lineage[input] = (tasks.lineage[input] as number) + 1;
    if (tasks.serial[input] === record.serial) tasks.addConsumer(input, row);
    else tasks.addLateConsumer(input, row);
  }
}

/** Notes which inputs of the row may fail; one that it needs at another place may not. */
export function markOptional(
  { tasks }: SchedulerState,
  intake: PlanIntake,
  i: number,
  row: number,
): void {
  const { inputStarts, optionalInputs = NO_POSITIONS } = intake.plan;
  const start = inputStarts[i] as number;
  const end = inputStarts[i + 1] as number;
  let next = intake.nextOptional;
  while ((optionalInputs[next] ?? end) < start) next += 1;
  const first = next;
  while ((optionalInputs[next] ?? end) < end) next += 1;
  intake.nextOptional = next;
  if (first === next) return;
  const edgeStart = tasks.edgeStart[row] as number;
  const optional = new Set<number>();
  const needed = new Set<number>();
  next = first;
  for (let k = start; k < end; k += 1) {
    const input = tasks.edges.items[edgeStart + k - start] as number;
    if (optionalInputs[next] === k) {
      optional.add(input);
      next += 1;
    } else needed.add(input);
  }
  for (const input of needed) optional.delete(input);
  if (optional.size > 0) tasks.optionalInputs.set(row, optional);
}

/** Finds groups quickly where of each task type the last one was of the same group, as it mostly was. */
function createGrouper(state: SchedulerState, plan: Plan): (i: number) => number {
  const { bytes, labels, taskTypes } = plan;
  /** Of the last task of each type: where its prefix is, and its group. */
  const lastStart: number[] = [];
  const lastBytes: number[] = [];
  const lastGroup: number[] = [];
  return (i) => {
    const start = labels === undefined ? 0 : (labels.starts[i] as number);
    const sizeBytes =
      labels === undefined ? 0 : prefixBytes(bytes, start, labels.lengths[i] as number);
    const taskType = taskTypes[i] as number;
    const known = lastGroup[taskType];
    if (
      known !== undefined &&
      isSame(bytes, start, sizeBytes, lastStart[taskType] ?? 0, lastBytes[taskType] ?? 0)
    ) {
      return known;
    }
    const prefix = decodeUtf8Lossy(bytes.subarray(start, start + sizeBytes));
    const group = groupOf(state.groups, taskType, prefix);
    lastStart[taskType] = start;
    lastBytes[taskType] = sizeBytes;
    lastGroup[taskType] = group;
    return group;
  };
}

/** Bytes of the label up to the first colon. */
function prefixBytes(bytes: Uint8Array, start: number, sizeBytes: number): number {
  for (let i = 0; i < sizeBytes; i += 1) if (bytes[start + i] === COLON) return i;
  return sizeBytes;
}

function isSame(
  bytes: Uint8Array,
  start: number,
  sizeBytes: number,
  otherStart: number,
  otherBytes: number,
): boolean {
  if (sizeBytes !== otherBytes) return false;
  for (let i = 0; i < sizeBytes; i += 1) {
    if (bytes[start + i] !== bytes[otherStart + i]) return false;
  }
  return true;
}

/** What is wrong with the inputs of these tasks, given what the client has by now; undefined if nothing is. */
function findInputMistake(
  { tasks }: SchedulerState,
  client: ClientRecord,
  { inputStarts, inputIds, idBase, taskCount }: Plan,
  from: number,
  to: number,
): string | undefined {
  for (let i = from; i < to; i += 1) {
    const end = inputStarts[i + 1] as number;
    for (let k = inputStarts[i] as number; k < end; k += 1) {
      const id = inputIds[k] as number;
      const index = id - idBase;
      if (index >= 0 && index < i) continue;
      if (index >= i && index < taskCount) {
        return `task ${idBase + i} has input ${id}, which does not come before it`;
      }
      const row = client.rows.get(id);
      if (row === -1) {
        return `task ${idBase + i} has input ${id}, which does not exist (it never did, or is gone)`;
      }
      if (isDynamic(tasks.taskType[row] as number)) {
        return `task ${idBase + i} has input ${id}, a dynamic task of an earlier plan, which can have one consumer only`;
      }
    }
  }
  return undefined;
}
