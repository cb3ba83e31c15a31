import { decodeUtf8Lossy } from "../../base/utf8.ts";
import type { ByteRanges, Plan } from "../../model/plan.ts";
import type { StepContext } from "../context.ts";
import { groupOf } from "../groups.ts";
import { makeReady } from "../ready.ts";
import { classOfRequest, countTaskOfClass, forgetIfUnused } from "../request-classes.ts";
import type { ClientRecord, PlanRecord, SchedulerState } from "../state.ts";
import { DORMANT, INDEXED, LOADS, RESULT, WAITING } from "../task-table.ts";
import { holdInputs, resurrect } from "../wants.ts";
import { levelNewPlan } from "./time-levels.ts";

/** What becomes of a task of a plan. */
const UNNEEDED = 0;
/** Only the record: it may be needed when a checkpoint turns out not to be loadable. */
const RECORDED = 1;
const NEEDED = 2;

const EMPTY = new Uint8Array(0);
const COLON = 0x3a;

/** Adds a plan that was checked. Linear in its tasks and edges, never recursive. */
export function addPlan(
  context: StepContext,
  client: ClientRecord,
  plan: Plan,
  loadable: Uint8Array,
): void {
  const { state } = context;
  const needs = findNeeds(plan, loadable);
  const record: PlanRecord = {
    serial: state.nextSerial++,
    clientId: client.id,
    idBase: plan.idBase,
    taskCount: plan.taskCount,
    submittedAtMs: state.nowMs,
    rows: new Int32Array(0),
    expandedRows: [],
    expandedSerials: [],
    liveCount: 0,
    isToldUnsatisfiable: false,
  };
  const rows = allocateRows(state, plan, needs, record);
  if (record.liveCount === 0) return;
  state.plans.set(record.serial, record);
  client.plans.add(record);
  addEdges(state, client, plan, rows);
  addDetails(state, client, plan, rows, loadable);
  levelNewPlan(state, record);
  startTasks(context, plan, rows, needs, loadable);
}

/** Walks from the results towards the inputs. A task that is loaded needs no inputs, as long as it can be. */
function findNeeds(plan: Plan, loadable: Uint8Array): Uint8Array {
  const needs = new Uint8Array(plan.taskCount);
  for (let i = plan.taskCount - 1; i >= 0; i -= 1) {
    if (plan.isResult[i] === 1) needs[i] = NEEDED;
    const need = needs[i] as number;
    if (need === UNNEEDED) continue;
    const ofInputs = need === NEEDED && loadable[i] === 0 ? NEEDED : RECORDED;
    for (let k = plan.inputStarts[i] as number; k < (plan.inputStarts[i + 1] as number); k += 1) {
      const input = (plan.inputIds[k] as number) - plan.idBase;
      if (input >= 0 && input < i && (needs[input] as number) < ofInputs) needs[input] = ofInputs;
    }
  }
  return needs;
}

/** Row of each task of the plan; -1 where it is not needed. */
function allocateRows(
  state: SchedulerState,
  plan: Plan,
  needs: Uint8Array,
  record: PlanRecord,
): Int32Array {
  const { tasks } = state;
  const rows = new Int32Array(plan.taskCount).fill(-1);
  tasks.reserve(needs.reduce((count, need) => count + (need === UNNEEDED ? 0 : 1), 0));
  let liveCount = 0;
  for (let i = 0; i < plan.taskCount; i += 1) {
    if (needs[i] === UNNEEDED) continue;
    const row = tasks.allocate();
    rows[i] = row;
    tasks.serial[row] = record.serial;
    liveCount += 1;
  }
  record.liveCount = liveCount;
  record.rows = liveCount === plan.taskCount ? rows : rows.filter((row) => row !== -1);
  return rows;
}

/** Writes inputs and consumers of all rows, and counts who is kept for whom. */
function addEdges(state: SchedulerState, client: ClientRecord, plan: Plan, rows: Int32Array): void {
  const { tasks } = state;
  const { inputStarts, inputIds, idBase, taskCount } = plan;
  const consumerCounts = new Uint32Array(taskCount);
  for (let i = 0; i < taskCount; i += 1) {
    if (rows[i] === -1) continue;
    for (let k = inputStarts[i] as number; k < (inputStarts[i + 1] as number); k += 1) {
      const input = (inputIds[k] as number) - idBase;
      if (input >= 0 && input < taskCount)
        consumerCounts[input] = (consumerCounts[input] as number) + 1;
    }
  }
  for (let i = 0; i < taskCount; i += 1) {
    const row = rows[i] as number;
    if (row === -1) continue;
    const inputCount = (inputStarts[i + 1] as number) - (inputStarts[i] as number);
    tasks.allocateEdges(row, inputCount, consumerCounts[i] as number);
  }
  // No edge block is allocated below, so the arena's array stays the same.
  const items = tasks.edges.items;
  const filled = consumerCounts.fill(0);
  for (let i = 0; i < taskCount; i += 1) {
    const row = rows[i] as number;
    if (row === -1) continue;
    const start = inputStarts[i] as number;
    const edgeStart = tasks.edgeStart[row] as number;
    for (let k = start; k < (inputStarts[i + 1] as number); k += 1) {
      const id = inputIds[k] as number;
      const index = id - idBase;
      let input: number;
      if (index >= 0 && index < taskCount) {
        input = rows[index] as number;
        const place = filled[index] as number;
        filled[index] = place + 1;
        items[(tasks.edgeStart[input] as number) + (tasks.inputCount[input] as number) + place] =
          row;
      } else {
        input = client.rows.get(id);
        tasks.addLateConsumer(input, row);
      }
      items[edgeStart + k - start] = input;
      tasks.lineage[input] = (tasks.lineage[input] as number) + 1;
    }
  }
}

