import type { CallOutcome, RunnerCall } from "../../runners/runner-call.ts";
import type { ValueId } from "../../store/value-id.ts";
import type { TaskTools, TaskWork } from "../task-tools.ts";
import { createCall } from "./call-function.ts";
import type { FunctionType } from "./function-type.ts";

export type LaneCallHandlers = {
  readonly onEnd: (outcome: CallOutcome) => void;
  readonly onPostponed: () => void;
};

/** The function calls of the brain's lanes. Many and small: they have no promises. */
export type LaneCalls = {
  /** Prepares the task's call; `flush` sends it. Throws a TaskError for what is the task's fault. */
  add(key: string, lane: number, work: Omit<TaskWork, "cpus">, handlers: LaneCallHandlers): void;
  /** Sends what was added, the calls of each lane together. */
  flush(): void;
  /** Ends those of these calls that are here. */
  kill(keys: readonly string[]): void;
};

type Known = { readonly type: FunctionType; readonly call: RunnerCall; readonly end: () => void };

export function createLaneCalls(tools: TaskTools): LaneCalls {
  const { values, functionTypes } = tools;
  const known = new Map<string, Known>();
  let added: {
    readonly lane: number;
    readonly type: FunctionType;
    readonly calls: RunnerCall[];
  }[] = [];

  const retainUntilEnd = (key: string, inputs: readonly ValueId[]): (() => void) => {
    for (const input of inputs) values.retain(input);
    return () => {
      known.delete(key);
      for (const input of inputs) values.release(input);
    };
  };

  return {
    add(key, lane, work, handlers) {
      const type = functionTypes.get(work.taskType) as FunctionType;
      const call = createCall(tools, type, work, {
        onEnd: (outcome) => {
          // First: what the end leads to may stop the task.
          end();
          handlers.onEnd(outcome);
        },
        onPostponed: () => {
          end();
          handlers.onPostponed();
        },
      });
      const end = retainUntilEnd(key, work.inputs);
      known.set(key, { type, call, end });
      const last = added.at(-1);
      if (last?.lane === lane) last.calls.push(call);
      else added.push({ lane, type, calls: [call] });
    },
    flush() {
      const groups = added;
      added = [];
      for (const { lane, type, calls } of groups) type.pool.run(lane, calls);
    },
    kill(keys) {
      const killed = new Map<FunctionType, RunnerCall[]>();
      for (const key of keys) {
        const found = known.get(key);
        if (found === undefined) continue;
        found.end();
        const calls = killed.get(found.type);
        if (calls === undefined) killed.set(found.type, [found.call]);
        else calls.push(found.call);
      }
      for (const [type, calls] of killed) type.pool.kill(calls);
    },
  };
}
