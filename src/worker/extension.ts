/**
 * What runs on workers uses this: `import { ... } from "hyperloom/worker"`. `currentTask` is for
 * functions that tasks call; `defineTaskType` for modules of task types of your own, which a worker
 * loads with `--load FILE`.
 */
import { findRunnerServices } from "../core/model/runner-services.ts";

/** An input of a task, and any item of it. It may be read as often as needed while the task runs. */
export type TaskInput = {
  readonly type: "data" | "array" | "index" | "pyobj" | "json" | "jsobj" | "arrow" | "absent";
  readonly sizeBytes: number;
  /** Items of an array or an index, else 0. */
  readonly length: number;
  /** All bytes of raw data, of a JSON text, of a serialized object or of an Arrow table, as a stream. Not to be written to. */
  read(): Promise<Uint8Array>;
  /** The same as UTF-8. */
  text(): Promise<string>;
  /** The same in pieces of at most 1 MiB, for data that is larger than memory. */
  chunks(): AsyncIterable<Uint8Array>;
  /** The items of an array or an index. */
  items(): readonly TaskInput[];
  /** One item of an array or an index, without looking at the others. */
  item(position: number): TaskInput;
};

/**
 * What a task makes: raw data as bytes, as text or in pieces; an input or an item of one, which is
 * not copied; or an array of these, nested as you like.
 */
export type TaskOutput =
  | string
  | Uint8Array
  | AsyncIterable<Uint8Array | string>
  | TaskInput
  | readonly TaskOutput[];

export type TaskContext = {
  /** In the order in which the client gave them. */
  readonly inputs: readonly TaskInput[];
  /** What the client gave as `config`; empty if nothing. */
  readonly config: Uint8Array;
  /** Aborted when the task is no longer wanted. */
  readonly signal: AbortSignal;
  /** Writes a line to the worker's log. */
  readonly log: (message: string) => void;
};

/** Runs one task. What it throws fails the task, with its stack. */
export type ExecuteTask = (task: TaskContext) => TaskOutput | Promise<TaskOutput>;

export type TaskType = {
  /** A prefix of your own, a slash, a name: `my/count`. */
  readonly name: string;
  readonly execute: ExecuteTask;
  /** Marks it for the worker, also when the module has another copy of this package. */
  readonly [TASK_TYPE_MARK]: true;
};

/** The key of the mark. */
export const TASK_TYPE_MARK: unique symbol = Symbol.for("hyperloom/task-type");

/**
 * Makes a task type, to be exported by the module:
 *
 *     export const count = defineTaskType("my/count", async ({ inputs }) => {
 *       const texts = await Promise.all(inputs.map((input) => input.text()));
 *       return String(texts.join(" ").split(/\s+/).length);
 *     });
 *
 * `execute` runs on the worker's event loop: it must not compute for long without an `await`; give
 * long computations to a `worker_threads` worker or to a program. Throws a TypeError for a bad name.
 */
export function defineTaskType(name: string, execute: ExecuteTask): TaskType {
  if (!/^[^/\s]+\/\S+$/.test(name) || name.startsWith("loom/")) {
    throw new TypeError(
      `a task type is named as prefix/name with a prefix of its own, but this is '${name}'`,
    );
  }
  if (typeof execute !== "function") throw new TypeError(`task type '${name}' has no function`);
  return { name, execute, [TASK_TYPE_MARK]: true };
}

/** What a function can know of the task that it is called for, and say about it. */
export type CurrentTask = {
  /** The client's number of the task, as its errors name it. */
  readonly id: number;
  /** The server's number of this try. */
  readonly attempt: number;
  readonly label: string;
  /** Aborted when the task is no longer wanted, and when the function has ended. */
  readonly signal: AbortSignal;
  /** Lines for the log of the worker. */
  readonly log: Readonly<Record<"debug" | "info" | "warn" | "error", (text: string) => void>>;
  /** Tells how far it is: a part of 1. May be called as often as is convenient. */
  progress(fraction: number, message?: string): void;
};

/**
 * The task that runs now: to be asked for within the function, before its first `await` if other
 * code of the module goes on behind its end. Outside of a worker, as in a test of the function, it
 * is one that has no name and writes to the console.
 */
export function currentTask(): CurrentTask {
  return (findRunnerServices()?.currentTask() as CurrentTask | undefined) ?? NO_TASK;
}

const NO_TASK: CurrentTask = {
  id: -1,
  attempt: 0,
  label: "",
  signal: new AbortController().signal,
  log: console,
  progress() {},
};
