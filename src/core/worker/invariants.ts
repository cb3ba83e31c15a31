import { assert } from "../base/assert.ts";
import { CPUS } from "../model/symbols.ts";
import type { WorkerState } from "./state.ts";
import { LANE_US_MAX } from "./tables/lane-table.ts";
import { OBJECT_EXPECTED, OBJECT_FREE, OBJECT_PRESENT } from "./tables/object-table.ts";
import type { Request } from "./tables/request-table.ts";
import { TASK_FETCHING, TASK_FREE, TASK_RUNNABLE, TASK_RUNNING } from "./tables/task-table.ts";

const NONE = -1;

/** Fails where the state contradicts itself between two steps. Linear in the state: for tests and simulations. */
export function checkWorkerInvariants(state: WorkerState): void {
  assert(
    state.orphans.length + state.unmade.length === 0 && !state.mayStart,
    "a step leaves nothing undecided",
  );
  checkTasks(state);
  checkUsers(state);
  checkLanes(state);
  checkResources(state);
  checkObjects(state);
  const { running, runnable } = state.counts;
  const users = running + state.endings.size;
  assert(users > 0 || runnable === 0, "no task waits for resources that nobody uses");
}

function checkTasks(state: WorkerState): void {
  const { tasks, counts } = state;
  const inState = [0, 0, 0, 0];
  for (let row = 0; row < tasks.rowEnd; row++) {
    const taskState = tasks.states[row] as number;
    inState[taskState] = (inState[taskState] ?? 0) + 1;
    if (taskState !== TASK_FREE) checkTask(state, row);
  }
  assert(inState[TASK_FETCHING] === counts.fetching, "tasks that fetch are counted");
  assert(inState[TASK_RUNNABLE] === counts.runnable, "runnable tasks are counted");
  assert(inState[TASK_RUNNING] === counts.running, "running tasks are counted");
  assert(tasks.size === tasks.rowEnd - (inState[TASK_FREE] ?? 0), "each row has its task");
}

function checkTask(state: WorkerState, row: number): void {
  const { tasks, queues, objects } = state;
  const story = `task ${tasks.tasks[row]} attempt ${tasks.attempts[row]}`;
  const taskState = tasks.states[row];
  const index = tasks.indexes[row] as number;
  const batch = state.batches.get(tasks.batches[row] as number);
  const request = state.requests.get(tasks.requests[row] as number);
  assert(tasks.find(tasks.tasks[row] as number) === row, `${story} is found`);
  assert(batch.tasks[index] === tasks.tasks[row], `${story} is in its batch`);
  assert(request.refusal === undefined, `${story} asks for what there is`);
  let missing = 0;
  state.edges.forEachObject(row, (object) => {
    missing += 1;
    assert(!objects.isPresent(object), `what ${story} waits for is not here`);
  });
  if (taskState === TASK_FETCHING) {
    assert(missing > 0, `${story} waits for something`);
    assert(missing === tasks.missingInputs[row], `${story} counts its missing inputs`);
  } else {
    assert(tasks.firstEdges[row] === NONE, `${story} waits for no input`);
  }
  const queue = taskState === TASK_RUNNABLE ? request.queue : NONE;
  assert(queues.queueOf(row) === queue, `${story} is in its queue exactly while it is runnable`);
}

/** Batches and requests are kept exactly while a task uses them. */
function checkUsers(state: WorkerState): void {
  const { tasks } = state;
  const ofBatch = new Map<number, number>();
  const ofRequest = new Map<number, number>();
  for (let row = 0; row < tasks.rowEnd; row++) {
    if (tasks.states[row] === TASK_FREE) continue;
    const batch = tasks.batches[row] as number;
    const request = tasks.requests[row] as number;
    ofBatch.set(batch, (ofBatch.get(batch) ?? 0) + 1);
    ofRequest.set(request, (ofRequest.get(request) ?? 0) + 1);
  }
  assert(ofBatch.size === state.batches.size, "no batch is kept for nobody");
  assert(ofRequest.size === state.requests.size, "no request is kept for nobody");
  for (const [batch, users] of ofBatch) {
    assert(state.batches.users(batch) === users, "the users of a batch are counted");
  }
  for (const [request, users] of ofRequest) {
    assert(state.requests.get(request).users === users, "the users of a request are counted");
  }
}

