import type { Uint32List } from "../base/columns.ts";
import type { IntervalSet } from "../base/interval-set.ts";
import type { PagedIndex } from "../base/paged-index.ts";
import { PriorityQueues } from "../base/priority-queues.ts";
import { createRandom, type Random } from "../base/random.ts";
import type { PlanOptions } from "../model/policies.ts";
import type { ResourceRequest } from "../model/resources.ts";
import type { HeldResults } from "./carried-results.ts";
import type { Crashes } from "./crashes.ts";
import { createRetries, type Retries } from "./delays.ts";
import type { Drain } from "./drains.ts";
import { createStall, type Stall } from "./explain/stalls.ts";
import { createGroups, type Groups } from "./groups.ts";
import { createSchedulerJournal, type SchedulerJournal } from "./journal.ts";
import type { LastWords } from "./last-words.ts";
import type { Arrivals } from "./placement/arrivals.ts";
import { type ClusterMemory, createClusterMemory } from "./placement/memory.ts";
import type { WorkerKind } from "./placement/worker-kinds.ts";
import type { ClientEvent } from "./plans/clients.ts";
import type { FailedTask } from "./plans/end-plan.ts";
import { createLevelClock, type LevelClock } from "./plans/time-levels.ts";
import type { Policy } from "./policy.ts";
import type { Reruns } from "./reruns.ts";
import type { Recovery } from "./restore/recovery.ts";
import { TaskTable } from "./task-table.ts";
import { createWork, type Work } from "./work.ts";

/** A worker that has joined and is not lost. */
export type WorkerRecord = {
  readonly id: number;
  readonly name: string;
  /** One of its own while it drains, which nothing is placed by. */
  kind: WorkerKind;
  /**
   * Expected time until the worker has done what it was given and what waits for it here, as if each
   * resource were the only limit: one entry a resource of its kind, the last one for tasks that ask for nothing.
   */
  readonly loadUs: Float64Array;
  /** The part of `loadUs` that it was given and can begin. */
  readonly givenUs: Float64Array;
  /** Amounts that the tasks in `given` ask for, one entry a resource; the last one counts those that ask for nothing. */
  readonly givenAmounts: Float64Array;
  /** Amounts that all tasks counted in `loadUs` ask for, one entry a resource. */
  readonly loadAmounts: Float64Array;
  /** The same of what it was given ahead, which begins only when something else has ended. */
  readonly aheadUs: Float64Array;
  aheadTasks: number;
  /** Of large objects that are on their way to it, and from it to others. */
  incomingBytes: number;
  outgoingBytes: number;
  /** Ready tasks that are meant for it: a queue for each request class, made when first needed. */
  readonly backlogs: Map<number, number>;
  /** Tasks in all of its backlogs. */
  backlogTasks: number;
  /** Queue of the tasks that it was given, but for those ahead. */
  readonly given: number;
  roundTripUs: number;
  /** A retraction was sent at this time and is not answered; -1 for none. */
  retractedAtMs: number;
  /** Bucket in the kind's load buckets. */
  bucket: number;
};

/** Tasks that ask for the same amounts. */
export type RequestClass = {
  readonly id: number;
  readonly request: ResourceRequest;
  /** Queue of the ready tasks that no worker was chosen for. */
  readonly pool: number;
  /** Kinds of workers that could ever run such a task. */
  readonly capableKinds: Set<WorkerKind>;
  /** Workers with such tasks in their backlog. */
  readonly backlogged: Set<number>;
  /** Workers that have a queue for such tasks, empty or not. */
  readonly queuedAt: Set<number>;
  /** Records of such tasks; the class goes with the last one. */
  liveTasks: number;
};

export type PlanRecord = {
  readonly serial: number;
  readonly clientId: number;
  readonly idBase: number;
  readonly taskCount: number;
  readonly submittedAtMs: number;
  /** Rows that the plan was given, in its order, also those that left since (compare the serial). */
  rows: Uint32List;
  /**
   * Of a plan that comes in chunks, `rows[heldFrom .. heldTo]` are wanted by the plan itself, and
   * count one more in `consumersLeft`, because what uses them may come later.
   */
  heldFrom: number;
  heldTo: number;
  /** Chunks are to come; until the last one is accepted, nothing is told of its results. */
  isOpen: boolean;
  /** The worker that has what is tied together of a plan whose consumers are not known so far; -1 for none. */
  tiedTo: number;
  /** It failed, was refused or its client left: nothing more is told of its results. */
  isGivenUp: boolean;
  /** Endings that go over its rows now. */
  endings: number;
  /** Rows and serials of tasks that dynamic tasks expanded to. */
  expandedRows: number[];
  expandedSerials: number[];
  /** Rows that were its own and that nobody gets while it is there. */
  readonly reservedRows: number[];
  liveCount: number;
  /** It is written down, so that the next server knows it. */
  readonly isJournaled: boolean;
  /** The record, counted from 1, with the last of its tasks so far; 0: none. Nothing is told of it before that is safe. */
  acceptedRecord: number;
  /** Set with its first tasks; absent: all as usual. */
  options: PlanOptions | undefined;
  /** The client was told that some of its tasks find no worker. */
  isToldUnsatisfiable: boolean;
};

