import type { Log } from "../../core/base/log.ts";
import {
  type AssignedTasks,
  type FinishedTasks,
  FLAG_CARRY,
  FLAG_LOAD_CHECKPOINT,
  type TaskRefs,
} from "../../core/model/batches.ts";
import type { TaskFailure } from "../../core/model/failures.ts";
import type { ResourceRequest } from "../../core/model/resources.ts";
import { CPUS, MEMORY_SYMBOL, MEMORY_UNIT_BYTES, TASK_TYPE } from "../../core/model/symbols.ts";
import { loadCheckpoint } from "../checkpoints/load-checkpoint.ts";
import { writeCheckpoint } from "../checkpoints/write-checkpoint.ts";
import { releaseRedirect } from "../runners/decode-results.ts";
import type { CallOutcome, Redirect } from "../runners/runner-call.ts";
import { putObject, type Store } from "../store/store.ts";
import type { ValueId } from "../store/value-id.ts";
import { createRefGatherer } from "../transfer/ref-gatherer.ts";
import { createTurnBudget } from "../turn-budget.ts";
import { BUILTINS } from "./builtin/builtins.ts";
import { failureOf } from "./failure-of.ts";
import { createFinishedGatherer } from "./finished-gatherer.ts";
import { createLaneCalls } from "./functions/lane-calls.ts";
import { requestOf, runRedirect } from "./functions/run-redirect.ts";
import { runTask } from "./run-task.ts";
import { createStartGate } from "./start-gate.ts";
import { TaskError } from "./task-error.ts";
import type { TaskPlace } from "./task-place.ts";
import type { TaskTools } from "./task-tools.ts";
import { timeLimitOf } from "./time-limit.ts";

export type ExecutorOptions = {
  readonly store: Store;
  readonly tools: TaskTools;
  /** Whether the attempt is still to run: it may have been killed while it waited for its turn. */
  readonly isWanted: (task: number, attempt: number) => boolean;
  readonly onFinished: (finished: FinishedTasks) => void;
  readonly onFailed: (task: number, attempt: number, failure: TaskFailure) => void;
  /** It is to be executed again, with what its function returned in place of it. */
  readonly onRedirected: (task: number, attempt: number, request: ResourceRequest) => void;
  /** They have not begun, because a call before them in their lane takes long. */
  readonly onPostponed: (refs: TaskRefs) => void;
  /** They were killed, and nothing of them runs any more. */
  readonly onKilled: (refs: TaskRefs) => void;
  readonly onCheckpointNotFound: (refs: TaskRefs) => void;
  readonly onCheckpointWritten: (refs: TaskRefs) => void;
  /** The task is finished, and its checkpoint cannot be written. */
  readonly onCheckpointFailed: (task: number, attempt: number, failure: TaskFailure) => void;
  readonly log: Log;
};

/** Executes tasks of all types and puts their results into the store before it tells of them. */
export type Executor = {
  /**
   * `cpus` are the numbers of those that a program was given; `lanes` has the lane of each function
   * call, else 0.
   */
  execute(
    places: readonly TaskPlace[],
    lanes: Uint32Array,
    cpus: (position: number) => readonly number[],
  ): void;
  /**
   * Ends what runs of these attempts. Each is told by `onKilled`, also one that has just ended. Programs
   * that are ended gracefully are asked first, and killed after a time.
   */
  end(refs: TaskRefs, options: { readonly isGraceful: boolean }): void;
  /** Takes the time from those that were given some. */
  hurry(refs: TaskRefs): void;
  /** Ends everything that runs; resolves when nothing is left of it. */
  dispose(): Promise<void>;
};

/** What is to be done in place of a task whose function has run. */
type Redirected = { readonly redirect: Redirect; readonly durationUs: number };

/** One execution that takes more than a turn. */
type Running = {
  readonly aborting: AbortController;
  /** Aborted with the other, or after it: what is given time is to end at once. */
  readonly hurrying: AbortController;
  readonly ended: Promise<void>;
  isKilled: boolean;
};

const TURN_CHECK_TASKS = 16;
const decoder = new TextDecoder();

