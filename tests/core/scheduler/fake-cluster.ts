import { decodeUtf8Lossy, encodeUtf8 } from "../../../src/core/base/utf8.ts";
import type { CarriedResults, FinishedTasks } from "../../../src/core/model/batches.ts";
import { CarriedList } from "../../../src/core/model/carried-list.ts";
import type { TaskFailure } from "../../../src/core/model/failures.ts";
import { CPUS, DATA_TYPE } from "../../../src/core/model/symbols.ts";
import type { SchedulerCommand } from "../../../src/core/scheduler/commands.ts";
import type { SchedulerEvent } from "../../../src/core/scheduler/events.ts";
import { checkSchedulerInvariants } from "../../../src/core/scheduler/invariants.ts";
import {
  createSchedulerState,
  type SchedulerOptions,
  type SchedulerState,
} from "../../../src/core/scheduler/state.ts";
import { hasWork, stepScheduler } from "../../../src/core/scheduler/step.ts";
import { encodeFrameHeader, FRAME_HEADER_BYTES } from "../../../src/protocol/client/frame.ts";

type Given = { readonly task: number; readonly attempt: number; readonly clientTask: number };

/** Workers that hold what they are given until the test lets them finish it; every step is checked. */
export type FakeCluster = {
  readonly state: SchedulerState;
  /** Everything that was commanded so far, oldest first. */
  readonly commands: SchedulerCommand[];
  readonly given: Map<number, Given[]>;
  /** One event, and all the work that it leaves over. */
  step(event: DistributiveOmit<SchedulerEvent, "atMs">): SchedulerCommand[];
  /** One event alone. */
  stepOnce(event: DistributiveOmit<SchedulerEvent, "atMs">): SchedulerCommand[];
  join(workerId: number, cpus?: number): void;
  /** Lets a worker finish the first `count` tasks of what it was given. */
  finish(workerId: number, count?: number, length?: number, tookUs?: number): SchedulerCommand[];
  /** The same, and each result is said to be a text, which rides along. */
  finishWith(workerId: number, texts: readonly string[]): SchedulerCommand[];
  /** Lets all workers finish whatever they are given until nothing is left. */
  finishAll(): void;
  finishedOf(clientId: number): number[];
  /** Lets a worker fail the task with this client's number, which it was given. */
  fail(workerId: number, clientTask: number, failure?: TaskFailure): SchedulerCommand[];
  /** Lets time pass; what is due then begins. */
  wait(ms: number): SchedulerCommand[];
  failuresOf(clientId: number): Extract<SchedulerCommand, { kind: "notify-failed" }>[];
};

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

