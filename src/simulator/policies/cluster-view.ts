import { CPUS } from "../../core/model/symbols.ts";
import type { StepContext } from "../../core/scheduler/context.ts";
import { give } from "../../core/scheduler/given.ts";
import { expectedUsOf } from "../../core/scheduler/groups.ts";
import { expectDuration } from "../../core/scheduler/placement/load.ts";
import { holds } from "../../core/scheduler/replicas.ts";
import { classOf } from "../../core/scheduler/request-classes.ts";
import type { SchedulerState, WorkerRecord } from "../../core/scheduler/state.ts";
import { ASSIGNED, FREE, READY, RUNNING } from "../../core/scheduler/task-table.ts";
import { forEachConsumer } from "../../core/scheduler/wants.ts";

/** A worker as the policies to compare with see it. */
export type ViewedWorker = {
  readonly record: WorkerRecord;
  readonly cpus: number;
  /** What it was given and has not finished, in the order in which it was given. */
  readonly rows: Set<number>;
  /** Its cpus that no given task asks for; negative where more is given than can run. */
  freeCpus: number;
};

/**
 * What published policies assume to know: all workers, what each was given, sizes of data, and
 * durations as far as anybody knows them. Looks at everything; the product's policy must not.
 */
export class ClusterView {
  readonly workers: Map<number, ViewedWorker> = new Map();
  #levels = new Float64Array(0);
  #levelsOfFinished = -1;

  /** Brings the view up to date; answers the rows that are to be given, without light ones: those go at once. */
  update(context: StepContext): number[] {
    const { state, readied } = context;
    for (const record of state.workers.values()) {
      if (this.workers.has(record.id)) continue;
      const cpus = record.kind.amounts[record.kind.dimensionOf.get(CPUS) ?? -1] ?? 0;
      this.workers.set(record.id, { record, cpus, rows: new Set(), freeCpus: cpus });
    }
    for (const id of context.dirtyWorkers) {
      const worker = this.workers.get(id);
      if (worker !== undefined) this.#forgetEnded(state, worker);
    }
    this.#updateLevels(state);
    const rows: number[] = [];
    for (let i = 0; i < readied.length; i += 1) {
      const row = readied.at(i);
      if (state.tasks.state[row] !== READY) continue;
      if (cpusOf(state, row) > 0) rows.push(row);
      else this.give(context, row, this.leastMoving(state, row, [...this.workers.values()]));
    }
    readied.clear();
    return rows;
  }

  give(context: StepContext, row: number, worker: ViewedWorker): void {
    expectDuration(context.state, row, 0);
    give(context, worker.record, row);
    worker.rows.add(row);
    worker.freeCpus -= cpusOf(context.state, row);
  }

  /** Notes that the worker has given the row back. */
  takeBack(state: SchedulerState, row: number): void {
    for (const worker of this.workers.values()) {
      if (worker.rows.delete(row)) worker.freeCpus += cpusOf(state, row);
    }
  }

  /** Workers that could ever run the row. */
  capable(state: SchedulerState, row: number): ViewedWorker[] {
    const cpus = cpusOf(state, row);
    return [...this.workers.values()].filter((worker) => worker.cpus >= cpus);
  }

  /** The first of the workers to which least data would move, or the least loaded of those. */
  leastMoving(state: SchedulerState, row: number, workers: readonly ViewedWorker[]): ViewedWorker {
    let best = workers[0] as ViewedWorker;
    let bestBytes = Number.POSITIVE_INFINITY;
    for (const worker of workers) {
      const bytes = missingBytes(state, row, worker.record.id);
      if (bytes > bestBytes || (bytes === bestBytes && worker.freeCpus <= best.freeCpus)) continue;
      best = worker;
      bestBytes = bytes;
    }
    return best;
  }

  /** Expected time from the row's beginning to the end of the last task that needs it; no transfers. */
  level(row: number): number {
    return this.#levels[row] as number;
  }

  byLevel(rows: readonly number[]): number[] {
    return [...rows].sort((a, b) => this.level(b) - this.level(a) || a - b);
  }

  #forgetEnded(state: SchedulerState, worker: ViewedWorker): void {
    const { tasks } = state;
    for (const row of worker.rows) {
      const isThere =
        tasks.worker[row] === worker.record.id &&
        (tasks.state[row] === ASSIGNED || tasks.state[row] === RUNNING);
      if (!isThere) worker.rows.delete(row);
    }
    worker.freeCpus = worker.cpus;
    for (const row of worker.rows) worker.freeCpus -= cpusOf(state, row);
  }

  /** Computes the levels anew each time a twentieth more of all has finished, as durations are learned. */
  #updateLevels(state: SchedulerState): void {
    const { tasks, counters } = state;
    const isOld = counters.tasksFinished >= this.#levelsOfFinished * 1.05 + 1;
    if (this.#levels.length > 0 && this.#levelsOfFinished >= 0 && !isOld) return;
    this.#levelsOfFinished = counters.tasksFinished;
    if (this.#levels.length < tasks.capacity) this.#levels = new Float64Array(tasks.capacity);
    for (let row = tasks.capacity - 1; row >= 0; row -= 1) {
      if (tasks.state[row] === FREE) continue;
      let after = 0;
      forEachConsumer(state, row, (consumer) => {
        after = Math.max(after, this.level(consumer));
      });
      this.#levels[row] = after + expectedOf(state, row);
    }
  }
}

export const expectedOf = (state: SchedulerState, row: number): number =>
  expectedUsOf(state.groups, state.tasks.group[row] as number);

export const cpusOf = (state: SchedulerState, row: number): number =>
  classOf(state, row).request[0]?.amount ?? 0;

/** Bytes of the row's inputs that are not on the worker. */
export function missingBytes(state: SchedulerState, row: number, workerId: number): number {
  const { tasks } = state;
  const start = tasks.edgeStart[row] as number;
  let bytes = 0;
  for (let k = start; k < start + (tasks.inputCount[row] as number); k += 1) {
    const input = tasks.edges.items[k] as number;
    if (!holds(state, input, workerId)) bytes += tasks.sizeBytes[input] as number;
  }
  return bytes;
}