/**
 * How long the plans of a client live: as long as its connection; until it has been away for the
 * grace; or for ever, which is that of one plan that has a name and no client.
 */
export type ClientLife = "connection" | "session" | "named";

export type ClientRecord = {
  readonly id: number;
  life: ClientLife;
  /** It can be told something now; else what it should know is told when it comes back. */
  isAttached: boolean;
  /** Since when it is not. */
  detachedAtMs: number;
  /** It has come back, and may say what had come already: to release twice is no mistake. */
  hasReturned: boolean;
  readonly lastWords: LastWords;
  /** Row of each task that the client can name. */
  readonly rows: PagedIndex;
  readonly plans: Set<PlanRecord>;
  /** Ids of plans that failed: releasing one is no mistake. */
  readonly failedIds: IntervalSet;
  /** The plan that comes in chunks now. */
  openPlan: PlanRecord | undefined;
  /** Something that it sent takes more than one step; what it sent since waits. */
  isTaking: boolean;
  readonly waiting: ClientEvent[];
  /** It is given small results with the notification that they are finished. */
  takesCarried: boolean;
  /** It may attach again, to the next server too: what it does is written down, where a journal is kept. */
  isJournaled: boolean;
  /** What it was given so and has not released. */
  givenBytes: number;
  /** Results that were canceled: releasing one is no mistake. */
  readonly canceledIds: IntervalSet;
  /** It is told of single results that are canceled. */
  takesCanceled: boolean;
  /** Attempts that workers were lately asked to end gracefully: when it leaves, they end at once. */
  ending: EndingAttempt[];
};

/** An attempt that has a grace on its worker. */
export type EndingAttempt = {
  readonly workerId: number;
  readonly task: number;
  readonly attempt: number;
  readonly atMs: number;
};

/** Figures about the scheduler's own work; tests compare them, reports show them. */
export type SchedulerCounters = {
  events: number;
  /** Workers that were compared for a place, over all tasks. */
  placementCandidates: number;
  /** Rows of the task columns that handlers looked at. */
  rowsTouched: number;
  tasksAssigned: number;
  /** Attempts that said so; short ones do not. */
  tasksStarted: number;
  tasksFinished: number;
  tasksFailed: number;
  tasksCanceled: number;
  tasksRetracted: number;
  tasksRunAgain: number;
  /** Attempts that failed by themselves, after which another one is made. */
  tasksRetried: number;
};

export type SchedulerOptions = {
  /** How long a client that may come back is waited for. */
  readonly clientGraceMs: number;
  /** How long a request that no worker can satisfy may wait before its task fails. */
  readonly unsatisfiableAfterMs: number;
  /** Memory for small results of clients that fetch them; 0: no result rides with a report. */
  readonly heldBytesMax: number;
  /** Memory that small results may take at a client that is given them unasked. */
  readonly givenBytesMax: number;
  /** Whether workers are given tasks whose inputs they are still to make. */
  readonly givesAhead: boolean;
  /** Name of a symbol that is not built in, for messages. */
  readonly symbolName: (symbol: number) => string;
  /** Rows and edges that one step works on, where it can leave the others to the next ones. */
  readonly workPerStep: number;
  /** Decides in place of `dispatch`; for comparisons in the simulator. */
  readonly policy: Policy | undefined;
  /** A task that was being executed by so many workers when they were lost fails. */
  readonly crashLimit: number;
  /** Of the numbers by which waits are spread. */
  readonly seed: number;
  /** Assumed speed of a worker's link, in bytes a microsecond. */
  readonly bytesPerUs: number;
  /** Whether `record` commands are carried out, and `records-flushed` answers them. */
  readonly keepsJournal: boolean;
};

