import type {
  AssignedTasks,
  FinishedTasks,
  HeldObjects,
  HeldTasks,
  ObjectCopies,
  TaskRefs,
} from "../../core/model/batches.ts";
import type { TaskFailure } from "../../core/model/failures.ts";
import type { LogStream, TaskLogPart } from "../../core/model/task-log.ts";
import type { WorkerPython } from "../../core/model/versions.ts";
import type { MemoryReport } from "../../core/model/worker-memory.ts";

/** The worker protocol's version; a worker of another one is refused at registration. */
export const WORKER_PROTOCOL_VERSION = 3;

/** What the server tells a worker. */
export type ToWorker =
  | {
      readonly kind: "welcome";
      readonly workerId: number;
      /** Names this run of the server. */
      readonly serverId: string;
      /** Names the cluster, whatever run of its server; peers and servers of another one are refused. */
      readonly clusterId: string;
      readonly heartbeatMs: number;
      /** Frames of its last connection to this server that came from the worker; 0 where there was none. */
      readonly receivedFrames: number;
      /** A secret of server and worker, by which the worker knows the tickets of clients. */
      readonly ticketKey: Uint8Array;
      /** A secret of the server and all workers, by which they know each other on one machine. */
      readonly memberKey: Uint8Array;
    }
  /** Names of the symbols from `firstId` up: task types and resources that are not built in. */
  | { readonly kind: "symbols"; readonly firstId: number; readonly names: readonly string[] }
  /** The first one after a `welcome` names all peers that there are. */
  | { readonly kind: "peers"; readonly peers: readonly PeerAddress[] }
  | { readonly kind: "peers-lost"; readonly workers: Uint32Array }
  | { readonly kind: "assign"; readonly batch: AssignedTasks }
  /** Give back what has not started; answered by `tasks-returned` with those that had not. */
  | { readonly kind: "retract"; readonly refs: TaskRefs }
  /** Stop these, running or not, and forget them; never answered. */
  | { readonly kind: "cancel"; readonly refs: TaskRefs }
  /** The same, but what runs is asked to end first, and killed after a grace, or at a `cancel`. */
  | { readonly kind: "cancel-gracefully"; readonly refs: TaskRefs }
  /** Nobody needs these data objects any more. */
  /** Answered by `log-part` with the same number. */
  | {
      readonly kind: "read-log";
      readonly request: number;
      readonly task: number;
      readonly attempt: number;
      readonly stream: LogStream;
      readonly position: number;
    }
  /** Nobody can ask for the logs of these attempts any more. */
  | { readonly kind: "forget-logs"; readonly refs: TaskRefs }
  | { readonly kind: "drop"; readonly refs: TaskRefs }
  /** Pull these objects from a peer and keep them, though no task here needs them. */
  | { readonly kind: "replicate"; readonly copies: ObjectCopies }
  /** Answered with the same sequence. `receivedFrames` have come from the worker on this connection. */
  | { readonly kind: "heartbeat"; readonly sequence: number; readonly receivedFrames: number }
  /** Look for the Python that calls functions; answered by `python-looked-for`, after a while. */
  | { readonly kind: "find-python" }
  /** It is given no more tasks, and told to stop when it is needed no more. */
  | { readonly kind: "draining" }
  | { readonly kind: "stop" };

/** Where a worker serves its data objects. */
export type PeerAddress = {
  readonly workerId: number;
  readonly host: string;
  readonly port: number;
};

/** What a worker tells the server. */
export type FromWorker =
  /**
   * What a worker that came back holds and has; nothing else comes before it. Parts follow each other
   * until the last one.
   */
  | {
      readonly kind: "inventory";
      readonly isLast: boolean;
      readonly objects: HeldObjects;
      readonly tasks: HeldTasks;
    }
  /** It wants to leave once others have its data, and is to be given no more tasks. */
  | { readonly kind: "drain" }
  /** It leaves now, whatever it has: no task is to blame for that. */
  | { readonly kind: "leaving" }
  /** Copies that were asked for and cannot be had. */
  | { readonly kind: "replication-failed"; readonly refs: TaskRefs }
  | { readonly kind: "tasks-finished"; readonly finished: FinishedTasks }
  | { readonly kind: "tasks-started"; readonly refs: TaskRefs }
  | {
      readonly kind: "task-failed";
      readonly task: number;
      readonly attempt: number;
      readonly failure: TaskFailure;
    }
  | { readonly kind: "tasks-returned"; readonly refs: TaskRefs }
  /** Copies of objects of other workers that are here now. */
  | { readonly kind: "replicas-added"; readonly refs: TaskRefs }
  | { readonly kind: "inputs-unreachable"; readonly unreachable: UnreachableInputs }
  | { readonly kind: "checkpoints-written"; readonly refs: TaskRefs }
  /** Tasks that were to load their checkpoint and found no file. */
  | { readonly kind: "checkpoints-missing"; readonly refs: TaskRefs }
  /** When it becomes tight, or is so no more, and otherwise at most with each heartbeat. */
  | { readonly kind: "memory"; readonly report: MemoryReport }
  | { readonly kind: "python-looked-for"; readonly python: WorkerPython }
  | { readonly kind: "log-part"; readonly request: number; readonly part: TaskLogPart }
  /** These attempts are about to end, and have left logs here. */
  | { readonly kind: "logs-kept"; readonly refs: TaskRefs }
  | { readonly kind: "heartbeat"; readonly sequence: number };

/** Entry *i*: `refs` *i* cannot run here, because `inputs` *i* could not be had from worker `holders[i]`. */
export type UnreachableInputs = {
  readonly refs: TaskRefs;
  readonly inputs: TaskRefs;
  readonly holders: Uint32Array;
};
