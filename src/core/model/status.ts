import type { MemoryReport } from "./worker-memory.ts";

/** What the server is doing now, as its STATUS answer says; it travels as JSON. */
export type ClusterStatus = {
  readonly workers: readonly WorkerStatus[];
  readonly tasks: TaskCounts;
  /** Connections of clients, the asking one included. */
  readonly clients: number;
  /** Data objects of living clients that exist now. */
  readonly dataObjects: number;
  readonly uptimeMs: number;
  /** Resource requests of waiting tasks that no registered worker can satisfy. */
  readonly unsatisfiable: readonly UnsatisfiableRequest[];
};

export type WorkerStatus = {
  /** The server's number of the worker. */
  readonly id: number;
  /** `host:port`, as errors name it. */
  readonly name: string;
  readonly cpus: number;
  /** What else it offers, by short name such as `gpus`. */
  readonly resources: Readonly<Record<string, number>>;
  /** Tasks that it was given and has not finished, the running ones included. */
  readonly tasksAssigned: number;
  readonly tasksRunning: number;
  /** It is given no more tasks, and leaves when nothing is lost by that. */
  readonly isDraining?: boolean;
  /** Data objects of which it has a replica. */
  readonly objects: number;
  readonly objectBytes?: number;
  /** What it said last of its memory. */
  readonly memory?: MemoryReport;
};

/** Tasks of all clients by state. `finished` and `failed` count from the start of the server. */
export type TaskCounts = {
  /** Inputs are missing. */
  readonly waiting: number;
  /** Only a worker is missing. */
  readonly ready: number;
  /** Given to a worker, not started. */
  readonly assigned: number;
  readonly running: number;
  readonly finished: number;
  readonly failed: number;
  /** Of those that wait: failed by themselves, and are tried again after a while. Absent: none. */
  readonly retrying?: number;
};

export type UnsatisfiableRequest = {
  /** Amounts by short name, such as `cpus` and `gpus`. */
  readonly resources: Readonly<Record<string, number>>;
  /** Tasks that wait for it. */
  readonly tasks: number;
};
