import type { CallOutcome, CallOwner, RunnerCall } from "../../runners/runner-call.ts";
import type { ValueId } from "../../store/value-id.ts";
import type { TaskPlace } from "../task-place.ts";
import type { TaskTools } from "../task-tools.ts";
import { stricterLimit, timeLimitOf } from "../time-limit.ts";
import { logCall, reportProgress, streamOf } from "./call-function.ts";
import type { FunctionType } from "./function-type.ts";

export type LaneCallHandlers = {
  readonly onEnd: (place: TaskPlace, outcome: CallOutcome) => void;
  /** Nothing of a call runs any more that was killed. */
  readonly onKilled: (place: TaskPlace) => void;
  readonly onPostponed: (place: TaskPlace) => void;
};

/** The function calls of the brain's lanes. Many and small: each is one object without closures. */
export type LaneCalls = {
  /** Prepares the task's call; `flush` sends it. Throws a TaskError for what is the task's fault. */
  add(
    lane: number,
    place: TaskPlace,
    inputs: readonly ValueId[],
    config: Uint8Array,
    memoryBytes: number | undefined,
  ): void;
  /** Sends what was added, the calls of each lane together. */
  flush(): void;
  /** Ends the calls of these attempts that are here, and forgets them. Returns the positions of the others. */
  kill(tasks: Uint32Array, attempts: Uint32Array): number[];
};

type LaneCall = RunnerCall & {
  readonly type: FunctionType;
  readonly place: TaskPlace;
  /** Of the task, each with a reference. */
  readonly owned: readonly ValueId[];
};

type Group = { readonly lane: number; readonly type: FunctionType; readonly calls: LaneCall[] };

export function createLaneCalls(
  { values, functionTypes, log, logs }: TaskTools,
  handlers: LaneCallHandlers,
): LaneCalls {
  /** By task; there is one attempt of it at a time. */
  const known = new Map<number, LaneCall>();
  let added: Group[] = [];

  const release = ({ owned }: LaneCall): void => {
    for (const input of owned) values.release(input);
  };
  const forget = (call: LaneCall): void => {
    known.delete(call.place.batch.tasks[call.place.index] as number);
    release(call);
  };

  const owner: CallOwner = {
    onEnd: (call, outcome) => {
      const ended = call as LaneCall;
      // First: what the end leads to may stop the task.
      forget(ended);
      handlers.onEnd(ended.place, outcome);
    },
    onKilled: (call) => {
      // Its task may be known again by now, as another attempt.
      release(call as LaneCall);
      handlers.onKilled((call as LaneCall).place);
    },
    onPostponed: (call) => {
      forget(call as LaneCall);
      handlers.onPostponed((call as LaneCall).place);
    },
    onLog: (call, text, level) => {
      const { type, place } = call as LaneCall;
      const task = place.batch.tasks[place.index] as number;
      const isShown = logs.append(task, call.attempt, streamOf(level), text);
      if (isShown) logCall(log, type, call, text, level);
    },
    onProgress: (call, fraction, message) =>
      reportProgress(log, (call as LaneCall).type, call, fraction, message),
  };

  return {
    add(lane, place, inputs, config, memoryBytes) {
      const { batch, index } = place;
      const type = functionTypes.get(batch.taskTypes[index] as number) as FunctionType;
      const prepared = type.prepare({ values, inputs, config });
      const call: LaneCall = {
        clientTask: batch.clientTasks[index] as number,
        attempt: batch.attempts[index] as number,
        functionKey: prepared.functionKey,
        function: prepared.function,
        config: prepared.config,
        inputs: prepared.inputs,
        timeLimitMs: stricterLimit(prepared.timeLimitMs, timeLimitOf(place)),
        memoryBytes,
        owner,
        type,
        place,
        owned: inputs,
      };
      for (const input of inputs) values.retain(input);
      known.set(batch.tasks[index] as number, call);
      const last = added.at(-1);
      if (last?.lane === lane) last.calls.push(call);
      else added.push({ lane, type, calls: [call] });
    },
    flush() {
      const groups = added;
      added = [];
      for (const { lane, type, calls } of groups) type.pool.run(lane, calls);
    },
    kill(tasks, attempts) {
      const killed = new Map<FunctionType, RunnerCall[]>();
      const others: number[] = [];
      for (let i = 0; i < tasks.length; i++) {
        const call = known.get(tasks[i] as number);
        if (call === undefined || call.attempt !== attempts[i]) {
          others.push(i);
          continue;
        }
        known.delete(tasks[i] as number);
        const calls = killed.get(call.type);
        if (calls === undefined) killed.set(call.type, [call]);
        else calls.push(call);
      }
      for (const [type, calls] of killed) type.pool.kill(calls);
      return others;
    },
  };
}
