import type { FinishedTasks, TaskRefs } from "../model/batches.ts";
import type { TaskFailure } from "../model/failures.ts";

/** What the shell must now do. Imperative; carrying it out cannot change the worker's state. */
export type WorkerCommand =
  /** Pull these objects from a peer, in this order. Ends in `objects-fetched` or `fetch-failed` for each. */
  | {
      readonly kind: "fetch";
      readonly peer: number;
      readonly refs: TaskRefs;
      readonly sizesBytes: Float64Array;
    }
  /** The fetch of these is no longer wanted; ending it early is allowed, its end is ignored. */
  | { readonly kind: "abandon-fetch"; readonly refs: TaskRefs }
  /**
   * Execute these rows of the task table (`taskAt` tells what they are), in this order; those of a
   * lane one after another, behind what the lane has already. `lanes` has the lane of each row, 0 for
   * none. Ends in `tasks-executed`, `task-execution-failed` or `checkpoints-not-found` for each, or
   * after a time in `task-redirected`, which leads to another `execute`. A task of a lane may also
   * come back by `tasks-postponed`.
   */
  | { readonly kind: "execute"; readonly rows: Uint32Array; readonly lanes: Uint32Array }
  /**
   * End these executions, or what was to come after a redirect, with all their processes; leave
   * nothing behind. Ends in `executions-killed` for each, whatever else is told of it meanwhile.
   */
  | { readonly kind: "kill"; readonly refs: TaskRefs }
  /** The same, but what can be asked to end is given time for it. */
  | { readonly kind: "end-gracefully"; readonly refs: TaskRefs }
  /** What is left of that time is taken from these; it has no answer of its own. */
  | { readonly kind: "hurry"; readonly refs: TaskRefs }
  /** Remove these objects from the store; a running execution keeps what it already uses. */
  | { readonly kind: "discard"; readonly refs: TaskRefs }
  | { readonly kind: "report-finished"; readonly finished: FinishedTasks }
  | { readonly kind: "report-started"; readonly refs: TaskRefs }
  | {
      readonly kind: "report-failed";
      readonly task: number;
      readonly attempt: number;
      readonly failure: TaskFailure;
    }
  | { readonly kind: "report-returned"; readonly refs: TaskRefs }
  | { readonly kind: "report-replicas"; readonly refs: TaskRefs }
  | {
      readonly kind: "report-unreachable";
      readonly refs: TaskRefs;
      readonly inputs: TaskRefs;
      readonly holders: Uint32Array;
    }
  | { readonly kind: "report-checkpoints-missing"; readonly refs: TaskRefs }
  | { readonly kind: "report-checkpoints-written"; readonly refs: TaskRefs }
  /** Copies that the server wanted and that cannot be had. */
  | { readonly kind: "report-copies-failed"; readonly refs: TaskRefs };
