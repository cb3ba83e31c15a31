import type { AssignedTasks, FinishedTasks, TaskRefs } from "../../../src/core/model/batches.ts";
import type { ResourceRequest } from "../../../src/core/model/resources.ts";
import { DATA_TYPE, TASK_TYPE } from "../../../src/core/model/symbols.ts";
import type { WorkerCommand } from "../../../src/core/worker/commands.ts";
import type { WorkerEvent } from "../../../src/core/worker/events.ts";
import { checkWorkerInvariants } from "../../../src/core/worker/invariants.ts";
import { createWorkerState, taskAt, type WorkerState } from "../../../src/core/worker/state.ts";
import { stepWorker } from "../../../src/core/worker/step.ts";

/** A worker of the tests is number 0; peers are from 1 up. */
export const SELF = 0;

/** [task, attempt]. */
export type Ref = readonly [number, number];

export type Input = { readonly task: number; readonly attempt: number; readonly holder: number };

export type Assigned = {
  readonly task: number;
  readonly attempt?: number;
  readonly taskType?: number;
  readonly flags?: number;
  readonly priority?: number;
  /** Amounts by resource. */
  readonly request?: Readonly<Record<number, number>>;
  readonly inputs?: readonly Input[];
};

export function refsOf(refs: readonly Ref[]): TaskRefs {
  return {
    tasks: Uint32Array.from(refs, ([task]) => task),
    attempts: Uint32Array.from(refs, ([, attempt]) => attempt),
  };
}

export function pairsOf({ tasks, attempts }: TaskRefs): Ref[] {
  return Array.from(tasks, (task, index) => [task, attempts[index] as number]);
}

function startsOf(lengths: readonly number[]): Uint32Array {
  const starts = new Uint32Array(lengths.length + 1);
  lengths.forEach((length, index) => {
    starts[index + 1] = (starts[index] as number) + length;
  });
  return starts;
}

/** One assignment; every task has a row of its own in the request table. */
export function batchOf(tasks: readonly Assigned[]): AssignedTasks {
  const requests = tasks.map(({ request = {} }) => Object.entries(request));
  const inputs = tasks.flatMap((task) => task.inputs ?? []);
  return {
    ...refsOf(tasks.map(({ task, attempt = 1 }) => [task, attempt])),
    taskTypes: Uint16Array.from(tasks, ({ taskType = TASK_TYPE.merge }) => taskType),
    flags: Uint8Array.from(tasks, ({ flags = 0 }) => flags),
    clientTasks: Int32Array.from(tasks, ({ task }) => task),
    priorities: Int32Array.from(tasks, ({ priority = 0 }) => priority),
    requests: Uint16Array.from(tasks, (_, index) => index),
    requestStarts: startsOf(requests.map((pairs) => pairs.length)),
    requestResources: Uint32Array.from(requests.flat(), ([resource]) => Number(resource)),
    requestAmounts: Uint32Array.from(requests.flat(), ([, amount]) => amount),
    inputStarts: startsOf(tasks.map((task) => task.inputs?.length ?? 0)),
    inputTasks: Uint32Array.from(inputs, ({ task }) => task),
    inputAttempts: Uint32Array.from(inputs, ({ attempt }) => attempt),
    inputSizesBytes: Float64Array.from(inputs, ({ task }) => 100 + task),
    inputHolders: Uint32Array.from(inputs, ({ holder }) => holder),
    detailStarts: new Uint32Array(tasks.length + 1),
    checkpointLengths: new Uint32Array(tasks.length),
    details: new Uint8Array(0),
  };
}

export function finishedOf(refs: readonly Ref[], durationUs = 5): FinishedTasks {
  return {
    ...refsOf(refs),
    sizesBytes: Float64Array.from(refs, ([task]) => task * 10),
    lengths: new Float64Array(refs.length),
    dataTypes: new Uint16Array(refs.length).fill(DATA_TYPE.data),
    durationsUs: new Float32Array(refs.length).fill(durationUs),
  };
}

/** Commands as a person would write them: refs as pairs, executed rows as the attempts in them. */
export type Told = { [Kind in WorkerCommand["kind"] | `fetch ${number}`]?: unknown };