export function createFakeCluster({
  check = true,
  durationUs = 5,
  options = {},
  givesAhead = true,
}: {
  readonly check?: boolean;
  readonly givesAhead?: boolean;
  readonly durationUs?: number;
  readonly options?: Partial<SchedulerOptions>;
} = {}): FakeCluster {
  const state = createSchedulerState({ givesAhead, ...options });
  const commands: SchedulerCommand[] = [];
  const given = new Map<number, Given[]>();
  let nowMs = 0;

  const take = (command: SchedulerCommand): void => {
    if (command.kind === "assign") {
      const list = given.get(command.workerId) ?? [];
      const { tasks, attempts, clientTasks } = command.batch;
      tasks.forEach((task, i) => {
        list.push({ task, attempt: attempts[i] ?? 0, clientTask: clientTasks[i] ?? 0 });
      });
      given.set(command.workerId, list);
    }
    if (command.kind === "cancel" || command.kind === "cancel-gracefully") {
      const { tasks, attempts } = command.refs;
      const list = given.get(command.workerId) ?? [];
      const gone = new Set([...tasks].map((task, i) => `${task}.${attempts[i]}`));
      given.set(
        command.workerId,
        list.filter(({ task, attempt }) => !gone.has(`${task}.${attempt}`)),
      );
    }
  };

  const step: FakeCluster["step"] = (event) => {
    const out = stepOnce(event);
    while (hasWork(state)) out.push(...stepOnce({ kind: "work-continued" }));
    return out;
  };

  const stepOnce: FakeCluster["step"] = (event) => {
    nowMs += 1;
    const out = stepScheduler(state, { atMs: nowMs, ...event } as SchedulerEvent);
    if (event.kind === "worker-lost") given.delete(event.workerId);
    for (const command of out) take(command);
    commands.push(...out);
    if (check) checkSchedulerInvariants(state);
    return out;
  };

  const finish: FakeCluster["finish"] = (workerId, count = 1, length = 0, tookUs = durationUs) => {
    const done = (given.get(workerId) ?? []).splice(0, count);
    const finished = {
      ...finishedTasks(done, length),
      durationsUs: new Float32Array(done.length).fill(tookUs),
    };
    return step({ kind: "tasks-finished", workerId, finished });
  };

  return {
    state,
    commands,
    given,
    step,
    stepOnce,
    join: (workerId, cpus = 4) => {
      const offer = [{ resource: CPUS, amount: cpus }];
      step({ kind: "worker-joined", workerId, name: `host:${workerId}`, offer });
    },
    finish,
    finishWith: (workerId, texts) => {
      const done = (given.get(workerId) ?? []).splice(0, texts.length);
      const finished = { ...finishedTasks(done), carried: carriedTexts(texts) };
      return step({ kind: "tasks-finished", workerId, finished });
    },
    finishAll: () => {
      for (;;) {
        const busy = [...given].find(([, tasks]) => tasks.length > 0);
        if (busy === undefined) return;
        finish(busy[0], Math.min(busy[1].length, 50));
      }
    },
    fail: (workerId, clientTask, failure = { message: "it is broken" }) => {
      const list = given.get(workerId) ?? [];
      const found = list.findIndex((entry) => entry.clientTask === clientTask);
      const [entry] = list.splice(found, found === -1 ? 0 : 1);
      if (entry === undefined) throw new Error(`worker ${workerId} has no task ${clientTask}`);
      const { task, attempt } = entry;
      return step({ kind: "task-failed", workerId, task, attempt, failure });
    },
    wait: (ms) => {
      nowMs += ms;
      return step({ kind: "retries-due" });
    },
    failuresOf: (clientId) =>
      commands.filter(
        (command) => command.kind === "notify-failed" && command.clientId === clientId,
      ) as Extract<SchedulerCommand, { kind: "notify-failed" }>[],
    finishedOf: (clientId) =>
      commands.flatMap((command) =>
        command.kind === "notify-finished" && command.clientId === clientId
          ? [...command.clientTasks]
          : [],
      ),
  };
}

/** Raw data, an entry for each position. */
export function carriedTexts(texts: readonly string[]): CarriedResults {
  const list = new CarriedList();
  texts.forEach((text, position) => {
    const bytes = encodeUtf8(text);
    list.add(position, DATA_TYPE.data, 1);
    list.append(encodeFrameHeader(bytes.length));
    list.append(bytes);
  });
  const carried = list.take();
  if (carried === undefined) throw new Error("no texts");
  return carried;
}

/** The texts of a message's results, by the task's number. */
export function textsOf(
  ids: ArrayLike<number>,
  carried: CarriedResults | undefined,
): Record<number, string> {
  const texts: Record<number, string> = {};
  carried?.positions.forEach((position, entry) => {
    const start = (carried.starts[entry] ?? 0) + FRAME_HEADER_BYTES;
    const bytes = carried.bytes.subarray(start, carried.starts[entry + 1]);
    texts[ids[position] ?? -1] = decodeUtf8Lossy(bytes);
  });
  return texts;
}

export function finishedTasks(done: readonly Given[], length = 0, sizeBytes = 100): FinishedTasks {
  return {
    tasks: Uint32Array.from(done, ({ task }) => task),
    attempts: Uint32Array.from(done, ({ attempt }) => attempt),
    sizesBytes: new Float64Array(done.length).fill(sizeBytes),
    lengths: new Float64Array(done.length).fill(length),
    dataTypes: new Uint16Array(done.length).fill(length > 0 ? DATA_TYPE.array : DATA_TYPE.data),
    durationsUs: new Float32Array(done.length).fill(5),
  };
}
