import { assert } from "../../base/assert.ts";
import type { AssignedTasks } from "../../model/batches.ts";

/** Assignments as they came, each kept while one of its tasks is; so nothing of a task is copied. */
export class BatchTable {
  readonly #batches: (AssignedTasks | undefined)[] = [];
  readonly #users: number[] = [];
  readonly #freeIds: number[] = [];

  /** With one user; `release` ends that. */
  add(batch: AssignedTasks): number {
    const id = this.#freeIds.pop() ?? this.#batches.length;
    this.#batches[id] = batch;
    this.#users[id] = 1;
    return id;
  }

  get(id: number): AssignedTasks {
    const batch = this.#batches[id];
    assert(batch !== undefined, "the batch of a task is there");
    return batch;
  }

  use(id: number): void {
    this.#users[id] = this.users(id) + 1;
  }

  release(id: number): void {
    const users = this.users(id) - 1;
    this.#users[id] = users;
    if (users > 0) return;
    this.#batches[id] = undefined;
    this.#freeIds.push(id);
  }

  users(id: number): number {
    return this.#users[id] ?? 0;
  }

  /** Batches that are kept now. */
  get size(): number {
    return this.#batches.length - this.#freeIds.length;
  }
}
