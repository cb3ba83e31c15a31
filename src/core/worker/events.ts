import type { AssignedTasks, FinishedTasks, ObjectCopies, TaskRefs } from "../model/batches.ts";
import type { TaskFailure } from "../model/failures.ts";
import type { ResourceRequest } from "../model/resources.ts";

/** What has happened to this worker. Past tense; the brain cannot refuse it, only ignore what is stale. */
export type WorkerEvent =
  | { readonly kind: "tasks-assigned"; readonly atMs: number; readonly batch: AssignedTasks }
  /** The server wants back what has not started. */
  | { readonly kind: "tasks-retracted"; readonly atMs: number; readonly refs: TaskRefs }
  /** `isGraceful`: what runs of them is given time to end; at once where one is named again without. */
  | {
      readonly kind: "tasks-canceled";
      readonly atMs: number;
      readonly refs: TaskRefs;
      readonly isGraceful?: boolean;
    }
  | { readonly kind: "objects-dropped"; readonly atMs: number; readonly refs: TaskRefs }
  /** The server wants copies of these here, though no task needs them. */
  | { readonly kind: "copies-wanted"; readonly atMs: number; readonly copies: ObjectCopies }
  /** The worker has come back to its server, which calls it by this number now. */
  | { readonly kind: "reattached"; readonly atMs: number; readonly workerId: number }
  | { readonly kind: "checkpoints-written"; readonly atMs: number; readonly refs: TaskRefs }
  /** Pulled from a peer; they are in the store now. */
  | { readonly kind: "objects-fetched"; readonly atMs: number; readonly refs: TaskRefs }
  /** The peer is gone or does not have them. */
  | {
      readonly kind: "fetch-failed";
      readonly atMs: number;
      readonly refs: TaskRefs;
      readonly peer: number;
    }
  /** They came, and there is no room for them here: whoever needs them fails so. */
  | {
      readonly kind: "objects-refused";
      readonly atMs: number;
      readonly refs: TaskRefs;
      readonly failure: TaskFailure;
    }
  /** Executed, and their results are in the store now. */
  | { readonly kind: "tasks-executed"; readonly atMs: number; readonly finished: FinishedTasks }
  | {
      readonly kind: "task-execution-failed";
      readonly atMs: number;
      readonly task: number;
      readonly attempt: number;
      readonly failure: TaskFailure;
    }
  /** In a lane, behind one that takes long: they have not begun, and are no longer to. */
  | { readonly kind: "tasks-postponed"; readonly atMs: number; readonly refs: TaskRefs }
  /** It has run, and other work is to be done in its place, on what that asks for. */
  | {
      readonly kind: "task-redirected";
      readonly atMs: number;
      readonly task: number;
      readonly attempt: number;
      readonly request: ResourceRequest;
    }
  /** What was to be killed has ended, in whatever way: nothing of it runs any more. */
  | { readonly kind: "executions-killed"; readonly atMs: number; readonly refs: TaskRefs }
  /** They were to load their checkpoint, and the file is not there. */
  | { readonly kind: "checkpoints-not-found"; readonly atMs: number; readonly refs: TaskRefs }
  | { readonly kind: "peers-lost"; readonly atMs: number; readonly peers: Uint32Array };
