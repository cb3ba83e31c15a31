import { assert } from "../base/assert.ts";
import { AHEAD_CONSUMERS_MAX } from "./given.ts";
import { needsNoInputs } from "./optional-inputs.ts";
import { BEGUN } from "./plans/find-needs.ts";
import { classOf } from "./request-classes.ts";
import type { SchedulerState, WorkerRecord } from "./state.ts";
import {
  ASSIGNED,
  CARRIED,
  DORMANT,
  FREE,
  HOLDS_INPUTS,
  INDEXED,
  isAhead,
  isGiven,
  NOT_BEGUN,
  PRESENT,
  READY,
  RESULT,
  RUNNING,
  WAITING,
} from "./task-table.ts";
import { forEachConsumer, isWanted, planOf } from "./wants.ts";

/** Counts everything anew and compares; for tests and the simulator, after each step. Fails by assertion. */
export function checkSchedulerInvariants(state: SchedulerState): void {
  const { tasks } = state;
  const unsettled = unsettledRows(state);
  const consumersLeft = new Uint32Array(tasks.capacity);
  for (const plan of new Set(state.plans.values())) {
    for (let i = plan.heldFrom; i < plan.heldTo; i += 1) {
      const row = plan.rows.at(i);
      consumersLeft[row] = (consumersLeft[row] as number) + 1;
    }
  }
  const lineage = new Uint32Array(tasks.capacity);
  let live = 0;
  let objects = 0;
  for (let row = 0; row < tasks.capacity; row += 1) {
    if (tasks.state[row] === FREE) continue;
    live += 1;
    if (tasks.state[row] === PRESENT) objects += 1;
    const holdsInputs = ((tasks.flags[row] as number) & HOLDS_INPUTS) !== 0;
    let missing = unsettled.notBegun.has(row) ? NOT_BEGUN : 0;
    const start = tasks.edgeStart[row] as number;
    for (let k = start; k < start + (tasks.inputCount[row] as number); k += 1) {
      const input = tasks.edges.items[k] as number;
      assert(tasks.state[input] !== FREE, `input ${input} of task ${row} has a record`);
      lineage[input] = (lineage[input] as number) + 1;
      if (!holdsInputs) continue;
      consumersLeft[input] = (consumersLeft[input] as number) + 1;
      if (tasks.state[input] !== PRESENT) missing += 1;
    }
    checkRow(state, row, missing, unsettled);
  }
  for (let row = 0; row < tasks.capacity; row += 1) {
    if (tasks.state[row] === FREE) continue;
    assert(tasks.consumersLeft[row] === consumersLeft[row], `consumers left of task ${row}`);
    assert(tasks.lineage[row] === lineage[row], `lineage of task ${row}`);
    let consumers = 0;
    forEachConsumer(state, row, () => {
      consumers += 1;
    });
    assert(consumers === lineage[row], `task ${row} knows all of its consumers`);
  }
  assert(live === tasks.liveCount, "live tasks are counted");
  assert(objects === state.objectCount, "data objects are counted");
  checkWorkers(state);
  checkClasses(state);
  checkClients(state);
  checkCarried(state);
  checkLosses(state);
}

function checkLosses({ tasks, workers, crashes, drains }: SchedulerState): void {
  for (const row of crashes.keys()) {
    assert(tasks.state[row] !== FREE, `task ${row}, which was executed at losses, has a record`);
  }
  for (const [id, { copying, copyingBytes }] of drains) {
    assert(workers.has(id), `worker ${id}, which drains, is there`);
    let bytes = 0;
    for (const { target, sizeBytes } of copying.values()) {
      bytes += sizeBytes;
      assert(workers.has(target), `worker ${target}, which takes something over, is there`);
    }
    assert(bytes === copyingBytes, `what worker ${id} copies elsewhere is counted`);
  }
}

function checkCarried({ tasks, held, options }: SchedulerState): void {
  for (const row of held.byRow.keys()) {
    assert(((tasks.flags[row] as number) & RESULT) !== 0, `held task ${row} is a result`);
  }
  assert(held.byRow.size > 0 || held.totalBytes === 0, "what is held is counted");
  assert(held.totalBytes <= options.heldBytesMax, "what is held is bounded");
  for (let row = 0; row < tasks.capacity; row += 1) {
    const flags = tasks.flags[row] as number;
    if (tasks.state[row] === FREE || (flags & CARRIED) === 0) continue;
    assert((flags & RESULT) !== 0, `carried task ${row} is a result`);
  }
}

