import type { AssignedTasks, CarriedResults, ObjectCopies, TaskRefs } from "../model/batches.ts";
import type { TaskFailure } from "../model/failures.ts";
import type { JournalRecord } from "../model/journal-record.ts";

/** What the shell must now do. Imperative; carrying it out cannot change the scheduler's state. */
export type SchedulerCommand =
  /** Write it down. Comes before the other commands of its step. Only where a journal is kept. */
  | { readonly kind: "record"; readonly record: JournalRecord }
  | { readonly kind: "assign"; readonly workerId: number; readonly batch: AssignedTasks }
  /** Ask the worker to give back what it has not started. */
  | { readonly kind: "retract"; readonly workerId: number; readonly refs: TaskRefs }
  /** The worker stops these and forgets them. */
  | { readonly kind: "cancel"; readonly workerId: number; readonly refs: TaskRefs }
  /** The same, and what runs is asked to end before it is killed. */
  | { readonly kind: "cancel-gracefully"; readonly workerId: number; readonly refs: TaskRefs }
  | { readonly kind: "drop"; readonly workerId: number; readonly refs: TaskRefs }
  /** The worker makes copies of these; it says so by `replicas-added` or `replication-failed`. */
  | { readonly kind: "replicate"; readonly workerId: number; readonly copies: ObjectCopies }
  /** The worker was drained: nothing is lost when it ends. */
  | { readonly kind: "dismiss"; readonly workerId: number }
  /** Something to know about a worker that drains. */
  | { readonly kind: "note-drain"; readonly workerId: number; readonly message: string }
  /** These results are finished; each is told once. */
  | {
      readonly kind: "notify-finished";
      readonly clientId: number;
      readonly clientTasks: Int32Array;
      /** Results that the client is given unasked; only where it takes them. */
      readonly carried: CarriedResults | undefined;
      /** Not to be told before so many records are safe; 0 or absent: at once. */
      readonly afterRecord?: number;
    }
  /** These results will never be finished, because somebody wanted it so; each is told once. */
  | {
      readonly kind: "notify-canceled";
      readonly clientId: number;
      readonly clientTasks: Int32Array;
    }
  | {
      readonly kind: "notify-failed";
      readonly clientId: number;
      readonly clientTask: number;
      /** `host:port` of the worker of the last attempt; empty where none ran it. */
      readonly worker: string;
      /** How often the task was tried. */
      readonly attempts: number;
      readonly label: string;
      readonly failure: TaskFailure;
      /** The task whose failure is the cause, where it did not fail by itself. */
      readonly cause: number | undefined;
      /** It was told before, but its client may have missed it. */
      readonly isAgain?: boolean;
      /** Only this task is told to have failed; else its whole plan is given up. */
      readonly planGoesOn?: boolean;
      /** Not to be told before so many records are safe; 0 or absent: at once. */
      readonly afterRecord?: number;
    }
  /** So many tasks from `idBase` on, a plan or a chunk, were taken. Only to clients that may come back. */
  | {
      readonly kind: "notify-accepted";
      readonly clientId: number;
      readonly idBase: number;
      readonly taskCount: number;
      /** Not to be told before so many records are safe; 0 or absent: at once. */
      readonly afterRecord?: number;
    }
  /** The answer to a client that is back; what there is to tell it comes besides. */
  | {
      readonly kind: "attached";
      readonly clientId: number;
      /** First ids of the plans that it named and that are not here. */
      readonly unknownPlans: Int32Array;
      /** First id of the plan of which chunks are to come, or -1, and how many tasks of it have come. */
      readonly openPlan: number;
      readonly openPlanTasks: number;
    }
  /** A client was away for too long: it is forgotten. */
  | { readonly kind: "end-client"; readonly clientId: number }
  /** Something that a client that understands notices should know about its task. */
  | {
      readonly kind: "notify-notice";
      readonly clientId: number;
      readonly clientTask: number;
      readonly message: string;
    }
  /** The answer to a request that cannot be carried out. */
  | {
      readonly kind: "refuse";
      readonly clientId: number;
      readonly message: string;
      /** The task that the request was about. */
      readonly clientTask?: number;
      /** Id base of the plan that is refused whole. */
      readonly planIdBase?: number;
    }
  /** The answer to a request for a result whose bytes are here. */
  | {
      readonly kind: "deliver-held";
      readonly clientId: number;
      readonly clientTask: number;
      readonly dataType: number;
      readonly frameCount: number;
      /** All frames, each with its length before it. */
      readonly bytes: Uint8Array;
    }
  /**
   * Pass the object on to the client. The object stays until the shell says `delivery-ended`, or
   * `delivery-failed` when no holder gave it; one that does not have it is told as `replicas-missing`.
   */
  | {
      readonly kind: "deliver";
      readonly clientId: number;
      readonly clientTask: number;
      readonly task: number;
      readonly attempt: number;
      readonly holders: readonly number[];
      readonly sizeBytes: number;
      readonly dataType: number;
    };
