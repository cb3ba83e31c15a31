import { Uint32List } from "../base/columns.ts";
import { PriorityQueues } from "../base/priority-queues.ts";
import type { AssignedTasks } from "../model/batches.ts";
import type { ResourceOffer } from "../model/resources.ts";
import { Durations } from "./durations.ts";
import { Outbox } from "./outbox.ts";
import { BatchTable } from "./tables/batch-table.ts";
import { EndingTable } from "./tables/ending-table.ts";
import { LaneTable } from "./tables/lane-table.ts";
import { ObjectTable } from "./tables/object-table.ts";
import { RequestTable } from "./tables/request-table.ts";
import { Resources } from "./tables/resources.ts";
import { TASK_FETCHING, TASK_RUNNABLE, TASK_RUNNING, TaskTable } from "./tables/task-table.ts";
import { WaitEdges } from "./tables/wait-edges.ts";

/** Everything that a worker's decisions depend on. Only `stepWorker` writes it. */
export type WorkerState = {
  /** As the server calls it now; see `reattached`. */
  workerId: number;
  readonly resources: Resources;
  readonly batches: BatchTable;
  readonly tasks: TaskTable;
  readonly objects: ObjectTable;
  readonly edges: WaitEdges;
  readonly queues: PriorityQueues;
  readonly requests: RequestTable;
  readonly lanes: LaneTable;
  readonly endings: EndingTable;
  readonly durations: Durations;
  readonly outbox: Outbox;
  /** Objects, not here, that lost a waiting task in this step: perhaps nobody waits for them now. */
  readonly orphans: Uint32List;
  /** Expected objects whose task left in this step; those that it has made are here now. */
  readonly unmade: Uint32List;
  /** Whether in this step something became free or runnable. */
  mayStart: boolean;
  nextSequence: number;
  /** Tasks in each state. */
  readonly counts: { fetching: number; runnable: number; running: number };
};

/**
 * A worker that has been given nothing yet. `offer` is all it has, a symbol id each; the task types
 * of its extensions are part of it. `workerId` is the number that the server welcomed it with.
 */
export function createWorkerState(options: {
  readonly workerId: number;
  readonly offer: ResourceOffer;
}): WorkerState {
  const tasks = new TaskTable();
  const objects = new ObjectTable();
  const queues = new PriorityQueues();
  const resources = new Resources(options.offer);
  return {
    workerId: options.workerId,
    resources,
    batches: new BatchTable(),
    tasks,
    objects,
    edges: new WaitEdges(tasks, objects),
    queues,
    requests: new RequestTable(queues, resources),
    lanes: new LaneTable(),
    endings: new EndingTable(),
    durations: new Durations(),
    outbox: new Outbox(),
    orphans: new Uint32List(),
    unmade: new Uint32List(),
    mayStart: false,
    nextSequence: 0,
    counts: { fetching: 0, runnable: 0, running: 0 },
  };
}

/**
 * The assignment that the task in this row came in, and its index there. Rows of an `execute`
 * command are valid until the next step: read what is needed at once, and keep (task, attempt).
 */
export function taskAt(
  state: WorkerState,
  row: number,
): { readonly batch: AssignedTasks; readonly index: number } {
  return {
    batch: state.batches.get(state.tasks.batches[row] as number),
    index: state.tasks.indexes[row] as number,
  };
}

/** The numbers of the cpus, from 0, that the running task in this row was given; as many as it asked for. */
export function cpusAt(state: WorkerState, row: number): number[] {
  const lane = state.tasks.lanes[row] as number;
  const firstCpu = lane === 0 ? state.tasks.firstCpus[row] : state.lanes.get(lane).firstCpu;
  return state.resources.cpus(firstCpu as number);
}

/** The state of this attempt on this worker, in the words of the task model; undefined if it is not here. */
export function findTaskState(
  state: WorkerState,
  task: number,
  attempt: number,
): "fetching" | "runnable" | "running" | undefined {
  const row = state.tasks.findAttempt(task, attempt);
  switch (state.tasks.states[row]) {
    case TASK_FETCHING:
      return "fetching";
    case TASK_RUNNABLE:
      return "runnable";
    case TASK_RUNNING:
      return "running";
    default:
      return undefined;
  }
}