/** Each lane is there for its tasks, which are alike and not too many. */
function checkLanes(state: WorkerState): void {
  const { tasks, batches } = state;
  const counts = new Map<number, number>();
  for (let row = 0; row < tasks.rowEnd; row++) {
    const id = tasks.lanes[row] as number;
    if (tasks.states[row] === TASK_FREE || id === 0) continue;
    counts.set(id, (counts.get(id) ?? 0) + 1);
    const lane = state.lanes.get(id);
    const batch = batches.get(tasks.batches[row] as number);
    assert(tasks.states[row] === TASK_RUNNING, "what is in a lane runs");
    assert(tasks.isRedirected[row] === 0, "what was redirected is in no lane");
    assert(lane.request.id === tasks.requests[row], "a lane has what its tasks ask for");
    assert(
      lane.taskType === batch.taskTypes[tasks.indexes[row] as number],
      "a lane has tasks of one type",
    );
  }
  for (const ending of state.endings.all()) {
    if (ending.kind !== "in-lane") continue;
    counts.set(ending.lane, (counts.get(ending.lane) ?? 0) + 1);
    assert(state.lanes.get(ending.lane).isClosed, "a lane with what was killed gets no more tasks");
  }
  assert(counts.size === state.lanes.size, "no lane is kept for nobody");
  for (const { id, taskCount, expectedUs } of state.lanes.all()) {
    assert(counts.get(id) === taskCount, "the tasks of a lane are counted");
    assert(taskCount === 1 || expectedUs <= LANE_US_MAX + 1, "a lane is short");
  }
}

function checkResources(state: WorkerState): void {
  const { tasks, resources } = state;
  const free = resources.offered.slice();
  const cpus = resources.freeCpus();
  const cpuSlot = resources.slotOf(CPUS);
  const use = ({ slots, amounts }: Request, firstCpu: number): void => {
    slots.forEach((slot, i) => {
      free[slot] = (free[slot] as number) - (amounts[i] as number);
    });
    const own = resources.cpus(firstCpu);
    assert(own.length === (amounts[slots.indexOf(cpuSlot)] ?? 0), "a task has its cpus");
    cpus.push(...own);
  };
  for (let row = 0; row < tasks.rowEnd; row++) {
    if (tasks.states[row] !== TASK_RUNNING || tasks.lanes[row] !== 0) continue;
    use(state.requests.get(tasks.requests[row] as number), tasks.firstCpus[row] as number);
  }
  for (const { request, firstCpu } of state.lanes.all()) use(request, firstCpu);
  for (const ending of state.endings.all()) {
    if (ending.kind === "alone") use(ending.request, ending.firstCpu);
  }
  free.forEach((amount, slot) => {
    assert(amount >= 0, "no more is taken than is offered");
    assert(amount === resources.free[slot], "what is free is what nobody took");
  });
  assert(new Set(cpus).size === cpus.length, "no cpu is given twice");
  assert(cpus.length === (resources.offered[cpuSlot] ?? 0), "no cpu is lost");
}

function checkObjects(state: WorkerState): void {
  const { objects } = state;
  let present = 0;
  let fetching = 0;
  let expected = 0;
  for (let row = 0; row < objects.rowEnd; row++) {
    if (objects.states[row] === OBJECT_FREE) continue;
    const task = objects.tasks[row] as number;
    assert(objects.find(task, objects.attempts[row] as number) === row, "an object is found");
    const isAwaited = objects.firstEdges[row] !== NONE;
    if (objects.states[row] === OBJECT_PRESENT) {
      present += 1;
      assert(!isAwaited, `nobody waits for the object of task ${task}, which is here`);
    } else if (objects.states[row] === OBJECT_EXPECTED) {
      expected += 1;
      const producer = state.tasks.findAttempt(task, objects.attempts[row] as number);
      assert(producer !== NONE, `the task ${task} that is to make an object is here`);
      assert(isAwaited, `somebody waits for the object that task ${task} makes`);
    } else {
      fetching += 1;
      assert(
        isAwaited || objects.isCopy[row] === 1,
        `somebody waits for the object of task ${task}, which is on its way`,
      );
    }
  }
  assert(present + fetching + expected === objects.size, "each row has its object");
  let listed = 0;
  for (let row = objects.firstFetching; row !== NONE; row = objects.nextFetching[row] as number) {
    listed += 1;
  }
  assert(listed === fetching, "the list of objects on their way is complete");
}
