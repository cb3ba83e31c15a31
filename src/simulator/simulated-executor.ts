import type { FinishedTasks, TaskRefs } from "../core/model/batches.ts";
import { CarriedList } from "../core/model/carried-list.ts";
import { carryValue } from "./carried-values.ts";
import type { Scheduled } from "./clock.ts";
import type { ExecutableTask } from "./executable-task.ts";
import { createHistory } from "./history.ts";
import { objectKey } from "./object-key.ts";
import type { ObjectStore } from "./object-store.ts";
import {
  durationOfTaskUs,
  type Evaluation,
  evaluateTask,
  failuresOfTask,
  lengthOfValue,
  type SimulatedValue,
} from "./values.ts";
import type { World } from "./world.ts";

export type ExecutorHandlers = {
  readonly onExecuted: (finished: FinishedTasks) => void;
  readonly onFailed: (task: number, attempt: number, message: string) => void;
  readonly onPostponed: (refs: TaskRefs) => void;
  readonly onKilled: (refs: TaskRefs) => void;
  readonly onCheckpointsMissing: (refs: TaskRefs) => void;
  readonly onCheckpointsWritten: (refs: TaskRefs) => void;
  /** Has the action run at once, or when a worker that stalls goes on. */
  readonly whenAwake: (action: () => void) => void;
  /** Has the action run, which stores so many bytes, when there is memory for them. */
  readonly admit: (sizeBytes: number, action: () => void) => void;
};

export type SimulatedExecutor = {
  /** Those of one lane run one after another; lane 0 is none. */
  execute(tasks: readonly ExecutableTask[], lanes: Uint32Array): void;
  /** Some of them take a while to end, and hold what they hold until then. */
  kill(refs: TaskRefs): void;
  /** Ends everything without a word, as the loss of the worker does. */
  stop(): void;
  readonly running: number;
};

type Execution = {
  readonly task: ExecutableTask;
  /** Undefined where a checkpoint was to be loaded and is not there. */
  readonly evaluation: Evaluation | undefined;
  /** Names the work, as observations do. */
  readonly work: string;
  readonly durationUs: number;
};

/** Tasks that run one after another on resources that they hold together. */
type Lane = {
  readonly id: number;
  tasks: ExecutableTask[];
  current: string | undefined;
};

const LOAD_US = 50;
/** How long executions that are killed may go on. */
const KILL_US = [0, 300, 100_000];
/** How long the first task of a lane may take before the others are given back. */
const STALL_US = 8_000;
const WRITE_US = 200;
/** How a task fails whose result cannot be stored. */
export const DISK_FULL_MESSAGE = "ENOSPC: no space left on device";

