import type { FinishedTasks, TaskRefs } from "../core/model/batches.ts";
import type { Scheduled } from "./clock.ts";
import type { ExecutableTask } from "./executable-task.ts";
import { createHistory } from "./history.ts";
import { objectKey } from "./object-key.ts";
import type { ObjectStore } from "./object-store.ts";
import {
  durationOfTaskUs,
  type Evaluation,
  evaluateTask,
  lengthOfValue,
  type SimulatedValue,
} from "./values.ts";
import type { World } from "./world.ts";

export type ExecutorHandlers = {
  readonly onExecuted: (finished: FinishedTasks) => void;
  readonly onFailed: (task: number, attempt: number, message: string) => void;
  readonly onCheckpointsMissing: (refs: TaskRefs) => void;
  readonly onCheckpointsWritten: (refs: TaskRefs) => void;
};

export type SimulatedExecutor = {
  execute(tasks: readonly ExecutableTask[]): void;
  kill(refs: TaskRefs): void;
  /** Ends everything without a word, as the loss of the worker does. */
  stop(): void;
  readonly running: number;
};

type Execution = {
  readonly task: ExecutableTask;
  /** Undefined where a checkpoint was to be loaded and is not there. */
  readonly evaluation: Evaluation | undefined;
  readonly durationUs: number;
};

const LOAD_US = 50;
const WRITE_US = 200;

const refsOf = (executions: readonly Execution[]): TaskRefs => ({
  tasks: Uint32Array.from(executions, ({ task }) => task.task),
  attempts: Uint32Array.from(executions, ({ task }) => task.attempt),
});

/** Names the work of a task: its own number, type and config, and what its inputs are. */
function nameWork(task: ExecutableTask, inputs: readonly SimulatedValue[]): string {
  const configHash = createHistory();
  configHash.noteBytes(task.config);
  for (const input of inputs) configHash.note(input.hash);
  return `${task.clientTask}/${task.taskType}/${configHash.digest()}`;
}

/** Executes tasks in virtual time, `slowness` times slower than they are said to take. */
export function createSimulatedExecutor(
  world: World,
  workerId: number,
  slowness: number,
  store: ObjectStore,
  handlers: ExecutorHandlers,
): SimulatedExecutor {
  const running = new Map<string, Execution>();
  const timers = new Set<Scheduled>();

  const after = (delayUs: number, action: () => void): void => {
    const timer = world.clock.schedule(delayUs, () => {
      timers.delete(timer);
      action();
    });
    timers.add(timer);
  };

  const begin = (task: ExecutableTask): Execution => {
    const inputs: SimulatedValue[] = [];
    for (const input of task.loadsCheckpoint ? [] : task.inputs) {
      const value = store.find(input.task, input.attempt);
      if (value !== undefined) inputs.push(value);
      else {
        world.observe({
          kind: "input-missing",
          workerId,
          task: task.task,
          attempt: task.attempt,
          input: objectKey(input.task, input.attempt),
        });
      }
    }
    const { request } = task;
    world.totals.executions += 1;
    world.observe({
      kind: "execution-started",
      workerId,
      task: task.task,
      attempt: task.attempt,
      request,
      work: `${nameWork(task, inputs)}${task.loadsCheckpoint ? "/load" : ""}`,
    });
    if (task.loadsCheckpoint) {
      const isThere = world.random.unit() >= world.vanishProbability;
      const value = isThere ? world.files.get(task.checkpointPath) : undefined;
      const evaluation = value === undefined ? undefined : ({ kind: "value", value } as const);
      return { task, evaluation, durationUs: LOAD_US };
    }
    return {
      task,
      evaluation: evaluateTask(task.taskType, task.config, inputs),
      durationUs: durationOfTaskUs(task.taskType, task.config) * slowness,
    };
  };

  const writeCheckpoint = (execution: Execution, value: SimulatedValue): void => {
    after(WRITE_US, () => {
      world.files.set(execution.task.checkpointPath, value);
      handlers.onCheckpointsWritten(refsOf([execution]));
    });
  };

  const reportExecuted = (executions: readonly Execution[], values: SimulatedValue[]): void => {
    handlers.onExecuted({
      ...refsOf(executions),
      sizesBytes: Float64Array.from(values, (value) => value.sizeBytes),
      lengths: Float64Array.from(values, lengthOfValue),
      dataTypes: Uint16Array.from(values, (value) => value.dataType),
      durationsUs: Float32Array.from(executions, ({ durationUs }) => durationUs),
    });
  };

  /** Ends those of the executions that were not killed since. */
  const end = (group: readonly Execution[]): void => {
    const executed: Execution[] = [];
    const values: SimulatedValue[] = [];
    for (const execution of group) {
      const { task, attempt } = execution.task;
      const key = objectKey(task, attempt);
      if (running.get(key) !== execution) continue;
      running.delete(key);
      world.observe({ kind: "execution-ended", workerId, task, attempt });
      const { evaluation } = execution;
      if (evaluation === undefined) handlers.onCheckpointsMissing(refsOf([execution]));
      else if (evaluation.kind === "failure") handlers.onFailed(task, attempt, evaluation.message);
      else {
        store.put(task, attempt, evaluation.value);
        executed.push(execution);
        values.push(evaluation.value);
      }
    }
    if (executed.length > 0) reportExecuted(executed, values);
    for (const [position, execution] of executed.entries()) {
      const value = values[position];
      const { checkpointPath, loadsCheckpoint } = execution.task;
      if (value !== undefined && checkpointPath !== "" && !loadsCheckpoint) {
        writeCheckpoint(execution, value);
      }
    }
  };

  return {
    execute: (tasks) => {
      // Those that end at the same moment are reported together, as a shell reports a turn's work.
      const groups = new Map<number, Execution[]>();
      for (const task of tasks) {
        const execution = begin(task);
        running.set(objectKey(task.task, task.attempt), execution);
        const group = groups.get(execution.durationUs);
        if (group === undefined) groups.set(execution.durationUs, [execution]);
        else group.push(execution);
      }
      for (const [durationUs, group] of groups) after(durationUs, () => end(group));
    },
    kill: (refs) => {
      for (const [position, task] of refs.tasks.entries()) {
        const attempt = refs.attempts[position] ?? 0;
        if (!running.delete(objectKey(task, attempt))) continue;
        world.observe({ kind: "execution-killed", workerId, task, attempt });
      }
    },
    stop: () => {
      for (const timer of timers) world.clock.cancel(timer);
      timers.clear();
      running.clear();
    },
    get running() {
      return running.size;
    },
  };
}