/** Everything the scheduler knows. Only `stepScheduler` writes it. */
export type SchedulerState = {
  readonly options: SchedulerOptions;
  readonly tasks: TaskTable;
  readonly queues: PriorityQueues;
  /** Replicas beyond the first one, which is in the task table. */
  readonly extraReplicas: Map<number, Set<number>>;
  /** Deliveries to clients that are under way, by row. */
  readonly pins: Map<number, number>;
  /** Requests for the data of a result that was lost, by row. */
  readonly parkedRequests: Map<number, number>;
  readonly held: HeldResults;
  /** Why tasks ran again, for whoever asks. */
  readonly reruns: Reruns;
  /** Workers that were lost while they executed a task. */
  readonly crashes: Crashes;
  /** By worker. */
  readonly drains: Map<number, Drain>;
  readonly retries: Retries;
  /** Rows that failed for good and are not free, and because of what. */
  readonly failed: Map<number, FailedTask>;
  /** Some plan was given priorities since there was no task at all. */
  hasUrgency: boolean;
  /** Plans of which a failure is not the end. */
  keepGoingPlans: number;
  readonly random: Random;
  readonly stall: Stall;
  /** Lengths of the inputs of dynamic tasks. */
  readonly lengths: Map<number, number>;
  readonly arrivals: Arrivals;
  readonly memory: ClusterMemory;
  /** Rows that were asked back from one worker for another one, which they go to when they come. */
  readonly promised: Map<number, number>;
  readonly workers: Map<number, WorkerRecord>;
  readonly kinds: Map<string, WorkerKind>;
  readonly clients: Map<number, ClientRecord>;
  /** By serial; an expansion's serial leads to the plan of the dynamic task. */
  readonly plans: Map<number, PlanRecord>;
  /** The plan that was looked up last. */
  recentPlan: PlanRecord | undefined;
  /** What is left to do in further steps. */
  readonly work: Work;
  /** By id; ids of classes that are gone are used again. */
  readonly classes: (RequestClass | undefined)[];
  readonly freeClassIds: number[];
  /** Classes with tasks in their pool. */
  readonly pooledClasses: Set<RequestClass>;
  /** Classes with tasks in the backlog of some worker. */
  readonly backloggedClasses: Set<RequestClass>;
  readonly classByKey: Map<string, RequestClass>;
  readonly groups: Groups;
  readonly counters: SchedulerCounters;
  readonly levelClock: LevelClock;
  readonly journal: SchedulerJournal | undefined;
  /** This server took another one's place a moment ago. */
  recovery: Recovery | undefined;
  nextSerial: number;
  nowMs: number;
  /** Since when there has been a worker without a break. */
  workersSinceMs: number;
  /** Data objects that exist now. */
  objectCount: number;
  /** Ready tasks in the backlog of some worker. */
  backlogCount: number;
};

export function createSchedulerState(options: Partial<SchedulerOptions> = {}): SchedulerState {
  const tasks = new TaskTable();
  return {
    options: {
      clientGraceMs: 30_000,
      unsatisfiableAfterMs: 60_000,
      heldBytesMax: 0,
      givenBytesMax: 0,
      givesAhead: true,
      symbolName: (symbol) => `symbol ${symbol}`,
      // Some 10 ms.
      workPerStep: 16_384,
      policy: undefined,
      crashLimit: 3,
      bytesPerUs: 1_000,
      seed: 1,
      keepsJournal: false,
      ...options,
    },
    tasks,
    queues: new PriorityQueues(),
    extraReplicas: new Map(),
    pins: new Map(),
    parkedRequests: new Map(),
    held: { byRow: new Map(), totalBytes: 0 },
    reruns: new Map(),
    crashes: new Map(),
    drains: new Map(),
    retries: createRetries(),
    failed: new Map(),
    hasUrgency: false,
    keepGoingPlans: 0,
    random: createRandom(options.seed ?? 1),
    stall: createStall(),
    lengths: new Map(),
    arrivals: new Map(),
    memory: createClusterMemory(),
    promised: new Map(),
    workers: new Map(),
    kinds: new Map(),
    clients: new Map(),
    plans: new Map(),
    recentPlan: undefined,
    work: createWork(),
    classes: [],
    freeClassIds: [],
    pooledClasses: new Set(),
    backloggedClasses: new Set(),
    classByKey: new Map(),
    groups: createGroups(),
    counters: {
      events: 0,
      placementCandidates: 0,
      rowsTouched: 0,
      tasksAssigned: 0,
      tasksStarted: 0,
      tasksFinished: 0,
      tasksFailed: 0,
      tasksCanceled: 0,
      tasksRetracted: 0,
      tasksRunAgain: 0,
      tasksRetried: 0,
    },
    levelClock: createLevelClock(),
    journal: options.keepsJournal === true ? createSchedulerJournal(tasks) : undefined,
    recovery: undefined,
    nextSerial: 1,
    nowMs: 0,
    workersSinceMs: 0,
    objectCount: 0,
    backlogCount: 0,
  };
}
