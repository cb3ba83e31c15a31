import type { TaskFailure } from "./failures.ts";

/**
 * What a server writes down so that one that takes its place knows what this one knew and nobody
 * else could tell it. Rows are rows of the task columns. A record is a fact about its owner (the
 * cluster, a client, a plan, a worker), true whatever the order in which those of one owner are
 * read, until the record of the owner's end: so what is still true can be copied behind what came
 * later, and the rest be thrown away.
 *
 * (row, attempt base) names one task for ever: a row that is used again has a greater base.
 */
export type JournalRecord =
  | PlanAccepted
  | TasksExpanded
  /** A plan of `taskCount` tasks from `idBase` on comes in chunks. */
  | {
      readonly kind: "plan-begun";
      readonly serial: number;
      readonly clientId: number;
      readonly idBase: number;
      readonly taskCount: number;
    }
  /** All of its chunks have come. */
  | { readonly kind: "plan-completed"; readonly serial: number }
  /** These rows of the plan are no results any more: they were released, or given up. */
  | { readonly kind: "results-ended"; readonly serial: number; readonly rows: Uint32Array }
  /** The checkpoints of these rows are complete, or were there before. */
  | { readonly kind: "checkpoints-written"; readonly serial: number; readonly rows: Uint32Array }
  /** It failed, or was refused when parts of it had been taken. Belongs to its client, which may ask long after. */
  | {
      readonly kind: "plan-failed";
      readonly serial: number;
      readonly clientId: number;
      readonly idBase: number;
      readonly taskCount: number;
      /** As the client was told: a TASK_FAILED, or the text of a refusal. */
      readonly told: FailureTold;
    }
  /** Nothing is left of it. The end of the plan's records. */
  | { readonly kind: "plan-ended"; readonly serial: number }
  | {
      readonly kind: "client-joined";
      readonly clientId: number;
      readonly takesCarried: boolean;
      readonly life: "session" | "named";
      /** What the shell must know to let it attach again; the scheduler does not look at it. */
      readonly session: Uint8Array;
    }
  /** The end of the client's records, and of those of its plans. */
  | { readonly kind: "client-left"; readonly clientId: number }
  | { readonly kind: "worker-joined"; readonly workerId: number; readonly name: string }
  | { readonly kind: "worker-left"; readonly workerId: number }
  /** No attempt above this number was given out before the next such record was safe. */
  | { readonly kind: "attempts-reserved"; readonly ceiling: number }
  /** Symbols `firstId` and up have these names. */
  | {
      readonly kind: "symbols-named";
      readonly firstId: number;
      readonly names: readonly string[];
    };

/** What a client was told of a plan that failed, in the words of the scheduler's command. */
export type FailureTold = {
  readonly clientTask: number;
  readonly worker: string;
  readonly attempts: number;
  readonly label: string;
  readonly failure: TaskFailure;
  /** The task of another plan whose failure is the cause. */
  readonly cause: number | undefined;
  /** It was refused, so this is no failure of a task. */
  readonly isRefusal: boolean;
};

/** A plan, or a chunk of one, was taken over. */
export type PlanAccepted = {
  readonly kind: "plan-accepted";
  readonly serial: number;
  readonly clientId: number;
  /** Of the whole plan. */
  readonly idBase: number;
  readonly taskCount: number;
  readonly isChunk: boolean;
  /** The body of the client's request, as it came: what is decoded again. */
  readonly frame: Uint8Array;
  /** Row of each task, or -1 for one that nothing needed. */
  readonly rows: Int32Array;
  /** Attempt base of each row; any number where there is none. */
  readonly attemptBases: Uint32Array;
  /** 1 for each task whose checkpoint is to be loaded; undefined: none. */
  readonly loadable: Uint8Array | undefined;
  /** Rows of the inputs that are of other plans, or earlier chunks, in the order in which they are used. */
  readonly inputRows: Uint32Array;
};

/** A dynamic task `x` and its consumer `y` were replaced by pairs of tasks. */
export type TasksExpanded = {
  readonly kind: "tasks-expanded";
  /** Of the plan. */
  readonly serial: number;
  /** Of the new tasks. */
  readonly newSerial: number;
  readonly x: number;
  readonly y: number;
  /** Items of the input. */
  readonly length: number;
  /** Items of each piece of a dslice; 0 for dget. */
  readonly pieceItems: number;
  /** x1, y1, x2, y2, ... */
  readonly rows: Uint32Array;
  readonly attemptBases: Uint32Array;
  /** Tasks that used y and use all of the new ones since. */
  readonly consumers: Uint32Array;
};
