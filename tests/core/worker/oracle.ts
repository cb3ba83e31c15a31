import { expect } from "vitest";
import { FLAG_LOAD_CHECKPOINT } from "../../../src/core/model/batches.ts";
import { TASK_TYPE } from "../../../src/core/model/symbols.ts";
import type { WorkerCommand } from "../../../src/core/worker/commands.ts";
import type { WorkerEvent } from "../../../src/core/worker/events.ts";
import {
  type Assigned,
  amountsOf,
  batchOf,
  finishedOf,
  pairsOf,
  type Ref,
  refAt,
  refsOf,
  type TestWorker,
} from "./builders.ts";

type Task = Assigned & {
  attempt: number;
  isRunning: boolean;
  isRedirected: boolean;
  /** 0: none. */
  lane: number;
};
/** What was told to be killed and may still run. */
type Killed = Pick<Task, "request" | "lane"> & { readonly ref: Ref };
type Fetch = { readonly ref: Ref; readonly peer: number };

export type Happening =
  | { readonly kind: "assign"; readonly tasks: readonly Assigned[] }
  | { readonly kind: "lose-peers"; readonly peers: readonly number[] }
  | { readonly kind: "fetch-failed"; readonly refs: readonly Ref[]; readonly peer: number }
  | {
      readonly kind: "fetched" | "executed" | "failed" | "no-checkpoint";
      readonly refs: readonly Ref[];
    }
  | { readonly kind: "postponed" | "killed"; readonly refs: readonly Ref[] }
  | {
      readonly kind: "redirected";
      readonly ref: Ref;
      readonly request: Readonly<Record<number, number>>;
    }
  | { readonly kind: "retract" | "cancel" | "drop"; readonly refs: readonly Ref[] };

const keyOf = ([task, attempt]: Ref): string => `${task}/${attempt}`;
const byText = (refs: readonly Ref[]): string[] => refs.map(keyOf).sort();

/**
 * A worker as a few sets, next to the real one: it works out in the plainest way what each event
 * must lead to, and keeps the store and the fetches as the commands leave them.
 */
export class Oracle {
  readonly #worker: TestWorker;
  readonly #offer: Readonly<Record<number, number>>;
  readonly tasks = new Map<number, Task>();
  readonly killed = new Map<string, Killed>();
  readonly store = new Map<string, Ref>();
  readonly fetches = new Map<string, Fetch>();
  /** Reports that this event must lead to, by the kind of command. */
  #due: Record<string, Ref[]> = {};

  constructor(worker: TestWorker, offer: Readonly<Record<number, number>>) {
    this.#worker = worker;
    this.#offer = offer;
  }

  happen(happening: Happening): void {
    this.#due = {};
    for (const event of this.#expect(happening)) {
      this.#expectUnmade();
      this.#carryOut(this.#worker.step(event));
      this.#checkReports();
      this.#checkFetches();
      this.#checkStarts();
    }
  }