export function createExecutor(options: ExecutorOptions): Executor {
  const { store, tools, log } = options;
  const { values } = store;
  const running = new Map<string, Running>();
  const calls = createLaneCalls(tools, {
    onEnd: (place, outcome) => onCallEnd(place, outcome),
    onPostponed: ({ batch, index }) =>
      postponed.add(batch.tasks[index] as number, batch.attempts[index] as number),
    onKilled: ({ batch, index }) => {
      tools.logs.end(batch.tasks[index] as number, batch.attempts[index] as number);
      killed.add(batch.tasks[index] as number, batch.attempts[index] as number);
    },
  });
  const postponed = createRefGatherer(options.onPostponed);
  const killed = createRefGatherer(options.onKilled);
  const redirects = new Map<string, Redirected>();
  const finished = createFinishedGatherer(values, (columns) => {
    store.memory.check();
    options.onFinished(columns);
  });
  /** Tasks that are done at once, if their turn comes: described by two lists of one length. */
  let waitingBatches: AssignedTasks[] = [];
  let waitingIndexes: number[] = [];
  let isPumping = false;
  let isDisposed = false;
  const gate = createStartGate(store.memory, () => calls.flush());

  const inputsOf = ({ batch, index }: TaskPlace): ValueId[] => {
    const inputs: ValueId[] = [];
    const end = batch.inputStarts[index + 1] as number;
    for (let i = batch.inputStarts[index] as number; i < end; i++) {
      const task = batch.inputTasks[i] as number;
      const value = store.objects.get(task, batch.inputAttempts[i] as number);
      if (value === undefined) throw new TaskError({ message: `input ${task} is not here` });
      inputs.push(value);
    }
    return inputs;
  };

  const finish = (place: TaskPlace, value: ValueId, durationUs: number): void => {
    const { batch, index } = place;
    const task = batch.tasks[index] as number;
    const attempt = batch.attempts[index] as number;
    const path = loadsCheckpoint(place) ? "" : checkpointPathOf(place);
    if (path !== "") startCheckpoint(task, attempt, value, path);
    putObject(store, task, attempt, value);
    const mayCarry = ((batch.flags[index] as number) & FLAG_CARRY) !== 0;
    finished.add(task, attempt, value, durationUs, mayCarry);
  };

  const fail = (task: number, attempt: number, error: unknown): void =>
    options.onFailed(task, attempt, failureOf(error));

  const startCheckpoint = (task: number, attempt: number, value: ValueId, path: string): void => {
    const refs = { tasks: Uint32Array.of(task), attempts: Uint32Array.of(attempt) };
    values.retain(value);
    track(`${keyOf(task, attempt)}:checkpoint`, [task, attempt], async (signal) => {
      try {
        await tools.bulk.use(() => writeCheckpoint(values, value, path, signal, tools.files));
        if (!signal.aborted) options.onCheckpointWritten(refs);
      } catch (error) {
        if (!signal.aborted) options.onCheckpointFailed(task, attempt, failureOf(error));
      } finally {
        values.release(value);
      }
    });
  };

  /** Keeps hold of work that goes on, until its end. */
  const track = (
    key: string,
    [task, attempt]: readonly [number, number],
    work: (signal: AbortSignal, hurry: AbortSignal) => Promise<void>,
  ): void => {
    const aborting = new AbortController();
    const hurrying = new AbortController();
    const ended = work(aborting.signal, hurrying.signal).then(
      () => {
        const { isKilled } = running.get(key) as Running;
        running.delete(key);
        if (isKilled) killed.add(task, attempt);
      },
      // A bug: let it end the process, as anywhere else.
      (error: unknown) => setImmediate(() => Promise.reject(error)),
    );
    running.set(key, { aborting, hurrying, ended: ended as Promise<void>, isKilled: false });
  };

  /** Starts what takes more than a turn. */
  const startAside = (place: TaskPlace, cpus: readonly number[]): void => {
    const { batch, index } = place;
    const task = batch.tasks[index] as number;
    const attempt = batch.attempts[index] as number;
    const redirected = takeRedirect(place);
    const calledUs = redirected?.durationUs ?? 0;
    const isWithoutInputs = loadsCheckpoint(place) || redirected !== undefined;
    const inputs = isWithoutInputs ? [] : inputsOf(place);
    for (const input of inputs) values.retain(input);
    track(keyOf(task, attempt), [task, attempt], async (signal, hurry) => {
      const startMs = performance.now();
      try {
        const value = await runAside(place, { inputs, cpus, redirected, hurry }, signal);
        if (signal.aborted) {
          if (value !== undefined) values.release(value);
        } else if (value === undefined) {
          const refs = { tasks: Uint32Array.of(task), attempts: Uint32Array.of(attempt) };
          options.onCheckpointNotFound(refs);
        } else finish(place, value, calledUs + 1000 * (performance.now() - startMs));
      } catch (error) {
        if (!signal.aborted) fail(task, attempt, error);
      } finally {
        for (const input of inputs) values.release(input);
      }
    });
  };

  /** Undefined: the checkpoint that was to be loaded is not there. */
  const runAside = async (
    place: TaskPlace,
    given: {
      readonly inputs: readonly ValueId[];
      readonly cpus: readonly number[];
      readonly redirected: Redirected | undefined;
      readonly hurry: AbortSignal;
    },
    signal: AbortSignal,
  ): Promise<ValueId | undefined> => {
    const { batch, index } = place;
    if (loadsCheckpoint(place)) {
      const path = checkpointPathOf(place);
      const onUnusable = (reason: string): void =>
        log("warning", "computes a task anew: its checkpoint is unusable", { path, reason });
      return loadCheckpoint(values, path, onUnusable, tools.files);
    }
    const { inputs, cpus, redirected, hurry } = given;
    const work = {
      taskType: batch.taskTypes[index] as number,
      inputs,
      config: configOf(place),
      task: batch.tasks[index] as number,
      clientTask: batch.clientTasks[index] as number,
      attempt: batch.attempts[index] as number,
      cpus,
      memoryBytes: memoryBytesOf(place),
      hurry,
      timeLimitMs: timeLimitOf(place),
    };
    if (redirected === undefined) return runTask(tools, work, signal);
    // What its function has taken is over.
    const timeLimitMs =
      work.timeLimitMs === undefined
        ? undefined
        : Math.max(1, Math.round(work.timeLimitMs - redirected.durationUs / 1000));
    return runRedirect(tools, runTask, redirected.redirect, { ...work, timeLimitMs }, signal);
  };

  const takeRedirect = ({ batch, index }: TaskPlace): Redirected | undefined => {
    if (redirects.size === 0) return undefined;
    const key = keyOf(batch.tasks[index] as number, batch.attempts[index] as number);
    const redirected = redirects.get(key);
    redirects.delete(key);
    return redirected;
  };

  const onCallEnd = (place: TaskPlace, outcome: CallOutcome): void => {
    const { batch, index } = place;
    const task = batch.tasks[index] as number;
    const attempt = batch.attempts[index] as number;
    // Before its end is told.
    tools.logs.end(task, attempt);
    if (outcome.kind === "value") finish(place, outcome.value, outcome.durationUs);
    else if (outcome.kind === "failed") options.onFailed(task, attempt, outcome.failure);
    else {
      const { redirect } = outcome;
      try {
        const request = requestOf(tools, redirect);
        redirects.set(keyOf(task, attempt), outcome);
        options.onRedirected(task, attempt, request);
      } catch (error) {
        releaseRedirect(values, redirect);
        fail(task, attempt, error);
      }
    }
  };

  /** Does a task of a built-in type; starts it aside if it cannot be done at once. */
  const executeNow = (place: TaskPlace): void => {
    const { batch, index } = place;
    const builtin = BUILTINS.get(batch.taskTypes[index] as number);
    const startMs = performance.now();
    try {
      const inputs = inputsOf(place);
      const value = builtin?.now({ values, inputs, config: configOf(place) });
      if (value === undefined) startAside(place, []);
      else finish(place, value, 1000 * (performance.now() - startMs));
    } catch (error) {
      fail(batch.tasks[index] as number, batch.attempts[index] as number, error);
    }
  };

  /** The same when there is memory for it. */
  const executeThen = async (place: TaskPlace, admitted: Promise<() => void>): Promise<void> => {
    finished.flush();
    const task = place.batch.tasks[place.index] as number;
    const attempt = place.batch.attempts[place.index] as number;
    try {
      const settle = await admitted;
      if (!isDisposed && options.isWanted(task, attempt)) executeNow(place);
      settle();
    } catch (error) {
      if (!isDisposed && options.isWanted(task, attempt)) fail(task, attempt, error);
    }
  };

  const pump = async (): Promise<void> => {
    const budget = createTurnBudget();
    let turns = 0;
    // A task's end may make others runnable, which are carried out in the same turn.
    for (; waitingIndexes.length > 0; finished.flush()) {
      const batches = waitingBatches;
      const indexes = waitingIndexes;
      waitingBatches = [];
      waitingIndexes = [];
      for (let i = 0; i < indexes.length; i++) {
        const place = { batch: batches[i] as AssignedTasks, index: indexes[i] as number };
        const { tasks, attempts } = place.batch;
        const isWanted = options.isWanted(
          tasks[place.index] as number,
          attempts[place.index] as number,
        );
        if (isDisposed) return;
        if (isWanted) {
          const admitted = store.memory.admit(0);
          if (admitted === undefined) executeNow(place);
          else await executeThen(place, admitted);
        }
        turns += 1;
        if (turns % TURN_CHECK_TASKS !== 0 || !budget.isSpent()) continue;
        finished.flush();
        await budget.renew();
      }
    }
    isPumping = false;
  };

  /** What the task asks for of the resource `memory`, in bytes. */
  const memoryBytesOf = ({ batch, index }: TaskPlace): number | undefined => {
    const request = batch.requests[index] as number;
    const start = batch.requestStarts[request] as number;
    const end = batch.requestStarts[request + 1] as number;
    // Most ask for nothing but cpus.
    if (end === start || (end === start + 1 && batch.requestResources[start] === CPUS)) {
      return undefined;
    }
    const memory = tools.symbolId(MEMORY_SYMBOL);
    for (let k = start; k < end; k++) {
      if (batch.requestResources[k] === memory) {
        return MEMORY_UNIT_BYTES * (batch.requestAmounts[k] as number);
      }
    }
    return undefined;
  };

  const startNow = (place: TaskPlace, lane: number, cpus: readonly number[]): void => {
    try {
      if (lane !== 0)
        calls.add(lane, place, inputsOf(place), configOf(place), memoryBytesOf(place));
      else startAside(place, cpus);
    } catch (error) {
      fail(...refOf(place), error);
    }
  };

  return {
    execute(places, lanes, cpus) {
      places.forEach((place, position) => {
        const { batch, index } = place;
        const taskType = batch.taskTypes[index] as number;
        if (!loadsCheckpoint(place) && BUILTINS.has(taskType)) {
          waitingBatches.push(batch);
          waitingIndexes.push(index);
          return;
        }
        const lane = lanes[position] as number;
        // What it is given may be another task's by the time that it can start.
        const given = takesCpus(taskType) && lane === 0 ? cpus(position) : [];
        if (gate.isOpen()) {
          startNow(place, lane, given);
          return;
        }
        gate.hold({
          run: () => startNow(place, lane, given),
          refuse: (error) => fail(...refOf(place), error),
          isWanted: () => !isDisposed && options.isWanted(...refOf(place)),
        });
      });
      calls.flush();
      if (isPumping || waitingIndexes.length === 0) return;
      isPumping = true;
      // Not within the step that has decided this: that one ends first.
      queueMicrotask(() => {
        pump().catch((error: unknown) => setImmediate(() => Promise.reject(error)));
      });
    },
    end({ tasks, attempts }, { isGraceful }) {
      for (const position of calls.kill(tasks, attempts)) {
        const task = tasks[position] as number;
        const attempt = attempts[position] as number;
        const key = keyOf(task, attempt);
        const redirected = redirects.get(key);
        if (redirected !== undefined) {
          releaseRedirect(values, redirected.redirect);
          redirects.delete(key);
        }
        const execution = running.get(key);
        if (execution === undefined) killed.add(task, attempt);
        else {
          execution.isKilled = true;
          const reason = new Error("the task was stopped");
          // First: who is stopped looks whether it may take its time.
          if (!isGraceful) execution.hurrying.abort(reason);
          execution.aborting.abort(reason);
        }
      }
    },
    hurry({ tasks, attempts }) {
      for (let i = 0; i < tasks.length; i++) {
        const execution = running.get(keyOf(tasks[i] as number, attempts[i] as number));
        execution?.hurrying.abort(new Error("the task was stopped"));
      }
    },
    async dispose() {
      isDisposed = true;
      const all = [...running.values()];
      for (const { aborting, hurrying } of all) {
        const reason = new Error("the worker stops");
        hurrying.abort(reason);
        aborting.abort(reason);
      }
      const pools = Array.from(tools.functionTypes.values(), ({ pool }) => pool.dispose());
      await Promise.all([...all.map(({ ended }) => ended), ...pools]);
    },
  };
}

const keyOf = (task: number, attempt: number): string => `${task}:${attempt}`;

const refOf = ({ batch, index }: TaskPlace): [task: number, attempt: number] => [
  batch.tasks[index] as number,
  batch.attempts[index] as number,
];

/** Whether it may start programs, which are pinned to its cpus; a redirected call may. */
const takesCpus = (taskType: number): boolean =>
  taskType === TASK_TYPE.run || taskType === TASK_TYPE.pyCall || taskType === TASK_TYPE.jsCall;

function loadsCheckpoint({ batch, index }: TaskPlace): boolean {
  return ((batch.flags[index] as number) & FLAG_LOAD_CHECKPOINT) !== 0;
}

function configOf({ batch, index }: TaskPlace): Uint8Array {
  const start = batch.detailStarts[index] as number;
  const end =
    (batch.detailStarts[index + 1] as number) - (batch.checkpointLengths[index] as number);
  return batch.details.subarray(start, end);
}

function checkpointPathOf({ batch, index }: TaskPlace): string {
  const length = batch.checkpointLengths[index] as number;
  if (length === 0) return "";
  const end = batch.detailStarts[index + 1] as number;
  return decoder.decode(batch.details.subarray(end - length, end));
}
