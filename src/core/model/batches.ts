/** Data objects, or attempts of tasks: entry *i* is attempt `attempts[i]` of task `tasks[i]`. */
export type TaskRefs = { readonly tasks: Uint32Array; readonly attempts: Uint32Array };

/** Set in `AssignedTasks.flags`: load the object from its checkpoint instead of computing it. */
export const FLAG_LOAD_CHECKPOINT = 1;
/** Set in `AssignedTasks.flags`: a client asked to keep this result. */
export const FLAG_RESULT = 2;
/** Set in `AssignedTasks.flags`: a small result may ride with the report that it is finished. */
export const FLAG_CARRY = 4;

/**
 * Tasks that a worker is given in one message. Self-contained: the worker needs no other table but
 * its peers' addresses to run them.
 */
export type AssignedTasks = TaskRefs & {
  /** Symbol ids. */
  readonly taskTypes: Uint16Array;
  readonly flags: Uint8Array;
  /** The client's number of the task, for messages and directory names that a person reads. */
  readonly clientTasks: Int32Array;
  /** Greater runs first; equal ones in the order of assignment. */
  readonly priorities: Int32Array;
  /** Row of the request table below. */
  readonly requests: Uint16Array;
  /** Request row *r* needs `requestAmounts[k]` of `requestResources[k]` for k in `requestStarts[r] .. requestStarts[r + 1]`. */
  readonly requestStarts: Uint32Array;
  readonly requestResources: Uint32Array;
  readonly requestAmounts: Uint32Array;
  /** Inputs of task *i*: `inputStarts[i] .. inputStarts[i + 1]`, in positional order. */
  readonly inputStarts: Uint32Array;
  readonly inputTasks: Uint32Array;
  readonly inputAttempts: Uint32Array;
  readonly inputSizesBytes: Float64Array;
  /** Worker that holds a replica of the input. */
  readonly inputHolders: Uint32Array;
  /** Config of task *i*, then its checkpoint path: `details[detailStarts[i] .. detailStarts[i + 1]]`. */
  readonly detailStarts: Uint32Array;
  /** The last `checkpointLengths[i]` bytes of the task's details are its checkpoint path in UTF-8. */
  readonly checkpointLengths: Uint32Array;
  readonly details: Uint8Array;
  /** Wall time that each may take, in ms; 0: any. Absent where none has a limit. */
  readonly timeLimitsMs?: Float64Array | undefined;
};

/** Attempts that a worker finished: what they made and what they took. */
export type FinishedTasks = TaskRefs & {
  readonly sizesBytes: Float64Array;
  readonly lengths: Float64Array;
  /** Symbol ids. */
  readonly dataTypes: Uint16Array;
  /** Time that the execution took, without transfers and queues. */
  readonly durationsUs: Float32Array;
  /** Absent: none rides along. */
  readonly carried?: CarriedResults | undefined;
};

/**
 * Small results that ride with the message that they are finished; an entry each, which is of task
 * `positions[k]` of that message. `bytes[starts[k] .. starts[k + 1]]` are the `frameCounts[k]` frames
 * that the client protocol sends for a value of that type, each with its length before it.
 */
export type CarriedResults = {
  /** Ascending. */
  readonly positions: Uint32Array;
  /** Symbol ids. */
  readonly dataTypes: Uint16Array;
  readonly frameCounts: Uint32Array;
  /** One more than there are entries. */
  readonly starts: Uint32Array;
  readonly bytes: Uint8Array;
};

/** In `HeldObjects.checkpoints`: the worker knows of no checkpoint. */
export const CHECKPOINT_UNKNOWN = 0;
/** It is being written; a report of its end will come. */
export const CHECKPOINT_BEING_WRITTEN = 1;
/** Its file is complete. */
export const CHECKPOINT_COMPLETE = 2;

/** Data objects that a worker holds when it comes back. */
export type HeldObjects = TaskRefs & {
  readonly sizesBytes: Float64Array;
  readonly lengths: Float64Array;
  /** Symbol ids. */
  readonly dataTypes: Uint16Array;
  /** What became of the checkpoint of each, one of the numbers above. */
  readonly checkpoints: Uint8Array;
};

/** Set in `HeldTasks.flags`: it executes, and needs nothing more. Else it may not have begun. */
export const HELD_STARTED = 1;
/** Set in `HeldTasks.flags`: it loads its checkpoint. */
export const HELD_LOADS = 2;
/** Set in `HeldTasks.flags`: it has ended without a result, which is told next. */
export const HELD_ENDED = 4;

/** Attempts that a worker has and has not finished when it comes back. */
export type HeldTasks = TaskRefs & {
  readonly flags: Uint8Array;
  /** Attempts of the inputs of task *i*, in positional order: `inputStarts[i] .. inputStarts[i + 1]`; none of one that loads its checkpoint. */
  readonly inputStarts: Uint32Array;
  readonly inputAttempts: Uint32Array;
};

/** Entry *i*: object `refs` *i* of `sizesBytes[i]`, which worker `holders[i]` has. */
export type ObjectCopies = {
  readonly refs: TaskRefs;
  readonly sizesBytes: Float64Array;
  readonly holders: Uint32Array;
};

export function joinHeldObjects(parts: readonly HeldObjects[]): HeldObjects {
  const count = parts.reduce((sum, { tasks }) => sum + tasks.length, 0);
  const joined: HeldObjects = {
    tasks: new Uint32Array(count),
    attempts: new Uint32Array(count),
    sizesBytes: new Float64Array(count),
    lengths: new Float64Array(count),
    dataTypes: new Uint16Array(count),
    checkpoints: new Uint8Array(count),
  };
  let at = 0;
  for (const part of parts) {
    joined.tasks.set(part.tasks, at);
    joined.attempts.set(part.attempts, at);
    joined.sizesBytes.set(part.sizesBytes, at);
    joined.lengths.set(part.lengths, at);
    joined.dataTypes.set(part.dataTypes, at);
    joined.checkpoints.set(part.checkpoints, at);
    at += part.tasks.length;
  }
  return joined;
}