/** Rows that work which is not done yet is about, and for which not all holds. */
type Unsettled = {
  /** Of plans that are being taken over, or before their next attempt; they count `NOT_BEGUN` unfinished inputs more. */
  readonly notBegun: ReadonlySet<number>;
  /** Perhaps not wanted any more, but still there. */
  readonly going: ReadonlySet<number>;
};

function unsettledRows(state: SchedulerState): Unsettled {
  const { work, tasks } = state;
  const notBegun = new Set<number>();
  const going = new Set<number>();
  for (let i = 0; i < work.unwanted.length; i += 1) going.add(work.unwanted.at(i));
  for (let row = 0; row < tasks.capacity; row += 1) {
    if (tasks.state[row] !== FREE && planOf(state, row).endings > 0) going.add(row);
  }
  for (const row of state.retries.delays.keys()) notBegun.add(row);
  for (const intake of work.intakes) {
    if (intake.kind !== "plan" && intake.kind !== "chunk") continue;
    if (intake.record.isGivenUp) continue;
    intake.rows.forEach((row, i) => {
      if (row !== -1 && intake.needs[i] !== BEGUN) notBegun.add(row);
    });
  }
  return { notBegun, going };
}

function checkRow(
  state: SchedulerState,
  row: number,
  missing: number,
  { notBegun, going }: Unsettled,
): void {
  const { tasks, queues } = state;
  const current = tasks.state[row];
  const flags = tasks.flags[row] as number;
  const queue = queues.queueOf(row);
  const unfinished =
    current === WAITING || current === READY || current === ASSIGNED || current === RUNNING;
  const loads = needsNoInputs(tasks, row);
  assert(
    ((flags & HOLDS_INPUTS) !== 0) === (unfinished && !loads),
    `task ${row} in state ${current} holds its inputs while it is unfinished`,
  );
  if ((flags & HOLDS_INPUTS) !== 0 && !going.has(row)) {
    assert(tasks.unfinishedInputs[row] === missing, `missing inputs of task ${row}`);
    assert(
      current !== WAITING || missing > 0 || state.recovery !== undefined,
      `task ${row} waits for inputs`,
    );
    assert(current !== READY || missing === 0, `task ${row} does not wait for inputs`);
  }
  if (!going.has(row) && !notBegun.has(row)) {
    if (current !== DORMANT) {
      assert(isWanted(state, row), `task ${row} in state ${current} is wanted`);
    } else {
      assert((tasks.lineage[row] as number) > 0, `dormant task ${row} is kept for a reason`);
    }
  }
  const ahead = isAhead(tasks, row);
  // While the workers of before come back, what is ready gets no place.
  if (current !== READY || state.recovery === undefined) {
    const hasPlace = unfinished && current !== WAITING && !ahead;
    assert((queue !== -1) === hasPlace, `queue of task ${row}`);
  }
  if (ahead) checkAhead(state, row);
  else if (current === ASSIGNED || current === RUNNING) {
    const worker = state.workers.get(tasks.worker[row] as number);
    assert(queue === worker?.given, `task ${row} is on its worker's account`);
  }
  if (current === PRESENT) {
    assert(state.workers.has(tasks.worker[row] as number), `task ${row} has a holder`);
    for (const extra of state.extraReplicas.get(row) ?? []) {
      assert(state.workers.has(extra) && extra !== tasks.worker[row], `replicas of task ${row}`);
    }
  }
  planOf(state, row);
}

/** What was given ahead waits for nothing but what its worker was given too, and would be found from there. */
function checkAhead(state: SchedulerState, row: number): void {
  const { tasks } = state;
  const start = tasks.edgeStart[row] as number;
  for (let k = start; k < start + (tasks.inputCount[row] as number); k += 1) {
    const input = tasks.edges.items[k] as number;
    if (tasks.state[input] === PRESENT) continue;
    const isComing = isGiven(tasks, input) && tasks.worker[input] === tasks.worker[row];
    assert(
      isComing,
      `input ${input} of task ${row}, which was given ahead, is given to its worker`,
    );
    assert(tasks.serial[input] === tasks.serial[row], `task ${row} is known to its input ${input}`);
    assert(
      (tasks.consumerCount[input] as number) <= AHEAD_CONSUMERS_MAX,
      `task ${row} is found from its input ${input}`,
    );
  }
}