function addDetails(
  state: SchedulerState,
  client: ClientRecord,
  plan: Plan,
  rows: Int32Array,
  loadable: Uint8Array,
): void {
  const { tasks } = state;
  const classes = plan.requests.map((request) => classOfRequest(state, request));
  const light = classOfRequest(state, []);
  const priorities = longestPaths(plan, rows);
  const groupOfTask = createGrouper(state, plan);
  for (let i = 0; i < plan.taskCount; i += 1) {
    const row = rows[i] as number;
    if (row === -1) continue;
    const request = plan.requestIndexes[i] as number;
    const label = rangeOf(plan, plan.labels, i);
    tasks.taskType[row] = plan.taskTypes[i] as number;
    tasks.clientTask[row] = plan.idBase + i;
    const requestClass = classes[request] ?? light;
    countTaskOfClass(requestClass);
    tasks.request[row] = requestClass.id;
    tasks.priority[row] = priorities[i] as number;
    tasks.group[row] = groupOfTask(plan.taskTypes[i] as number, label);
    tasks.flags[row] =
      INDEXED | (plan.isResult[i] === 1 ? RESULT : 0) | (loadable[i] === 1 ? LOADS : 0);
    const config = rangeOf(plan, plan.configs, i);
    tasks.setDetails(row, config, rangeOf(plan, plan.checkpointPaths, i), label);
    client.rows.set(plan.idBase + i, row);
  }
  for (const requestClass of [...classes, light]) forgetIfUnused(state, requestClass);
}

const rangeOf = (plan: Plan, ranges: ByteRanges | undefined, i: number): Uint8Array => {
  const length = ranges?.lengths[i] ?? 0;
  if (ranges === undefined || length === 0) return EMPTY;
  const start = ranges.starts[i] as number;
  return plan.bytes.subarray(start, start + length);
};

/** The b-level: tasks on the longest path from a task to a result, itself included. */
function longestPaths(plan: Plan, rows: Int32Array): Int32Array {
  const levels = new Int32Array(plan.taskCount).fill(1);
  for (let i = plan.taskCount - 1; i >= 0; i -= 1) {
    if (rows[i] === -1) continue;
    const level = (levels[i] as number) + 1;
    for (let k = plan.inputStarts[i] as number; k < (plan.inputStarts[i + 1] as number); k += 1) {
      const input = (plan.inputIds[k] as number) - plan.idBase;
      if (input >= 0 && input < i && (levels[input] as number) < level) levels[input] = level;
    }
  }
  return levels;
}

/** Finds groups quickly where neighbors are of one group, as they mostly are. */
function createGrouper(
  state: SchedulerState,
  plan: Plan,
): (taskType: number, label: Uint8Array) => number {
  let lastType = -1;
  let lastPrefix = EMPTY;
  let lastGroup = -1;
  return (taskType, label) => {
    const colon = label.indexOf(COLON);
    const prefix = colon === -1 ? label : label.subarray(0, colon);
    if (taskType !== lastType || !equalBytes(prefix, lastPrefix)) {
      lastType = taskType;
      lastPrefix = plan.labels === undefined ? EMPTY : prefix.slice();
      lastGroup = groupOf(state.groups, taskType, decodeUtf8Lossy(prefix));
    }
    return lastGroup;
  };
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

function startTasks(
  context: StepContext,
  plan: Plan,
  rows: Int32Array,
  needs: Uint8Array,
  loadable: Uint8Array,
): void {
  const { state } = context;
  const { tasks } = state;
  /** Inputs of earlier plans whose data is there only as a record. */
  const dormant: number[] = [];
  for (let i = 0; i < plan.taskCount; i += 1) {
    const row = rows[i] as number;
    if (row === -1) continue;
    if (needs[i] !== NEEDED) {
      tasks.state[row] = DORMANT;
    } else if (loadable[i] === 1) {
      makeReady(context, row);
    } else {
      const missing = holdInputs(state, row, dormant);
      tasks.state[row] = WAITING;
      // Sources come below, in an order that keeps those of one consumer together.
      if (missing === 0 && (tasks.inputCount[row] as number) > 0) makeReady(context, row);
    }
  }
  startSources(context, plan, rows, needs, loadable);
  resurrect(context, dormant);
}

/**
 * Makes the tasks without inputs ready in the order in which the plan first uses them, so that
 * those that feed one consumer are neighbors in the pool, and are handed out together.
 */
function startSources(
  context: StepContext,
  plan: Plan,
  rows: Int32Array,
  needs: Uint8Array,
  loadable: Uint8Array,
): void {
  const { tasks } = context.state;
  const started = new Uint8Array(plan.taskCount);
  const start = (i: number): void => {
    const row = rows[i] as number;
    if (row === -1 || started[i] === 1 || needs[i] !== NEEDED || loadable[i] === 1) return;
    if (tasks.inputCount[row] !== 0) return;
    started[i] = 1;
    makeReady(context, row);
  };
  for (let i = 0; i < plan.taskCount; i += 1) {
    if (needs[i] === NEEDED) {
      for (let k = plan.inputStarts[i] as number; k < (plan.inputStarts[i + 1] as number); k += 1) {
        const input = (plan.inputIds[k] as number) - plan.idBase;
        if (input >= 0 && input < plan.taskCount) start(input);
      }
    }
  }
  for (let i = 0; i < plan.taskCount; i += 1) start(i);
}