export type TestWorker = {
  readonly state: WorkerState;
  /** Steps, checks the invariants, and returns what the worker decided. */
  step(event: WorkerEvent): WorkerCommand[];
  assign(...tasks: Assigned[]): Told;
  fetched(...refs: Ref[]): Told;
  fetchFailed(peer: number, ...refs: Ref[]): Told;
  executed(...refs: Ref[]): Told;
  /** As `executed`, each of which took so long. */
  executedIn(durationUs: number, ...refs: Ref[]): Told;
  postponed(...refs: Ref[]): Told;
  redirected(task: number, request?: Readonly<Record<number, number>>): Told;
  failed(task: number, attempt?: number): Told;
  retract(...refs: Ref[]): Told;
  cancel(...refs: Ref[]): Told;
  cancelGracefully(...refs: Ref[]): Told;
  drop(...refs: Ref[]): Told;
  /** What was to be killed has ended. */
  killed(...refs: Ref[]): Told;
  noCheckpoint(...refs: Ref[]): Told;
  losePeers(...peers: number[]): Told;
};

/** A worker with so many of each resource. */
export function createTestWorker(offer: Readonly<Record<number, number>>): TestWorker {
  const state = createWorkerState({
    workerId: SELF,
    offer: Object.entries(offer).map(([resource, amount]) => ({
      resource: Number(resource),
      amount,
    })),
  });
  const step = (event: WorkerEvent): WorkerCommand[] => {
    const commands = stepWorker(state, event);
    checkWorkerInvariants(state);
    return commands;
  };
  const tell = (event: WorkerEvent): Told => {
    const told: Told = {};
    for (const command of step(event)) {
      const key = command.kind === "fetch" ? (`fetch ${command.peer}` as const) : command.kind;
      told[key] = describe(state, command);
    }
    return told;
  };
  const atMs = 0;
  return {
    state,
    step,
    assign: (...tasks) => tell({ kind: "tasks-assigned", atMs, batch: batchOf(tasks) }),
    fetched: (...refs) => tell({ kind: "objects-fetched", atMs, refs: refsOf(refs) }),
    fetchFailed: (peer, ...refs) => tell({ kind: "fetch-failed", atMs, peer, refs: refsOf(refs) }),
    executed: (...refs) => tell({ kind: "tasks-executed", atMs, finished: finishedOf(refs) }),
    executedIn: (durationUs, ...refs) =>
      tell({ kind: "tasks-executed", atMs, finished: finishedOf(refs, durationUs) }),
    postponed: (...refs) => tell({ kind: "tasks-postponed", atMs, refs: refsOf(refs) }),
    redirected: (task, request = {}) =>
      tell({ kind: "task-redirected", atMs, task, attempt: 1, request: amountsOf(request) }),
    failed: (task, attempt = 1) =>
      tell({
        kind: "task-execution-failed",
        atMs,
        task,
        attempt,
        failure: { message: "broken", exitCode: 1 },
      }),
    retract: (...refs) => tell({ kind: "tasks-retracted", atMs, refs: refsOf(refs) }),
    cancel: (...refs) => tell({ kind: "tasks-canceled", atMs, refs: refsOf(refs) }),
    cancelGracefully: (...refs) =>
      tell({ kind: "tasks-canceled", atMs, refs: refsOf(refs), isGraceful: true }),
    drop: (...refs) => tell({ kind: "objects-dropped", atMs, refs: refsOf(refs) }),
    killed: (...refs) => tell({ kind: "executions-killed", atMs, refs: refsOf(refs) }),
    noCheckpoint: (...refs) => tell({ kind: "checkpoints-not-found", atMs, refs: refsOf(refs) }),
    losePeers: (...peers) => tell({ kind: "peers-lost", atMs, peers: Uint32Array.from(peers) }),
  };
}

export const amountsOf = (request: Readonly<Record<number, number>>): ResourceRequest =>
  Object.entries(request).map(([resource, amount]) => ({ resource: Number(resource), amount }));

function describe(state: WorkerState, command: WorkerCommand): unknown {
  switch (command.kind) {
    case "execute":
      return Array.from(command.rows, (row) => refAt(state, row));
    case "report-finished":
      return pairsOf(command.finished);
    case "report-failed":
      return [command.task, command.attempt, command.failure.message];
    case "report-unreachable":
      return pairsOf(command.refs).map((ref, index) => [
        ref,
        pairsOf(command.inputs)[index],
        command.holders[index],
      ]);
    default:
      return pairsOf(command.refs);
  }
}

export function refAt(state: WorkerState, row: number): Ref {
  const { batch, index } = taskAt(state, row);
  return [batch.tasks[index] as number, batch.attempts[index] as number];
}
