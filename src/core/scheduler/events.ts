import type { FinishedTasks, HeldObjects, HeldTasks, TaskRefs } from "../model/batches.ts";
import type { TaskFailure } from "../model/failures.ts";
import type { HeldByClient } from "../model/held-by-client.ts";
import type { Plan } from "../model/plan.ts";
import type { ResourceOffer } from "../model/resources.ts";
import type { MemoryReport } from "../model/worker-memory.ts";
import type { ClientLife } from "./state.ts";

/**
 * What has happened. Past tense; the scheduler cannot refuse it. What a worker or a client says may
 * be stale or wrong: the scheduler compares it with its state and ignores or answers it.
 */
export type SchedulerEvent =
  | {
      readonly kind: "worker-joined";
      readonly atMs: number;
      readonly workerId: number;
      /** `host:port`, as messages name the worker. */
      readonly name: string;
      readonly offer: ResourceOffer;
    }
  /**
   * A worker that was joined before has come back, to this server or to one that took its place, with
   * what it holds and has. It may be joined still: then its loss was not noticed.
   */
  | {
      readonly kind: "worker-attached";
      readonly atMs: number;
      readonly workerId: number;
      readonly name: string;
      readonly offer: ResourceOffer;
      readonly objects: HeldObjects;
      readonly tasks: HeldTasks;
    }
  | {
      readonly kind: "worker-lost";
      readonly atMs: number;
      readonly workerId: number;
      /** It said that it leaves: what it executed is not to blame. Default false. */
      readonly hasLeft?: boolean;
    }
  /** It is to leave, once nothing is lost by that. */
  | { readonly kind: "worker-draining"; readonly atMs: number; readonly workerId: number }
  /** The worker cannot get copies that it was told to make. */
  | {
      readonly kind: "replication-failed";
      readonly atMs: number;
      readonly workerId: number;
      readonly refs: TaskRefs;
    }
  /** What the worker says of its memory: once it joined, when it becomes tight or is so no more, and now and then. */
  | {
      readonly kind: "memory-changed";
      readonly atMs: number;
      readonly workerId: number;
      readonly report: MemoryReport;
    }
  | {
      readonly kind: "round-trip-measured";
      readonly atMs: number;
      readonly workerId: number;
      readonly roundTripMs: number;
    }
  | {
      readonly kind: "tasks-finished";
      readonly atMs: number;
      readonly workerId: number;
      readonly finished: FinishedTasks;
    }
  | {
      readonly kind: "tasks-started";
      readonly atMs: number;
      readonly workerId: number;
      readonly refs: TaskRefs;
    }
  | {
      readonly kind: "task-failed";
      readonly atMs: number;
      readonly workerId: number;
      readonly task: number;
      readonly attempt: number;
      readonly failure: TaskFailure;
    }
  /** Retracted attempts that had not started. */
  | {
      readonly kind: "tasks-returned";
      readonly atMs: number;
      readonly workerId: number;
      readonly refs: TaskRefs;
    }
  | {
      readonly kind: "replicas-added";
      readonly atMs: number;
      readonly workerId: number;
      readonly refs: TaskRefs;
    }
  /** Somebody asked this worker for these objects, and it does not have them. */
  | {
      readonly kind: "replicas-missing";
      readonly atMs: number;
      readonly workerId: number;
      readonly refs: TaskRefs;
    }
  /** Entry i: `refs` i cannot run on the worker, because `inputs` i could not be had from `holders` i. */
  | {
      readonly kind: "inputs-unreachable";
      readonly atMs: number;
      readonly workerId: number;
      readonly refs: TaskRefs;
      readonly inputs: TaskRefs;
      readonly holders: Uint32Array;
    }
  | {
      readonly kind: "checkpoints-written";
      readonly atMs: number;
      readonly workerId: number;
      readonly refs: TaskRefs;
    }
  | {
      readonly kind: "checkpoints-missing";
      readonly atMs: number;
      readonly workerId: number;
      readonly refs: TaskRefs;
    }
  | {
      readonly kind: "client-joined";
      readonly atMs: number;
      readonly clientId: number;
      /** It is to be given small results with the notification that they are finished. */
      readonly takesCarried: boolean;
      /** What the shell needs to let it attach again; absent: its plans end with its connection, and are not written down. */
      readonly session?: Uint8Array | undefined;
      /** It understands that single results are canceled; for others their plan fails. */
      readonly takesCanceled?: boolean;
      /** How long its plans live; absent: as long as its connection. */
      readonly life?: Exclude<ClientLife, "connection">;
    }
  /** The connection of a client that may come back is gone. */
  | { readonly kind: "client-detached"; readonly atMs: number; readonly clientId: number }
  /**
   * It is back; answered by `attached`. Without `held`, of a named plan: somebody wants to be told all
   * that there is to tell of it. Taken after all that the client has sent before.
   */
  | {
      readonly kind: "client-attached";
      readonly atMs: number;
      readonly clientId: number;
      readonly held: HeldByClient | undefined;
    }
  /** So many of the records that were commanded are safe, from the first one on. */
  | { readonly kind: "records-flushed"; readonly atMs: number; readonly recordCount: number }
  | {
      readonly kind: "plan-submitted";
      readonly atMs: number;
      readonly clientId: number;
      readonly plan: Plan;
      /** 1 for each task of the plan whose checkpoint file exists and is to be loaded; absent: load none. */
      readonly loadable: Uint8Array | undefined;
    }
  /**
   * A plan of `taskCount` tasks, ids `idBase` and up, comes in chunks. What has come runs; nothing is
   * told of its results before it is complete.
   */
  | {
      readonly kind: "plan-begun";
      readonly atMs: number;
      readonly clientId: number;
      readonly idBase: number;
      readonly taskCount: number;
    }
  /** The next tasks of the plan that was begun. */
  | {
      readonly kind: "plan-extended";
      readonly atMs: number;
      readonly clientId: number;
      readonly plan: Plan;
    }
  /** A chunk of it cannot be used, for this reason. */
  | {
      readonly kind: "plan-refused";
      readonly atMs: number;
      readonly clientId: number;
      readonly message: string;
    }
  | { readonly kind: "plan-completed"; readonly atMs: number; readonly clientId: number }
  | {
      readonly kind: "results-released";
      readonly atMs: number;
      readonly clientId: number;
      readonly clientTasks: Int32Array;
    }
  /**
   * Somebody wants these tasks of the client ended, with all that needs them; `isWholePlan`: their
   * plans with them. What is finished stays.
   */
  | {
      readonly kind: "tasks-canceled";
      readonly atMs: number;
      readonly clientId: number;
      readonly clientTasks: Int32Array;
      readonly isWholePlan: boolean;
    }
  /** A client wants the bytes of a result. Answered by `deliver` or `refuse`. */
  | {
      readonly kind: "result-requested";
      readonly atMs: number;
      readonly clientId: number;
      readonly clientTask: number;
    }
  /** What a `deliver` command began is over, however it ended. */
  | {
      readonly kind: "delivery-ended";
      readonly atMs: number;
      readonly task: number;
      readonly attempt: number;
    }
  /** What a `deliver` command began did not come to its first byte; it is to be begun anew. */
  | {
      readonly kind: "delivery-failed";
      readonly atMs: number;
      readonly task: number;
      readonly attempt: number;
    }
  | { readonly kind: "client-left"; readonly atMs: number; readonly clientId: number }
  /** Time for what earlier steps left over; comes when `hasWork` and others have been served. */
  | { readonly kind: "work-continued"; readonly atMs: number }
  /** The time has come that `nextDueAtMs` has told. */
  | { readonly kind: "retries-due"; readonly atMs: number }
  /** Comes once a second or so, for what depends on time alone. */
  | { readonly kind: "time-passed"; readonly atMs: number };
