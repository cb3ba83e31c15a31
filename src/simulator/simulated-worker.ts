import { assert, unreachable } from "../core/base/assert.ts";
import type { TaskRefs } from "../core/model/batches.ts";
import type { ResourceOffer } from "../core/model/resources.ts";
import type { WorkerCommand } from "../core/worker/commands.ts";
import type { WorkerEvent } from "../core/worker/events.ts";
import { checkWorkerInvariants } from "../core/worker/invariants.ts";
import { listObjects, listTasks } from "../core/worker/inventory.ts";
import { createWorkerState, findTaskState, taskAt } from "../core/worker/state.ts";
import { stepWorker } from "../core/worker/step.ts";
import { MAX_TO_WORKER_BODY_BYTES } from "../protocol/limits.ts";
import { decodeToWorker, encodeFromWorker } from "../protocol/worker/codec.ts";
import { FrameReader } from "../protocol/worker/frame-reader.ts";
import type { FromWorker, ToWorker } from "../protocol/worker/messages.ts";
import { UnconfirmedReports, withEnded } from "../protocol/worker/unconfirmed.ts";
import type { EndState } from "./checkers/observation.ts";
import { readExecutable } from "./executable-task.ts";
import type { Link } from "./link.ts";
import { objectKey } from "./object-key.ts";
import { createObjectStore } from "./object-store.ts";
import type { PulledObject } from "./peer-network.ts";
import { createSimulatedExecutor } from "./simulated-executor.ts";
import { createSimulatedMemory } from "./simulated-memory.ts";
import { lengthOfValue } from "./values.ts";
import { noteFrame, repeatLater, type World } from "./world.ts";

export type SimulatedWorkerOptions = {
  readonly workerId: number;
  readonly offer: ResourceOffer;
  readonly slowness: number;
  readonly link: Link<Uint8Array>;
};

/** A worker's brain with a store, an executor and connections around it, all of them virtual. */
export type SimulatedWorker = {
  readonly workerId: number;
  onFrame(frame: Uint8Array): void;
  /** It sees that the connection to the server is gone, and goes on with what it has. */
  detach(): void;
  /** A new connection stands; the server's welcome comes first. */
  reconnect(link: Link<Uint8Array>): void;
  /** Called when the server has told it to stop. */
  onStop: () => void;
  /** Ends; nobody needs it any more. */
  leave(): void;
  /** Ends at once, as if the machine had lost its power. */
  kill(): void;
  /** Does nothing for so long; then comes what has waited. */
  stall(durationUs: number): void;
  summarize(): EndState["workers"][number];
};

const refsOf = (objects: readonly PulledObject[]): TaskRefs => ({
  tasks: Uint32Array.from(objects, ({ task }) => task),
  attempts: Uint32Array.from(objects, ({ attempt }) => attempt),
});

const sizeOf = (objects: readonly PulledObject[]): number =>
  objects.reduce((sum, { value }) => sum + value.sizeBytes, 0);

