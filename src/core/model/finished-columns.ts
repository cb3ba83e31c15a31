import { grownCapacity, resizeColumn } from "../base/columns.ts";
import type { FinishedTasks } from "./batches.ts";
import { CarriedList } from "./carried-list.ts";

/** Columns of finished attempts that are gathered one by one, and taken as one batch. */
export class FinishedColumns {
  length = 0;
  /** Results that ride along, by their position here. */
  readonly carried: CarriedList = new CarriedList();
  #tasks = new Uint32Array(16);
  #attempts = new Uint32Array(16);
  #sizesBytes = new Float64Array(16);
  #lengths = new Float64Array(16);
  #dataTypes = new Uint16Array(16);
  #durationsUs = new Float32Array(16);

  add(
    task: number,
    attempt: number,
    made: { readonly sizeBytes: number; readonly length: number; readonly dataType: number },
    durationUs: number,
  ): void {
    const i = this.length;
    if (i === this.#tasks.length) this.#grow(i + 1);
    this.#tasks[i] = task;
    this.#attempts[i] = attempt;
    this.#sizesBytes[i] = made.sizeBytes;
    this.#lengths[i] = made.length;
    this.#dataTypes[i] = made.dataType;
    this.#durationsUs[i] = durationUs;
    this.length = i + 1;
  }

  append(finished: FinishedTasks): void {
    const start = this.length;
    const end = start + finished.tasks.length;
    if (end > this.#tasks.length) this.#grow(end);
    this.#tasks.set(finished.tasks, start);
    this.#attempts.set(finished.attempts, start);
    this.#sizesBytes.set(finished.sizesBytes, start);
    this.#lengths.set(finished.lengths, start);
    this.#dataTypes.set(finished.dataTypes, start);
    this.#durationsUs.set(finished.durationsUs, start);
    this.length = end;
    if (finished.carried === undefined) return;
    const { positions, dataTypes, frameCounts, starts, bytes } = finished.carried;
    for (let k = 0; k < positions.length; k += 1) {
      const position = start + (positions[k] as number);
      this.carried.add(position, dataTypes[k] as number, frameCounts[k] as number);
      this.carried.append(bytes, starts[k] as number, starts[k + 1] as number);
    }
  }

  /** Empties the columns and returns what was in them. */
  take(): FinishedTasks {
    const { length } = this;
    this.length = 0;
    return {
      tasks: this.#tasks.slice(0, length),
      attempts: this.#attempts.slice(0, length),
      sizesBytes: this.#sizesBytes.slice(0, length),
      lengths: this.#lengths.slice(0, length),
      dataTypes: this.#dataTypes.slice(0, length),
      durationsUs: this.#durationsUs.slice(0, length),
      carried: this.carried.take(),
    };
  }

  #grow(needed: number): void {
    const capacity = grownCapacity(this.#tasks.length, needed);
    this.#tasks = resizeColumn(this.#tasks, capacity);
    this.#attempts = resizeColumn(this.#attempts, capacity);
    this.#sizesBytes = resizeColumn(this.#sizesBytes, capacity);
    this.#lengths = resizeColumn(this.#lengths, capacity);
    this.#dataTypes = resizeColumn(this.#dataTypes, capacity);
    this.#durationsUs = resizeColumn(this.#durationsUs, capacity);
  }
}