const sizeOf = (executions: readonly Execution[]): number =>
  executions.reduce(
    (sum, { evaluation }) => sum + (evaluation?.kind === "value" ? evaluation.value.sizeBytes : 0),
    0,
  );

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
  const lanes: Lane[] = [];
  /** Tasks that wait in lanes. */
  const queued = new Set<string>();
  /** Executions that are being killed. */
  let endingCount = 0;

  const after = (delayUs: number, action: () => void): void => {
    const timer = world.clock.schedule(delayUs, () => {
      timers.delete(timer);
      handlers.whenAwake(action);
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
    const work = `${nameWork(task, inputs)}${task.loadsCheckpoint ? "/load" : ""}`;
    world.totals.executions += 1;
    world.observe({
      kind: "execution-started",
      workerId,
      task: task.task,
      attempt: task.attempt,
      request,
      work,
    });
    if (task.loadsCheckpoint) {
      const isThere = world.random.unit() >= world.conditions.vanishProbability;
      const value = isThere ? world.files.get(task.checkpointPath) : undefined;
      const evaluation = value === undefined ? undefined : ({ kind: "value", value } as const);
      return { task, work, evaluation, durationUs: LOAD_US };
    }
    return {
      task,
      work,
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
    const carried = new CarriedList();
    for (const [position, { task }] of executions.entries()) {
      // As it is in the store, whatever became of it there.
      const value = task.mayCarry ? store.find(task.task, task.attempt) : undefined;
      if (value !== undefined) carryValue(carried, position, value);
    }
    handlers.onExecuted({
      ...refsOf(executions),
      sizesBytes: Float64Array.from(values, (value) => value.sizeBytes),
      lengths: Float64Array.from(values, lengthOfValue),
      dataTypes: Uint16Array.from(values, (value) => value.dataType),
      durationsUs: Float32Array.from(executions, ({ durationUs }) => durationUs),
      carried: carried.take(),
    });
  };

  /** Whether the execution fails as its work has failed too few times so far. */
  const failForNow = ({ task, work, evaluation }: Execution): boolean => {
    if (evaluation?.kind !== "value" || task.loadsCheckpoint) return false;
    const failures = failuresOfTask(task.taskType, task.config);
    const count = failures === 0 ? 0 : (world.failures.get(work) ?? 0);
    if (count >= failures) return false;
    world.failures.set(work, count + 1);
    return true;
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
      const mayTryAgain = failForNow(execution);
      world.observe({ kind: "execution-ended", workerId, task, attempt, mayTryAgain });
      if (mayTryAgain) {
        handlers.onFailed(task, attempt, "told to fail for now");
        continue;
      }
      const { evaluation } = execution;
      if (evaluation === undefined) {
        world.observe({ kind: "checkpoint-missing", workerId, task, attempt });
        handlers.onCheckpointsMissing(refsOf([execution]));
      } else if (evaluation.kind === "failure")
        handlers.onFailed(task, attempt, evaluation.message);
      else if (store.put(task, attempt, evaluation.value)) {
        executed.push(execution);
        values.push(evaluation.value);
      } else handlers.onFailed(task, attempt, DISK_FULL_MESSAGE);
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

  /** Begins the next task of the lane, or ends the lane. */
  const advance = (lane: Lane): void => {
    lane.current = undefined;
    let task = lane.tasks.shift();
    while (task !== undefined && !queued.delete(objectKey(task.task, task.attempt))) {
      task = lane.tasks.shift();
    }
    if (task === undefined) {
      lanes.splice(lanes.indexOf(lane), 1);
      return;
    }
    const key = objectKey(task.task, task.attempt);
    const execution = begin(task);
    running.set(key, execution);
    lane.current = key;
    after(execution.durationUs, () => {
      handlers.admit(sizeOf([execution]), () => {
        if (running.get(key) !== execution) return;
        // The report may bring the lane more.
        end([execution]);
        advance(lane);
      });
    });
    watch(lane, key);
  };

  /** Gives back what waits behind a task that takes long. */
  const watch = (lane: Lane, key: string): void =>
    after(STALL_US, () => {
      if (lane.current !== key) return;
      const postponed = lane.tasks.filter((task) =>
        queued.delete(objectKey(task.task, task.attempt)),
      );
      lane.tasks = [];
      if (postponed.length === 0) return;
      handlers.onPostponed({
        tasks: Uint32Array.from(postponed, ({ task }) => task),
        attempts: Uint32Array.from(postponed, ({ attempt }) => attempt),
      });
    });

  const enqueue = (id: number, task: ExecutableTask): void => {
    queued.add(objectKey(task.task, task.attempt));
    const lane = lanes.find((other) => other.id === id);
    if (lane !== undefined) {
      lane.tasks.push(task);
      return;
    }
    const created: Lane = { id, tasks: [task], current: undefined };
    lanes.push(created);
    // The others of its lane come in the same command.
    after(0, () => advance(created));
  };

  return {
    execute: (tasks, laneIds) => {
      // Those that end at the same moment are reported together, as a shell reports a turn's work.
      const groups = new Map<number, Execution[]>();
      for (const [position, task] of tasks.entries()) {
        const laneId = laneIds[position] ?? 0;
        if (laneId !== 0) {
          enqueue(laneId, task);
          continue;
        }
        const execution = begin(task);
        running.set(objectKey(task.task, task.attempt), execution);
        const group = groups.get(execution.durationUs);
        if (group === undefined) groups.set(execution.durationUs, [execution]);
        else group.push(execution);
      }
      for (const [durationUs, group] of groups) {
        after(durationUs, () => handlers.admit(sizeOf(group), () => end(group)));
      }
    },
    kill: (refs) => {
      for (const [position, task] of refs.tasks.entries()) {
        const attempt = refs.attempts[position] ?? 0;
        const key = objectKey(task, attempt);
        const ref = { tasks: Uint32Array.of(task), attempts: Uint32Array.of(attempt) };
        if (queued.delete(key) || !running.delete(key)) {
          after(0, () => handlers.onKilled(ref));
          continue;
        }
        world.observe({ kind: "execution-stopped", workerId, task, attempt });
        endingCount += 1;
        const isToldEarly = world.sabotage.kill?.(workerId) === true;
        if (isToldEarly) after(0, () => handlers.onKilled(ref));
        after(KILL_US[world.random.below(KILL_US.length)] ?? 0, () => {
          endingCount -= 1;
          world.observe({ kind: "execution-killed", workerId, task, attempt });
          const lane = lanes.find(({ current }) => current === key);
          // Its runner is ended, and another one goes on.
          if (lane !== undefined) after(LOAD_US, () => advance(lane));
          if (!isToldEarly) handlers.onKilled(ref);
        });
      }
    },
    stop: () => {
      for (const timer of timers) world.clock.cancel(timer);
      timers.clear();
      running.clear();
      queued.clear();
      endingCount = 0;
    },
    get running() {
      return running.size + queued.size + endingCount;
    },
  };
}
