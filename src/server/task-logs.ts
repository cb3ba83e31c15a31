import type { TaskRefs } from "../core/model/batches.ts";
import type { LogStream, TaskLogPart } from "../core/model/task-log.ts";
import { findTasks } from "../core/scheduler/explain/find-tasks.ts";
import type { SchedulerState } from "../core/scheduler/state.ts";
import { isGiven } from "../core/scheduler/task-table.ts";
import { planOf } from "../core/scheduler/wants.ts";
import type { FromWorker } from "../protocol/worker/messages.ts";
import type { WorkerSession } from "./workers/worker-session.ts";

/** Attempts whose logs can be found; those that ended longest ago are forgotten. */
const KEPT_MAX = 65_536;
/** A log that is followed is asked for again after so long without news. */
const FOLLOW_MS = 150;

/** Where the log of an attempt is. */
type Place = { readonly workerId: number; readonly task: number; readonly attempt: number };

export type LogQuestion = {
  /** The number of a client and its number of a task, or what `findTasks` reads. */
  readonly client: number;
  readonly clientTask: number;
  readonly query: string;
  readonly stream: LogStream;
  readonly position: number;
  /** Answered only when there is something, or nothing is to come. */
  readonly isFollowing: boolean;
};

/** Finds what tasks have written, and passes it on a part at a time: whoever wants more asks again. */
export type TaskLogs = {
  /** `answer` is called once, unless `isWanted` says no before; undefined: there is no such log. */
  read(
    question: LogQuestion,
    isWanted: () => boolean,
    answer: (part: TaskLogPart | undefined) => void,
  ): void;
  onPart(message: Extract<FromWorker, { kind: "log-part" }>): void;
  /** These attempts are about to end and have left logs. */
  onKept(workerId: number, refs: TaskRefs): void;
  onWorkerLeft(workerId: number): void;
  /** Nobody may read the logs of its tasks any more. */
  onClientLeft(clientId: number): void;
};

export function createTaskLogs({
  state,
  workers,
}: {
  readonly state: SchedulerState;
  readonly workers: ReadonlyMap<number, WorkerSession>;
}): TaskLogs {
  /** By client and its number of the task: its last attempt that has left something. */
  const kept = new Map<string, Place>();
  const asked = new Map<
    number,
    { readonly workerId: number; readonly answer: (part: TaskLogPart | undefined) => void }
  >();
  let lastRequest = 0;

  /** What a question is about: its names, and the row if there is one now. */
  const resolve = ({ client, clientTask, query }: LogQuestion): { key: string; row: number } => {
    if (query === "") {
      const row = state.clients.get(client)?.rows.get(clientTask) ?? -1;
      return { key: keyOf(client, clientTask), row };
    }
    const [row] = findTasks(state, query, 1);
    if (row !== undefined) {
      const owner = planOf(state, row).clientId;
      return { key: keyOf(owner, state.tasks.clientTask[row] as number), row };
    }
    if (query.includes("/")) return { key: query, row: -1 };
    const known = [...kept.keys()].reverse().find((key) => key.endsWith(`/${query}`));
    return { key: known ?? query, row: -1 };
  };

  /** "later": it has not begun. */
  const find = (question: LogQuestion): Place | "later" | undefined => {
    const { tasks } = state;
    const { key, row } = resolve(question);
    if (row !== -1 && isGiven(tasks, row)) {
      const attempt = tasks.attempt[row] as number;
      return { workerId: tasks.worker[row] as number, task: row, attempt };
    }
    const place = kept.get(key);
    if (place !== undefined) return place;
    return row !== -1 && (tasks.unfinishedInputs[row] as number) > 0 ? "later" : undefined;
  };

  const read: TaskLogs["read"] = (question, isWanted, answer) => {
    const again = (next: LogQuestion): void => {
      const timer = setTimeout(() => read(next, isWanted, answer), FOLLOW_MS);
      timer.unref();
    };
    if (!isWanted()) return;
    const place = find(question);
    if (place === "later" && question.isFollowing) {
      again(question);
      return;
    }
    const worker =
      place === undefined || place === "later" ? undefined : workers.get(place.workerId);
    if (place === undefined || place === "later" || worker === undefined) {
      answer(undefined);
      return;
    }
    lastRequest = (lastRequest + 1) >>> 0;
    const { task, attempt } = place;
    const { stream, position, isFollowing } = question;
    asked.set(lastRequest, {
      workerId: worker.id,
      answer: (part) => {
        const isNews = part === undefined || part.bytes.length > 0 || part.isEnd;
        if (isNews || !isFollowing) answer(part);
        else again({ ...question, position: part.next });
      },
    });
    worker.send({ kind: "read-log", request: lastRequest, task, attempt, stream, position });
  };

  return {
    read,
    onPart({ request, part }) {
      const question = asked.get(request);
      asked.delete(request);
      question?.answer(part);
    },
    onKept(workerId, { tasks, attempts }) {
      tasks.forEach((row, i) => {
        const attempt = attempts[i] as number;
        // Of a task that is gone, nobody knows whose it was; it goes with the worker, or others' logs.
        if (!state.tasks.isCurrent(row, attempt)) return;
        const key = keyOf(planOf(state, row).clientId, state.tasks.clientTask[row] as number);
        kept.delete(key);
        kept.set(key, { workerId, task: row, attempt });
      });
      for (const key of kept.keys()) {
        if (kept.size <= KEPT_MAX) break;
        kept.delete(key);
      }
    },
    onWorkerLeft(workerId) {
      for (const [key, place] of kept) if (place.workerId === workerId) kept.delete(key);
      for (const [request, { workerId: at, answer }] of asked) {
        if (at !== workerId) continue;
        asked.delete(request);
        answer(undefined);
      }
    },
    onClientLeft(clientId) {
      const prefix = `${clientId}/`;
      const ofWorkers = new Map<number, Place[]>();
      for (const [key, place] of kept) {
        if (!key.startsWith(prefix)) continue;
        kept.delete(key);
        const places = ofWorkers.get(place.workerId);
        if (places === undefined) ofWorkers.set(place.workerId, [place]);
        else places.push(place);
      }
      for (const [workerId, places] of ofWorkers) {
        const refs = {
          tasks: Uint32Array.from(places, ({ task }) => task),
          attempts: Uint32Array.from(places, ({ attempt }) => attempt),
        };
        workers.get(workerId)?.send({ kind: "forget-logs", refs });
      }
    },
  };
}

const keyOf = (client: number, clientTask: number): string => `${client}/${clientTask}`;