function checkWorkers(state: SchedulerState): void {
  const { tasks } = state;
  const ahead = new Map<number, number>();
  for (let row = 0; row < tasks.capacity; row += 1) {
    if (!isAhead(tasks, row)) continue;
    const worker = tasks.worker[row] as number;
    ahead.set(worker, (ahead.get(worker) ?? 0) + 1);
  }
  let backlog = 0;
  for (const worker of state.workers.values()) {
    let own = 0;
    for (const [classId, queue] of worker.backlogs) {
      const count = state.queues.count(queue);
      own += count;
      assert(
        state.classes[classId]?.backlogged.has(worker.id) === count > 0,
        `worker ${worker.id} is among those with a backlog of class ${classId}`,
      );
    }
    assert(own === worker.backlogTasks, `backlog of worker ${worker.id} is counted`);
    backlog += own;
    assert(
      worker.aheadTasks === (ahead.get(worker.id) ?? 0),
      `what worker ${worker.id} was given ahead is counted`,
    );
    assert(
      givenAmounts(state, worker).every((amount, i) => amount === worker.givenAmounts[i]),
      `what the tasks given to worker ${worker.id} ask for is counted`,
    );
    for (const load of worker.aheadUs) assert(load > -1, `load ahead of worker ${worker.id}`);
    for (const load of worker.loadUs) assert(load > -1, `load of worker ${worker.id} is a load`);
    assert(
      worker.kind.buckets[worker.bucket]?.has(worker.id) === true,
      "a worker is in its bucket",
    );
  }
  assert(backlog === state.backlogCount, "the backlog is counted");
}

/** What the tasks in the worker's queue ask for; the last one is the number of those that ask for nothing. */
function givenAmounts(state: SchedulerState, { given, kind }: WorkerRecord): number[] {
  const amounts = [...kind.amounts.map(() => 0), 0];
  state.queues.lastRows(given, state.queues.count(given), (row) => {
    const { request } = classOf(state, row);
    if (request.length === 0) amounts[kind.amounts.length] = (amounts.at(-1) ?? 0) + 1;
    for (const { resource, amount } of request) {
      const dimension = kind.dimensionOf.get(resource) ?? -1;
      amounts[dimension] = (amounts[dimension] ?? 0) + amount;
    }
    return false;
  });
  return amounts;
}

function checkClasses(state: SchedulerState): void {
  const { tasks, queues } = state;
  const liveTasks = new Map<number, number>();
  for (let row = 0; row < tasks.capacity; row += 1) {
    if (tasks.state[row] === FREE) continue;
    const request = tasks.request[row] as number;
    liveTasks.set(request, (liveTasks.get(request) ?? 0) + 1);
  }
  for (const intake of state.work.intakes) {
    if (intake.kind !== "plan" && intake.kind !== "chunk") continue;
    for (const { id } of intake.classes) liveTasks.set(id, (liveTasks.get(id) ?? 0) + 1);
  }
  for (const requestClass of state.classByKey.values()) {
    const { id, pool, backlogged } = requestClass;
    assert(requestClass.liveTasks === liveTasks.get(id), `tasks of class ${id} are counted`);
    assert(state.pooledClasses.has(requestClass) === queues.count(pool) > 0, `pool of class ${id}`);
    assert(
      state.backloggedClasses.has(requestClass) === backlogged.size > 0,
      `backlog of class ${id}`,
    );
  }
  assert(liveTasks.size === state.classByKey.size, "a class goes with its last task");
}

function checkClients(state: SchedulerState): void {
  const { tasks } = state;
  let indexed = 0;
  for (let row = 0; row < tasks.capacity; row += 1) {
    if (tasks.state[row] === FREE || ((tasks.flags[row] as number) & INDEXED) === 0) continue;
    const plan = planOf(state, row);
    const client = state.clients.get(plan.clientId);
    // Of a client that left, the index went first.
    if (client === undefined && plan.isGivenUp) continue;
    indexed += 1;
    assert(client?.rows.get(tasks.clientTask[row] as number) === row, `index of task ${row}`);
  }
  let entries = 0;
  for (const client of state.clients.values()) entries += client.rows.size;
  assert(indexed === entries, "clients can name what exists, and nothing else");
}
