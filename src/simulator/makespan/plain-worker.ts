import { unreachable } from "../../core/base/assert.ts";
import type { AssignedTasks, FinishedTasks, TaskRefs } from "../../core/model/batches.ts";
import { CPUS, DATA_TYPE } from "../../core/model/symbols.ts";
import type { SchedulerEvent } from "../../core/scheduler/events.ts";
import type { WorkerCommand } from "../../core/worker/commands.ts";
import type { WorkerEvent } from "../../core/worker/events.ts";
import { createWorkerState, taskAt, type WorkerState } from "../../core/worker/state.ts";
import { stepWorker } from "../../core/worker/step.ts";
import type { VirtualClock } from "../clock.ts";
import type { FlowNetwork } from "./flow-network.ts";

/** What a worker tells the server, but for the time, which the server notes itself. */
type Report = Extract<SchedulerEvent, { readonly workerId: number }>;

/** What all workers of one run share. */
export type PlainWorld = {
  readonly clock: VirtualClock;
  readonly network: FlowNetwork;
  readonly durationsUs: Float64Array;
  readonly sizesBytes: Float64Array;
  readonly report: (event: Report) => void;
  /** Cpu time that tasks have used. */
  busyCpuUs: number;
};

/** The worker's brain with durations in place of work: no codec, no values, no faults. */
export type PlainWorker = {
  readonly workerId: number;
  handle(event: WorkerEvent): void;
};

export function createPlainWorker(world: PlainWorld, workerId: number, cpus: number): PlainWorker {
  const state = createWorkerState({ workerId, offer: [{ resource: CPUS, amount: cpus }] });
  const { clock } = world;

  const handle = (event: WorkerEvent): void => {
    for (const command of stepWorker(state, event)) carryOut(command);
  };

  const fetch = (peer: number, refs: TaskRefs, sizesBytes: Float64Array): void => {
    for (let k = 0; k < refs.tasks.length; k += 1) {
      const object = refsOf([refs.tasks[k] as number], [refs.attempts[k] as number]);
      world.network.pull(workerId, peer, {
        sizeBytes: sizesBytes[k] as number,
        onArrived: () => handle({ kind: "objects-fetched", atMs: clock.nowMs(), refs: object }),
      });
    }
  };

  /** Tasks that take equally long end together, as a shell reports a turn's work. */
  const execute = (rows: Uint32Array): void => {
    const groups = new Map<number, Execution[]>();
    for (const row of rows) {
      const execution = readExecution(world, state, row);
      const group = groups.get(execution.durationUs);
      if (group === undefined) groups.set(execution.durationUs, [execution]);
      else group.push(execution);
      world.busyCpuUs += execution.durationUs * execution.cpus;
    }
    for (const [durationUs, group] of groups) {
      clock.schedule(durationUs, () =>
        handle({ kind: "tasks-executed", atMs: clock.nowMs(), finished: finishedOf(group) }),
      );
    }
  };

  const carryOut = (command: WorkerCommand): void => {
    const atMs = clock.nowMs();
    switch (command.kind) {
      case "fetch":
        fetch(command.peer, command.refs, command.sizesBytes);
        break;
      case "execute":
        execute(command.rows);
        break;
      case "report-finished":
        world.report({ kind: "tasks-finished", atMs, workerId, finished: command.finished });
        break;
      case "report-started":
        world.report({ kind: "tasks-started", atMs, workerId, refs: command.refs });
        break;
      case "report-returned":
        world.report({ kind: "tasks-returned", atMs, workerId, refs: command.refs });
        break;
      case "report-replicas":
        world.report({ kind: "replicas-added", atMs, workerId, refs: command.refs });
        break;
      case "report-unreachable": {
        const { refs, inputs, holders } = command;
        world.report({ kind: "inputs-unreachable", atMs, workerId, refs, inputs, holders });
        break;
      }
      case "abandon-fetch":
      case "discard":
        break;
      case "kill":
      case "end-gracefully":
      case "hurry":
      case "report-failed":
      case "report-checkpoints-missing":
      case "report-checkpoints-written":
      case "report-copies-failed":
        throw new Error(`nothing here calls for '${command.kind}'`);
      default:
        unreachable(command);
    }
  };

  return { workerId, handle };
}

type Execution = {
  readonly task: number;
  readonly attempt: number;
  readonly durationUs: number;
  readonly sizeBytes: number;
  readonly cpus: number;
};

function readExecution(world: PlainWorld, state: WorkerState, row: number): Execution {
  const { batch, index } = taskAt(state, row);
  const id = batch.clientTasks[index] as number;
  return {
    task: batch.tasks[index] as number,
    attempt: batch.attempts[index] as number,
    durationUs: world.durationsUs[id] as number,
    sizeBytes: world.sizesBytes[id] as number,
    cpus: cpusOf(batch, index),
  };
}

function cpusOf(batch: AssignedTasks, index: number): number {
  const request = batch.requests[index] as number;
  const start = batch.requestStarts[request] as number;
  return start === batch.requestStarts[request + 1] ? 0 : (batch.requestAmounts[start] as number);
}

const refsOf = (tasks: readonly number[], attempts: readonly number[]): TaskRefs => ({
  tasks: Uint32Array.from(tasks),
  attempts: Uint32Array.from(attempts),
});

const finishedOf = (group: readonly Execution[]): FinishedTasks => ({
  ...refsOf(
    group.map(({ task }) => task),
    group.map(({ attempt }) => attempt),
  ),
  sizesBytes: Float64Array.from(group, ({ sizeBytes }) => sizeBytes),
  lengths: new Float64Array(group.length),
  dataTypes: new Uint16Array(group.length).fill(DATA_TYPE.data),
  durationsUs: Float32Array.from(group, ({ durationUs }) => durationUs),
});