export function createSimulatedWorker(
  world: World,
  options: SimulatedWorkerOptions,
): SimulatedWorker {
  const { workerId } = options;
  let { link } = options;
  const unconfirmed = new UnconfirmedReports();
  const { clock, network } = world;
  const state = createWorkerState({ workerId, offer: options.offer });
  const memory =
    world.memoryBytes === undefined
      ? undefined
      : createSimulatedMemory(world, world.memoryBytes, (told) => {
          report({ kind: "memory", report: told });
        });
  const store = createObjectStore(world, workerId, memory);
  const admit = (sizeBytes: number, action: () => void): void => {
    if (memory === undefined) action();
    else memory.admit(sizeBytes, () => whenAwake(action));
  };
  let reader = new FrameReader(MAX_TO_WORKER_BODY_BYTES);
  /** On this connection it has said what it holds and has; before that, nothing is told. */
  let isAttached = true;
  /** The next message of peers names all of them. */
  let isFirstOfPeers = true;
  const peers = new Set<number>();
  /** Objects that are being pulled, each with the pull that may bring it. */
  const pulls = new Map<string, object>();
  let isAlive = true;
  let isStalled = false;
  /** What a worker that stalls is to do when it goes on. */
  let waiting: (() => void)[] = [];

  const whenAwake = (action: () => void): void => {
    if (isStalled) waiting.push(action);
    else if (isAlive) action();
  };

  const step = (event: WorkerEvent): void => {
    if (!isAlive) return;
    const commands = stepWorker(state, event);
    if (world.checksInvariants) checkWorkerInvariants(state);
    for (const command of commands) carryOut(command);
  };

  const report = (message: FromWorker): void => {
    if (!isAlive) return;
    unconfirmed.note(message);
    if (!isAttached) return;
    const on = link;
    for (const sent of world.sabotage.fromWorker?.(message, workerId) ?? [message]) {
      on.send(encodeFromWorker(sent));
      if (sent.kind !== "heartbeat" && sent.kind !== "inventory") {
        repeatLater(world, () => isAlive && on.send(encodeFromWorker(sent)));
      }
    }
  };

  /** Tells the server, after its welcome on a new connection, all that it should know. */
  const reattach = (receivedFrames: number): void => {
    unconfirmed.confirm(receivedFrames);
    const messages = unconfirmed.restart();
    const objects = listObjects(state);
    const values = Array.from(objects.tasks, (task, i) => {
      const value = store.find(task, objects.attempts[i] ?? 0);
      assert(value !== undefined, "the store has what the brain knows");
      return value;
    });
    isAttached = true;
    report({
      kind: "inventory",
      isLast: true,
      objects: {
        ...objects,
        sizesBytes: Float64Array.from(values, ({ sizeBytes }) => sizeBytes),
        lengths: Float64Array.from(values, lengthOfValue),
        dataTypes: Uint16Array.from(values, ({ dataType }) => dataType),
      },
      tasks: withEnded(listTasks(state), messages),
    });
    for (const message of messages) report(message);
  };

  const setPeers = (present: readonly number[]): void => {
    const lost = [...peers].filter((peer) => !present.includes(peer));
    peers.clear();
    for (const peer of present) peers.add(peer);
    if (lost.length === 0) return;
    step({ kind: "peers-lost", atMs: clock.nowMs(), peers: Uint32Array.from(lost) });
  };

  const executor = createSimulatedExecutor(world, workerId, options.slowness, store, {
    onExecuted: (finished) => step({ kind: "tasks-executed", atMs: clock.nowMs(), finished }),
    onFailed: (task, attempt, message) =>
      step({
        kind: "task-execution-failed",
        atMs: clock.nowMs(),
        task,
        attempt,
        failure: { message },
      }),
    onPostponed: (refs) => step({ kind: "tasks-postponed", atMs: clock.nowMs(), refs }),
    onKilled: (refs) => step({ kind: "executions-killed", atMs: clock.nowMs(), refs }),
    onCheckpointsMissing: (refs) =>
      step({ kind: "checkpoints-not-found", atMs: clock.nowMs(), refs }),
    onCheckpointsWritten: (refs) =>
      step({ kind: "checkpoints-written", atMs: clock.nowMs(), refs }),
    whenAwake,
    admit,
  });

  /** Those of the refs that this pull was still to bring; they are no longer awaited. */
  const settle = (pull: object, refs: TaskRefs): TaskRefs => {
    const positions = [...refs.tasks.keys()].filter((position) => {
      const key = objectKey(refs.tasks[position] ?? 0, refs.attempts[position] ?? 0);
      return pulls.get(key) === pull && pulls.delete(key);
    });
    return {
      tasks: Uint32Array.from(positions, (position) => refs.tasks[position] ?? 0),
      attempts: Uint32Array.from(positions, (position) => refs.attempts[position] ?? 0),
    };
  };

  const fetch = (peer: number, refs: TaskRefs): void => {
    const pull = {};
    for (const [position, task] of refs.tasks.entries()) {
      pulls.set(objectKey(task, refs.attempts[position] ?? 0), pull);
    }
    const onFailed = (failed: TaskRefs): void => whenAwake(() => giveUp(failed));
    const giveUp = (failed: TaskRefs): void => {
      const open = settle(pull, failed);
      if (open.tasks.length === 0) return;
      world.observe({ kind: "pull-failed", workerId, peer });
      step({ kind: "fetch-failed", atMs: clock.nowMs(), refs: open, peer });
    };
    const keep = (objects: readonly PulledObject[]): void => {
      const arrived = settle(pull, {
        tasks: Uint32Array.from(objects, ({ task }) => task),
        attempts: Uint32Array.from(objects, ({ attempt }) => attempt),
      });
      const wanted = new Set(
        Array.from(arrived.tasks, (task, position) =>
          objectKey(task, arrived.attempts[position] ?? 0),
        ),
      );
      const stored: PulledObject[] = [];
      const unstored: PulledObject[] = [];
      for (const object of objects) {
        const { task, attempt, value } = object;
        if (!wanted.has(objectKey(task, attempt))) continue;
        (store.put(task, attempt, value) ? stored : unstored).push(object);
      }
      if (stored.length > 0) {
        step({ kind: "objects-fetched", atMs: clock.nowMs(), refs: refsOf(stored) });
      }
      if (unstored.length > 0) {
        world.observe({ kind: "pull-failed", workerId, peer });
        step({ kind: "fetch-failed", atMs: clock.nowMs(), refs: refsOf(unstored), peer });
      }
    };
    if (!peers.has(peer)) {
      clock.schedule(1, () => onFailed(refs));
      return;
    }
    network.pull(workerId, peer, refs, {
      onFailed,
      onArrived: (objects) => whenAwake(() => admit(sizeOf(objects), () => keep(objects))),
    });
  };

  const execute = (rows: Uint32Array, lanes: Uint32Array): void => {
    const executed = world.sabotage.execute?.(rows, workerId) ?? rows;
    const tasks = Array.from(executed, (row) => readExecutable(taskAt(state, row)));
    if (memory === undefined) {
      executor.execute(tasks, lanes);
      return;
    }
    tasks.forEach((task, position) => {
      for (const input of task.inputs) memory.use(objectKey(input.task, input.attempt));
      admit(0, () => {
        // It may have been killed while it waited.
        if (findTaskState(state, task.task, task.attempt) !== "running") return;
        executor.execute([task], lanes.slice(position, position + 1));
      });
    });
  };

  const carryOut = (command: WorkerCommand): void => {
    switch (command.kind) {
      case "fetch":
        fetch(command.peer, command.refs);
        break;
      case "abandon-fetch":
        for (const [position, task] of command.refs.tasks.entries()) {
          pulls.delete(objectKey(task, command.refs.attempts[position] ?? 0));
        }
        break;
      case "execute":
        execute(command.rows, command.lanes);
        break;
      case "kill":
      case "end-gracefully":
        executor.kill(command.refs);
        break;
      case "hurry":
        break;
      case "discard":
        for (const [position, task] of command.refs.tasks.entries()) {
          store.discard(task, command.refs.attempts[position] ?? 0);
        }
        break;
      case "report-finished":
        report({ kind: "tasks-finished", finished: command.finished });
        break;
      case "report-started":
        report({ kind: "tasks-started", refs: command.refs });
        break;
      case "report-failed": {
        const { task, attempt, failure } = command;
        report({ kind: "task-failed", task, attempt, failure });
        break;
      }
      case "report-returned":
        report({ kind: "tasks-returned", refs: command.refs });
        break;
      case "report-replicas":
        report({ kind: "replicas-added", refs: command.refs });
        break;
      case "report-unreachable": {
        const { refs, inputs, holders } = command;
        report({ kind: "inputs-unreachable", unreachable: { refs, inputs, holders } });
        break;
      }
      case "report-checkpoints-missing":
        report({ kind: "checkpoints-missing", refs: command.refs });
        break;
      case "report-checkpoints-written":
        report({ kind: "checkpoints-written", refs: command.refs });
        break;
      case "report-copies-failed":
        report({ kind: "replication-failed", refs: command.refs });
        break;
      default:
        unreachable(command);
    }
  };

  const onMessage = (message: ToWorker): void => {
    const atMs = clock.nowMs();
    switch (message.kind) {
      case "assign":
        step({ kind: "tasks-assigned", atMs, batch: message.batch });
        break;
      case "retract":
        step({ kind: "tasks-retracted", atMs, refs: message.refs });
        break;
      case "cancel":
        step({ kind: "tasks-canceled", atMs, refs: message.refs });
        break;
      case "cancel-gracefully":
        step({ kind: "tasks-canceled", atMs, refs: message.refs, isGraceful: true });
        break;
      case "drop":
        step({ kind: "objects-dropped", atMs, refs: message.refs });
        break;
      case "peers": {
        const named = message.peers.map((peer) => peer.workerId);
        if (isFirstOfPeers) setPeers(named);
        else for (const peer of named) peers.add(peer);
        isFirstOfPeers = false;
        break;
      }
      case "peers-lost":
        for (const peer of message.workers) peers.delete(peer);
        step({ kind: "peers-lost", atMs, peers: message.workers });
        break;
      case "heartbeat":
        report({ kind: "heartbeat", sequence: message.sequence });
        break;
      case "replicate":
        step({ kind: "copies-wanted", atMs, copies: message.copies });
        break;
      case "welcome":
        if (!isAttached) reattach(message.receivedFrames);
        isFirstOfPeers = true;
        break;
      case "stop":
        worker.onStop();
        break;
      case "symbols":
      case "find-python":
      case "draining":
      case "read-log":
      case "forget-logs":
        break;
      default:
        unreachable(message);
    }
  };

  network.join(workerId, {
    findObject: store.find,
    whenAwake,
    onServed: (task, attempt, puller) =>
      world.observe({ kind: "object-served", workerId, task, attempt, peer: puller }),
  });

  const end = (kind: "worker-lost" | "worker-left"): void => {
    isAlive = false;
    memory?.stop();
    executor.stop();
    network.leave(workerId);
    link.end();
    world.observe({ kind, workerId });
  };

  const worker: SimulatedWorker = {
    workerId,
    onStop: () => {},
    onFrame: (frame) => {
      const from = reader;
      whenAwake(() => {
        // What an old connection has brought comes too late.
        if (from !== reader) return;
        noteFrame(world, workerId, frame);
        for (const { kind, body } of reader.feed(frame)) onMessage(decodeToWorker(kind, body));
      });
    },
    detach: () => {
      isAttached = false;
      reader = new FrameReader(MAX_TO_WORKER_BODY_BYTES);
    },
    reconnect: (next) => {
      link = next;
    },
    leave: () => end("worker-left"),
    stall: (durationUs) => {
      if (isStalled || !isAlive) return;
      isStalled = true;
      clock.schedule(durationUs, () => {
        isStalled = false;
        const late = waiting;
        waiting = [];
        for (const action of late) whenAwake(action);
      });
    },
    kill: () => end("worker-lost"),
    summarize: () => ({
      workerId,
      objects: store.keys(),
      executions: executor.running,
      pulls: pulls.size,
      tasks: state.tasks.size + state.endings.size,
    }),
  };
  return worker;
}