  /** Ends everything that is under way, drops every object, and leaves nothing. */
  drain(): void {
    for (let round = 0; this.tasks.size > 0 || this.killed.size > 0; round++) {
      expect(round).toBeLessThan(1000);
      this.happen({ kind: "killed", refs: [...this.killed.values()].map(({ ref }) => ref) });
      this.happen({ kind: "fetched", refs: [...this.fetches.values()].map(({ ref }) => ref) });
      this.happen({ kind: "executed", refs: this.#running() });
    }
    this.happen({ kind: "drop", refs: [...this.store.values()] });
    const { tasks, objects, batches, requests, endings, lanes } = this.#worker.state;
    expect([this.store.size, this.fetches.size]).toEqual([0, 0]);
    expect([tasks.size, objects.size, batches.size, requests.size]).toEqual([0, 0, 0, 0]);
    expect([endings.size, lanes.size]).toEqual([0, 0]);
  }

  /** The event of what happens; notes what must come of it. One event for each failure, else one. */
  *#expect(happening: Happening): Iterable<WorkerEvent> {
    const atMs = 0;
    switch (happening.kind) {
      case "assign": {
        // The server gives an attempt once: none that is still being ended comes again.
        const tasks = happening.tasks.filter(
          ({ task, attempt }) => !this.killed.has(keyOf([task, attempt ?? 1])),
        );
        this.#expectAssigned(tasks);
        yield { kind: "tasks-assigned", atMs, batch: batchOf(tasks) };
        return;
      }
      case "retract":
        for (const ref of happening.refs) {
          const task = this.#find(ref);
          if (task === undefined || task.isRunning || task.isRedirected) continue;
          this.#end(ref, "report-returned");
        }
        yield { kind: "tasks-retracted", atMs, refs: refsOf(happening.refs) };
        return;
      case "cancel":
        for (const ref of happening.refs) if (this.#find(ref)) this.#stop(ref);
        yield { kind: "tasks-canceled", atMs, refs: refsOf(happening.refs) };
        return;
      case "drop": {
        // The server drops nothing that is here and that a task here is still to use.
        const unused = happening.refs.filter(
          (ref) => this.fetches.has(keyOf(ref)) || !this.#isNeeded(ref),
        );
        for (const ref of unused) if (this.store.has(keyOf(ref))) this.#owe("discard", ref);
        yield { kind: "objects-dropped", atMs, refs: refsOf(unused) };
        return;
      }
      case "fetched":
        for (const ref of happening.refs) this.#expectFetched(ref);
        yield { kind: "objects-fetched", atMs, refs: refsOf(happening.refs) };
        return;
      case "fetch-failed": {
        const { refs, peer } = happening;
        for (const ref of refs) {
          if (this.fetches.get(keyOf(ref))?.peer === peer) this.#expectUnreachable(ref);
        }
        yield { kind: "fetch-failed", atMs, peer, refs: refsOf(refs) };
        return;
      }
      case "lose-peers": {
        const lost = [...this.fetches.values()].filter((f) => happening.peers.includes(f.peer));
        for (const { ref } of lost) {
          this.#expectUnreachable(ref);
          // Unlike a fetch that has failed, this one is still to be ended.
          this.fetches.set(keyOf(ref), { ref, peer: -1 });
        }
        yield { kind: "peers-lost", atMs, peers: Uint32Array.from(happening.peers) };
        return;
      }
      case "executed":
        for (const ref of happening.refs) this.#expectExecuted(ref);
        yield { kind: "tasks-executed", atMs, finished: finishedOf(happening.refs) };
        return;
      case "postponed":
        for (const ref of happening.refs) {
          const task = this.#find(ref);
          if (task === undefined || task.lane === 0) continue;
          task.isRunning = false;
          task.lane = 0;
        }
        yield { kind: "tasks-postponed", atMs, refs: refsOf(happening.refs) };
        return;
      case "killed":
        // One that is told of and was not to be killed is none of these.
        for (const ref of happening.refs) this.killed.delete(keyOf(ref));
        yield { kind: "executions-killed", atMs, refs: refsOf(happening.refs) };
        return;
      case "redirected": {
        const { ref, request } = happening;
        const task = this.#find(ref);
        if (task?.isRunning) {
          task.isRunning = false;
          task.isRedirected = true;
          task.lane = 0;
          const isPossible = Object.entries(request).every(
            ([resource, amount]) => amount <= (this.#offer[Number(resource)] ?? 0),
          );
          this.tasks.set(ref[0], { ...task, request, taskType: TASK_TYPE.run });
          if (!isPossible) {
            this.#owe("kill", ref);
            this.#end(ref, "report-failed");
          }
        }
        yield {
          kind: "task-redirected",
          atMs,
          task: ref[0],
          attempt: ref[1],
          request: amountsOf(request),
        };
        return;
      }
      case "no-checkpoint":
        for (const ref of happening.refs) {
          if (this.#find(ref)?.isRunning) this.#end(ref, "report-checkpoints-missing");
        }
        yield { kind: "checkpoints-not-found", atMs, refs: refsOf(happening.refs) };
        return;
      case "failed":
        for (const ref of happening.refs) {
          this.#due = {};
          if (this.#find(ref)?.isRunning) this.#end(ref, "report-failed");
          const [task, attempt] = ref;
          yield { kind: "task-execution-failed", atMs, task, attempt, failure: { message: "" } };
        }
    }
  }

  #expectAssigned(assigned: readonly Assigned[]): void {
    const order = [...assigned].sort((a, b) => (b.priority ?? 0) - (a.priority ?? 0));
    for (const task of order) {
      const ref: Ref = [task.task, task.attempt ?? 1];
      const known = this.tasks.get(task.task);
      if (this.store.has(keyOf(ref)) || (known !== undefined && known.attempt >= ref[1])) continue;
      if (known !== undefined) this.#stop([known.task, known.attempt]);
      this.tasks.set(ref[0], {
        ...task,
        attempt: ref[1],
        isRunning: false,
        isRedirected: false,
        lane: 0,
      });
    }
  }

  /** What waits for an object that is nowhere, and that no task here is to make, cannot run. */
  #expectUnmade(): void {
    for (let count = -1; count !== this.tasks.size; ) {
      count = this.tasks.size;
      for (const task of [...this.tasks.values()]) {
        if (task.isRunning) continue;
        const isLost = (input: Ref): boolean =>
          !this.store.has(keyOf(input)) &&
          holderOf(task, input) >= 100 &&
          this.#find(input) === undefined;
        if (this.#inputsOf(task).some(isLost)) {
          this.#end([task.task, task.attempt], "report-unreachable");
        }
      }
    }
  }

  #expectFetched(ref: Ref): void {
    const key = keyOf(ref);
    if (this.store.has(key)) return;
    this.store.set(key, ref);
    this.#owe(this.fetches.delete(key) ? "report-replicas" : "discard", ref);
  }

  #expectExecuted(ref: Ref): void {
    if (this.#find(ref)?.isRunning) this.#end(ref, "report-finished");
    else if (this.store.has(keyOf(ref))) return;
    else this.#owe("discard", ref);
    this.store.set(keyOf(ref), ref);
  }

  #expectUnreachable(input: Ref): void {
    this.fetches.delete(keyOf(input));
    for (const task of [...this.tasks.values()]) {
      if (task.isRunning) continue;
      if (this.#inputsOf(task).some((other) => keyOf(other) === keyOf(input))) {
        this.#end([task.task, task.attempt], "report-unreachable");
      }
    }
  }

  /** Keeps store, fetches and running tasks as the commands say, and refuses what makes no sense. */
  #carryOut(commands: readonly WorkerCommand[]): void {
    const told: Record<string, Ref[]> = {};
    for (const command of commands) {
      switch (command.kind) {
        case "fetch":
          for (const ref of pairsOf(command.refs)) {
            expect(this.fetches.has(keyOf(ref)) || this.store.has(keyOf(ref))).toBe(false);
            this.fetches.set(keyOf(ref), { ref, peer: command.peer });
          }
          break;
        case "abandon-fetch":
          for (const ref of pairsOf(command.refs)) {
            expect(this.fetches.delete(keyOf(ref))).toBe(true);
          }
          break;
        case "execute":
          for (const [i, row] of command.rows.entries()) {
            this.#start(refAt(this.#worker.state, row), command.lanes[i] ?? 0);
          }
          break;
        case "report-started":
          for (const ref of pairsOf(command.refs)) expect(this.#find(ref)?.isRunning).toBe(true);
          break;
        case "report-failed":
          told[command.kind] = [[command.task, command.attempt]];
          break;
        case "report-finished":
          told[command.kind] = pairsOf(command.finished);
          break;
        default:
          told[command.kind] = pairsOf(command.refs);
          if (command.kind !== "discard") break;
          for (const ref of pairsOf(command.refs)) {
            expect(this.store.delete(keyOf(ref))).toBe(true);
          }
      }
    }
    this.#told = told;
  }
  #told: Record<string, Ref[]> = {};

  #start(ref: Ref, lane: number): void {
    const task = this.#find(ref);
    expect(task?.isRunning).toBe(false);
    if (task === undefined) return;
    for (const input of this.#inputsOf(task)) expect(this.store.has(keyOf(input))).toBe(true);
    task.isRunning = true;
    task.lane = lane;
    expect(isCall(task), "calls, and only they, are in lanes").toBe(lane !== 0);
  }

  #checkReports(): void {
    const kinds = new Set([...Object.keys(this.#due), ...Object.keys(this.#told)]);
    for (const kind of kinds) {
      expect([kind, byText(this.#told[kind] ?? [])]).toEqual([kind, byText(this.#due[kind] ?? [])]);
    }
  }

  /** Exactly what a waiting task lacks is on its way. */
  #checkFetches(): void {
    const lacking = new Set<string>();
    for (const task of this.tasks.values()) {
      if (task.isRunning) continue;
      for (const input of this.#inputsOf(task)) {
        if (this.store.has(keyOf(input)) || this.#find(input) !== undefined) continue;
        lacking.add(keyOf(input));
      }
    }
    expect([...this.fetches.keys()].sort()).toEqual([...lacking].sort());
  }

  #checkStarts(): void {
    const free = { ...this.#offer };
    const ready: Task[] = [];
    const lanes = new Set<number>();
    const use = ({ request = {} }: Pick<Assigned, "request">): void => {
      for (const [resource, amount] of Object.entries(request)) {
        free[Number(resource)] = (free[Number(resource)] ?? 0) - amount;
      }
    };
    for (const task of this.tasks.values()) {
      if (!task.isRunning) {
        if (this.#inputsOf(task).every((input) => this.store.has(keyOf(input)))) ready.push(task);
        continue;
      }
      // Those of a lane hold one set of resources.
      if (lanes.has(task.lane)) continue;
      if (task.lane !== 0) lanes.add(task.lane);
      use(task);
    }
    for (const killed of this.killed.values()) {
      if (lanes.has(killed.lane)) continue;
      if (killed.lane !== 0) lanes.add(killed.lane);
      use(killed);
    }
    expect(Math.min(...Object.values(free))).toBeGreaterThanOrEqual(0);
    for (const task of ready) {
      const needs = Object.entries(task.request ?? {});
      const isLight = needs.length === 0 && task.taskType !== TASK_TYPE.run && !isCall(task);
      expect(isLight, "a task that needs nothing starts at once").toBe(false);
    }
  }

  #isNeeded(ref: Ref): boolean {
    const isIt = (input: Ref): boolean => keyOf(input) === keyOf(ref);
    // Also by one that runs: a call may be postponed, and then begins anew.
    return [...this.tasks.values()].some((task) => this.#inputsOf(task).some(isIt));
  }

  #running(): Ref[] {
    return [...this.tasks.values()].flatMap(({ task, attempt, isRunning }) =>
      isRunning ? [[task, attempt] as const] : [],
    );
  }

  #find([task, attempt]: Ref): Task | undefined {
    const known = this.tasks.get(task);
    return known?.attempt === attempt ? known : undefined;
  }

  #stop(ref: Ref): void {
    const task = this.#find(ref);
    if (task?.isRunning || task?.isRedirected) this.#owe("kill", ref);
    if (task?.isRunning) {
      this.killed.set(keyOf(ref), { ref, request: task.request ?? {}, lane: task.lane });
    }
    this.tasks.delete(ref[0]);
  }

  #end(ref: Ref, report: string): void {
    this.tasks.delete(ref[0]);
    this.#owe(report, ref);
  }

  #owe(kind: string, ref: Ref): void {
    const due = this.#due[kind] ?? [];
    due.push(ref);
    this.#due[kind] = due;
  }

  #inputsOf({ flags = 0, inputs = [] }: Assigned): Ref[] {
    if ((flags & FLAG_LOAD_CHECKPOINT) !== 0) return [];
    return inputs.map(({ task, attempt }) => [task, attempt]);
  }
}

function isCall({ taskType, flags = 0, isRedirected }: Task): boolean {
  return taskType === TASK_TYPE.pyCall && (flags & FLAG_LOAD_CHECKPOINT) === 0 && !isRedirected;
}

/** Holders of the tests are below 100 where they can be asked. */
function holderOf(task: Assigned, [id]: Ref): number {
  const holder = task.inputs?.find((input) => input.task === id)?.holder ?? 0;
  return holder === 0 ? 0xffff_ffff : holder;
}
