import { unreachable } from "../core/base/assert.ts";
import type { WorkerCommand } from "../core/worker/commands.ts";
import { cpusAt, taskAt, type WorkerState } from "../core/worker/state.ts";
import type { FromWorker } from "../protocol/worker/messages.ts";
import type { Executor } from "./executors/executor.ts";
import type { TaskPlace } from "./executors/task-place.ts";
import { dropObject, type Store } from "./store/store.ts";
import type { Puller } from "./transfer/puller.ts";
import type { DataServer } from "./transfer/serve-data.ts";

/** What commands are carried out with. */
export type Hands = {
  readonly store: Store;
  readonly executor: Executor;
  readonly puller: Puller;
  readonly dataServer: DataServer;
  readonly send: (message: FromWorker) => void;
};

/** Carries out what the brain has decided. Events that this causes at once are queued by their receiver. */
export function runCommand(
  { store, executor, puller, dataServer, send }: Hands,
  state: WorkerState,
  command: WorkerCommand,
): void {
  switch (command.kind) {
    case "fetch":
      puller.fetch(command.peer, command.refs);
      return;
    case "abandon-fetch":
      puller.abandon(command.refs);
      return;
    case "execute": {
      const { rows, lanes } = command;
      const places: TaskPlace[] = [];
      for (const row of rows) places.push(taskAt(state, row));
      executor.execute(places, lanes, (position) => cpusAt(state, rows[position] as number));
      return;
    }
    case "kill":
    case "end-gracefully":
      executor.end(command.refs, { isGraceful: command.kind === "end-gracefully" });
      return;
    case "hurry":
      executor.hurry(command.refs);
      return;
    case "discard":
      command.refs.tasks.forEach((task, i) => {
        const attempt = command.refs.attempts[i] as number;
        dropObject(store, task, attempt);
        dataServer.onDropped(task, attempt);
      });
      return;
    case "report-finished":
      send({ kind: "tasks-finished", finished: command.finished });
      return;
    case "report-started":
      send({ kind: "tasks-started", refs: command.refs });
      return;
    case "report-failed": {
      const { task, attempt, failure } = command;
      send({ kind: "task-failed", task, attempt, failure });
      return;
    }
    case "report-returned":
      send({ kind: "tasks-returned", refs: command.refs });
      return;
    case "report-replicas":
      send({ kind: "replicas-added", refs: command.refs });
      return;
    case "report-unreachable": {
      const { refs, inputs, holders } = command;
      send({ kind: "inputs-unreachable", unreachable: { refs, inputs, holders } });
      return;
    }
    case "report-checkpoints-missing":
      send({ kind: "checkpoints-missing", refs: command.refs });
      return;
    case "report-checkpoints-written":
      send({ kind: "checkpoints-written", refs: command.refs });
      return;
    case "report-copies-failed":
      send({ kind: "replication-failed", refs: command.refs });
      return;
    default:
      unreachable(command);
  }
}
