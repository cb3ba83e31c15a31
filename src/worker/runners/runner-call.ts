import type { TaskFailure } from "../../core/model/failures.ts";
import type { ValueId } from "../store/value-id.ts";
import type { LogLevelName, TaskNode } from "./messages.ts";

/** How a runner of a language is started. */
export type RunnerCommand = {
  readonly file: string;
  readonly args: readonly string[];
  /** Added to the worker's environment, in place of variables of the same name. */
  readonly env: Readonly<Record<string, string>>;
};

export type RunnerLanguage = {
  /** Such as `Python`, for messages. */
  readonly name: string;
  /**
   * Asked for when the first call comes, and again after it was rejected. Rejects with a TaskError
   * that says what is missing on this worker.
   * @param memoryBytesMax what the runner may use
   */
  readonly command: (memoryBytesMax: number) => Promise<RunnerCommand>;
  /** What a runner says on stderr when it ends for want of memory. */
  readonly outOfMemoryMark?: string;
  /** Its functions are told that they are to end, so long before they are ended. Default: they are not. */
  readonly abortMs?: number;
};

/**
 * One call of a function. Whoever makes it holds references to all its values until it has ended, or
 * was told killed or postponed.
 */
export type RunnerCall = {
  /** The client's number of the task. */
  readonly clientTask: number;
  readonly attempt: number;
  /** Equal keys mean equal code. */
  readonly functionKey: string;
  /** The code: a leaf value. */
  readonly function: ValueId;
  readonly config: Uint8Array;
  readonly inputs: readonly ValueId[];
  /** For the call alone, from when it begins. */
  readonly timeLimitMs: number | undefined;
  /** What its task asked for; undefined: as much as a runner has. The same for all calls of a lane. */
  readonly memoryBytes?: number | undefined;
  readonly owner: CallOwner;
};

/** Who hears of calls; the same for many of them. */
export type CallOwner = {
  /** Called once, unless the call is killed before. */
  onEnd(call: RunnerCall, outcome: CallOutcome): void;
  /** Called instead, once nothing of a killed call runs any more. */
  onKilled(call: RunnerCall): void;
  /** Called instead: it has not begun, because the one before it in its lane takes long. */
  onPostponed(call: RunnerCall): void;
  /** What it printed or logged, a line each; `level` is undefined for what was printed. */
  onLog(call: RunnerCall, text: string, level: LogLevelName | undefined): void;
  onProgress(call: RunnerCall, fraction: number, message: string): void;
};

export type CallOutcome =
  /** The receiver owns the value. */
  | { readonly kind: "value"; readonly value: ValueId; readonly durationUs: number }
  | { readonly kind: "redirected"; readonly redirect: Redirect; readonly durationUs: number }
  | { readonly kind: "failed"; readonly failure: TaskFailure };

/**
 * A graph of tasks that a function returned in place of its value. Rows are in an order in which they
 * can be worked off; the last is the result. The receiver owns the values in it.
 */
export type Redirect = {
  readonly rows: readonly RedirectRow[];
};

export type RedirectRow =
  | { readonly kind: "value"; readonly value: ValueId }
  | { readonly kind: "array"; readonly items: readonly number[] }
  | {
      readonly kind: "task";
      readonly task: Omit<TaskNode, "type" | "config">;
      readonly config: Uint8Array;
    };

/** Warm runners of one language. */
export type RunnerPool = {
  /**
   * Runs the calls one after another on one runner, behind those that the lane has already. Lanes
   * run beside each other; how many there are at a time is the caller's to bound.
   */
  run(lane: number, calls: readonly RunnerCall[]): void;
  /** Ends the calls, wherever they are; the others of their lanes go on. Leads to `onKilled`. */
  kill(calls: readonly RunnerCall[]): void;
  /** Ends all runners and all calls; resolves when no process is left. */
  dispose(): Promise<void>;
};
