/**
 * What a worker and a runner tell each other. A runner is a warm process of one language that calls
 * functions of users, one after another. It is started with
 *
 *     fd 0      empty
 *     fd 1, 2   captured, line by line, as the log of the task that runs
 *     fd 3      a socket: the frames below, in both directions
 *     fd 4      a socket, the line of life: when it ends, so does the runner with its process
 *               group, at once, whatever user code is doing; the worker sends nothing on it but
 *               `take-back` and `abort` frames
 *     fd 5      a file of 8 bytes: how many calls the runner has begun since its start, uint64 LE,
 *               written by the runner before it begins a call (that it loads the function for this
 *               call is part of it). It tells whom a crash is to be blamed on.
 *
 * A frame, on both sockets:
 *
 *     u32 LE header bytes | u32 LE payload bytes | header: JSON in UTF-8 | payload
 *
 * The header is one message. The payload holds the bytes of everything in it that says `bytes`
 * without saying `file`, in the order in which the header names them (of a call: its config; the
 * nodes of a message come before its calls or results).
 *
 * Messages on fd 3 act in their order: calls are begun in the order of their arrival, and results are
 * told in that order; they may be gathered for some milliseconds while further calls wait.
 */

/** Bytes that are in the payload, or in a stretch of a file that is to be mapped into memory. */
export type LeafNode = {
  readonly type: "data" | "pyobj" | "json" | "jsobj" | "arrow" | "absent";
  readonly bytes: number;
  /** Absolute path; it stays until the call has ended. `offset` is 0 unless given. */
  readonly file?: string;
  readonly offset?: number;
};

/** A value, in a table in which what it is made of comes before it. Rows are positions in the table. */
export type InputNode =
  | LeafNode
  | { readonly type: "array"; readonly items: readonly number[] }
  /**
   * Item *i* of an index is what lies between the offsets *i* and *i* + 1 of its base, a leaf;
   * the offsets are a leaf of length + 1 uint64 LE.
   */
  | { readonly type: "index"; readonly base: number; readonly offsets: number };

export type CallHeader = {
  /** Names the call in what the runner tells of it. */
  readonly id: number;
  /** The client's number of the task. */
  readonly task: number;
  /** The server's number of the try. */
  readonly attempt: number;
  /** A function that was told before. */
  readonly function: number;
  /** Bytes of the config. */
  readonly config: number;
  /** Rows of the message's nodes: the inputs of the task but the function itself. */
  readonly inputs: readonly number[];
};

export type ToRunner =
  /**
   * Comes first. Files of results are to be made in `dataDirectory`, with names that begin with
   * `filePrefix`. A runner that comes to use more than `memoryBytesMax` is ended; it may refuse
   * memory to its functions before.
   */
  | {
      readonly kind: "hello";
      readonly version: number;
      readonly dataDirectory: string;
      readonly filePrefix: string;
      readonly memoryBytesMax: number;
    }
  /** The code of a function, to be loaded when it is first called: the value of the task's first input. */
  | { readonly kind: "function"; readonly function: number; readonly source: LeafNode }
  /** These functions will not be called again. */
  | { readonly kind: "forget"; readonly functions: readonly number[] }
  | {
      readonly kind: "calls";
      readonly nodes: readonly InputNode[];
      readonly calls: readonly CallHeader[];
    }
  /**
   * On fd 4: of the first `sent` calls since the start, drop those that have not begun, and answer
   * `taken-back` on fd 3, also while a call runs. The worker sends no calls until it has the answer.
   */
  | { readonly kind: "take-back"; readonly sent: number }
  /** On fd 4: the call, which runs, is not wanted any more; if it does not end soon, it is ended. */
  | { readonly kind: "abort"; readonly call: number };

export type ResultNode =
  /** A `file` is a name below `dataDirectory`; leaves of `RESULT_FILE_BYTES_MIN` or more are given so. */
  | { readonly type: LeafNode["type"]; readonly bytes: number; readonly file?: string }
  | { readonly type: "array"; readonly items: readonly number[] }
  /** A row of the nodes that the call came with; with `offset`, only so many bytes of this leaf. */
  | {
      readonly type: "ref";
      readonly row: number;
      readonly offset?: number;
      readonly bytes?: number;
    }
  /** A task whose result takes this place; only in a `redirect`. Its inputs are rows before it. */
  | TaskNode;

export type TaskNode = {
  readonly type: "task";
  /** Symbol, such as `loom/run/run`. */
  readonly taskType: string;
  readonly config: number;
  readonly inputs: readonly number[];
  /** Amounts by symbol, such as `loom/resource/cpus`. */
  readonly request: Readonly<Record<string, number>>;
  /** Absolute; empty for none. */
  readonly checkpointPath: string;
};

export type CallResult = {
  readonly id: number;
  /** Time that the call took, without the loading of its function. */
  readonly us: number;
} & (
  | { readonly nodes: readonly ResultNode[] }
  /** The last node, a task or an array with tasks in it, runs in place of the call's own. */
  | { readonly redirect: readonly ResultNode[] }
  | { readonly error: { readonly message: string } }
);

export type LogLevelName = "debug" | "info" | "warning" | "error";

export type FromRunner =
  /** Comes first. `versions` are for the log and for messages: of the language, of libraries. */
  | { readonly kind: "ready"; readonly versions: Readonly<Record<string, string>> }
  | { readonly kind: "results"; readonly results: readonly CallResult[] }
  /** Of the call that runs: what it prints (`level` is then info or error), or says to its log. */
  | {
      readonly kind: "log";
      readonly id: number;
      readonly level: LogLevelName;
      readonly text: string;
    }
  | {
      readonly kind: "progress";
      readonly id: number;
      readonly fraction: number;
      readonly message: string;
    }
  /** So many calls in all had begun; those from there up to `sent` of the question were dropped. */
  | { readonly kind: "taken-back"; readonly begun: number };

export const RUNNER_PROTOCOL_VERSION = 1;

/** Leaves of results of so many bytes or more are written to a file. */
export const RESULT_FILE_BYTES_MIN: number = 1024 * 1024;
