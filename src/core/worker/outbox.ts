import { Uint32List } from "../base/columns.ts";
import type { FinishedTasks, TaskRefs } from "../model/batches.ts";
import type { WorkerCommand } from "./commands.ts";

/** References to attempts that are gathered during a step. */
export class RefList {
  readonly #tasks = new Uint32List();
  readonly #attempts = new Uint32List();

  get length(): number {
    return this.#tasks.length;
  }

  push(task: number, attempt: number): void {
    this.#tasks.push(task);
    this.#attempts.push(attempt);
  }

  /** Empties the list and returns what was in it. */
  take(): TaskRefs {
    const refs = { tasks: this.#tasks.toArray(), attempts: this.#attempts.toArray() };
    this.#tasks.clear();
    this.#attempts.clear();
    return refs;
  }
}

type Failed = Extract<WorkerCommand, { kind: "report-failed" }>;
type RefsKind = Extract<WorkerCommand, { refs: TaskRefs }>["kind"];

/** What a step has decided so far; `takeCommands` turns it into one command of each kind. */
export class Outbox {
  readonly killed: RefList = new RefList();
  readonly endedGracefully: RefList = new RefList();
  readonly hurried: RefList = new RefList();
  readonly abandoned: RefList = new RefList();
  readonly discarded: RefList = new RefList();
  readonly returned: RefList = new RefList();
  readonly replicas: RefList = new RefList();
  readonly missingCheckpoints: RefList = new RefList();
  readonly started: RefList = new RefList();
  readonly writtenCheckpoints: RefList = new RefList();
  readonly failedCopies: RefList = new RefList();
  readonly #executed = new Uint32List();
  readonly #executedLanes = new Uint32List();
  readonly failed: Failed[] = [];
  finished: FinishedTasks | undefined;
  readonly #unreachable = new RefList();
  readonly #unreachableInputs = new RefList();
  readonly #unreachableHolders = new Uint32List();
  readonly #fetches = new RefList();
  readonly #fetchPeers = new Uint32List();
  #fetchSizesBytes: number[] = [];

  /** Fetches go out in the order of these calls. */
  addFetch(task: number, attempt: number, peer: number, sizeBytes: number): void {
    this.#fetches.push(task, attempt);
    this.#fetchPeers.push(peer);
    this.#fetchSizesBytes.push(sizeBytes);
  }

  /** `lane` is 0 for what runs alone. */
  addExecuted(row: number, lane: number): void {
    this.#executed.push(row);
    this.#executedLanes.push(lane);
  }

  addUnreachable(
    task: number,
    attempt: number,
    input: { readonly task: number; readonly attempt: number; readonly holder: number },
  ): void {
    this.#unreachable.push(task, attempt);
    this.#unreachableInputs.push(input.task, input.attempt);
    this.#unreachableHolders.push(input.holder);
  }

  /** What frees something comes before what takes something; reports before the next executions. */
  takeCommands(): WorkerCommand[] {
    const commands: WorkerCommand[] = [];
    const add = (kind: Exclude<RefsKind, "fetch" | "report-unreachable">, list: RefList): void => {
      if (list.length > 0) commands.push({ kind, refs: list.take() });
    };
    add("kill", this.killed);
    add("end-gracefully", this.endedGracefully);
    add("hurry", this.hurried);
    add("discard", this.discarded);
    if (this.finished !== undefined) {
      commands.push({ kind: "report-finished", finished: this.finished });
      this.finished = undefined;
    }
    commands.push(...this.failed);
    this.failed.length = 0;
    add("report-returned", this.returned);
    add("report-replicas", this.replicas);
    add("report-checkpoints-missing", this.missingCheckpoints);
    add("report-checkpoints-written", this.writtenCheckpoints);
    add("report-copies-failed", this.failedCopies);
    if (this.#unreachable.length > 0) {
      commands.push({
        kind: "report-unreachable",
        refs: this.#unreachable.take(),
        inputs: this.#unreachableInputs.take(),
        holders: this.#unreachableHolders.toArray(),
      });
      this.#unreachableHolders.clear();
    }
    this.#takeFetches(commands);
    // It may have turned out in this very step that nobody waits for what is fetched.
    add("abandon-fetch", this.abandoned);
    if (this.#executed.length > 0) {
      const rows = this.#executed.toArray();
      commands.push({ kind: "execute", rows, lanes: this.#executedLanes.toArray() });
      this.#executed.clear();
      this.#executedLanes.clear();
    }
    add("report-started", this.started);
    return commands;
  }

  /** One command for each peer, each in the order of the calls. */
  #takeFetches(commands: WorkerCommand[]): void {
    if (this.#fetches.length === 0) return;
    const { tasks, attempts } = this.#fetches.take();
    const ofPeer = new Map<number, { refs: RefList; sizesBytes: number[] }>();
    for (let i = 0; i < tasks.length; i++) {
      const peer = this.#fetchPeers.at(i);
      let fetch = ofPeer.get(peer);
      if (fetch === undefined) {
        fetch = { refs: new RefList(), sizesBytes: [] };
        ofPeer.set(peer, fetch);
      }
      fetch.refs.push(tasks[i] as number, attempts[i] as number);
      fetch.sizesBytes.push(this.#fetchSizesBytes[i] as number);
    }
    for (const [peer, { refs, sizesBytes }] of ofPeer) {
      commands.push({
        kind: "fetch",
        peer,
        refs: refs.take(),
        sizesBytes: Float64Array.from(sizesBytes),
      });
    }
    this.#fetchPeers.clear();
    this.#fetchSizesBytes = [];
  }
}
