import { assert } from "../../core/base/assert.ts";
import { grownCapacity, resizeColumn, Uint32List } from "../../core/base/columns.ts";
import { PagedIndex } from "../../core/base/paged-index.ts";
import { type ValueId, valueId } from "./value-id.ts";

const NONE = -1;

/** Data objects by what made them: a map from (task, attempt) to a value. Holds no references itself. */
export class ObjectIndex {
  /** First row of each task; mostly its only one. */
  readonly #firstRows = new PagedIndex();
  #attempts = new Uint32Array(16);
  #values = new Uint32Array(16);
  #next = new Int32Array(16);
  readonly #free = new Uint32List();
  #rowCount = 0;

  get size(): number {
    return this.#rowCount - this.#free.length;
  }

  get(task: number, attempt: number): ValueId | undefined {
    const row = this.#find(task, attempt);
    return row === NONE ? undefined : valueId(this.#values[row] as number);
  }

  /** The object must not be there yet. */
  add(task: number, attempt: number, value: ValueId): void {
    assert(this.#find(task, attempt) === NONE, "an object is added once");
    const row = this.#createRow();
    this.#attempts[row] = attempt;
    this.#values[row] = value;
    this.#next[row] = this.#firstRows.get(task | 0);
    this.#firstRows.set(task | 0, row);
  }

  /** Takes the object out and returns its value, or undefined if there is none. */
  delete(task: number, attempt: number): ValueId | undefined {
    const row = this.#find(task, attempt);
    if (row === NONE) return undefined;
    const next = this.#next[row] as number;
    const first = this.#firstRows.get(task | 0);
    if (row !== first) {
      let previous = first;
      while (this.#next[previous] !== row) previous = this.#next[previous] as number;
      this.#next[previous] = next;
    } else if (next === NONE) this.#firstRows.delete(task | 0);
    else this.#firstRows.set(task | 0, next);
    this.#free.push(row);
    return valueId(this.#values[row] as number);
  }

  #find(task: number, attempt: number): number {
    let row = this.#firstRows.get(task | 0);
    while (row !== NONE && this.#attempts[row] !== attempt) row = this.#next[row] as number;
    return row;
  }

  #createRow(): number {
    if (this.#free.length > 0) return this.#free.pop();
    const row = this.#rowCount++;
    const capacity = this.#attempts.length;
    if (row === capacity) {
      const grown = grownCapacity(capacity, row + 1);
      this.#attempts = resizeColumn(this.#attempts, grown);
      this.#values = resizeColumn(this.#values, grown);
      this.#next = resizeColumn(this.#next, grown);
    }
    return row;
  }
}
