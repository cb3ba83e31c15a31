import { grownCapacity, resizeColumn } from "../../base/columns.ts";
import type { ObjectTable } from "./object-table.ts";
import type { TaskTable } from "./task-table.ts";

const NONE = -1;

/**
 * Which task waits for which object: an edge is in the list of its object (doubly linked, in the
 * order of waiting) and in that of its task. Edges whose object has come stay with their task until
 * it waits for nothing any more; then all of them are free at once.
 *
 *     object 3 --> edge 0 <--> edge 2
 *                    |           |
 *     task 8 --------+           +-------- task 9 --> edge 2 --> edge 1 --> (object 5)
 */
export class WaitEdges {
  readonly #tasks: TaskTable;
  readonly #objects: ObjectTable;
  #taskRows = new Uint32Array(16);
  /** -1: the object has come. */
  #objectRows = new Int32Array(16);
  #nextOfTask = new Int32Array(16);
  #nextOfObject = new Int32Array(16);
  #previousOfObject = new Int32Array(16);
  #firstFree: number = NONE;
  #end = 0;

  constructor(tasks: TaskTable, objects: ObjectTable) {
    this.#tasks = tasks;
    this.#objects = objects;
  }

  link(task: number, object: number): void {
    const edge = this.#allocate();
    const { firstEdges, lastEdges } = this.#objects;
    const last = lastEdges[object] as number;
    this.#taskRows[edge] = task;
    this.#objectRows[edge] = object;
    this.#nextOfTask[edge] = this.#tasks.firstEdges[task] as number;
    this.#tasks.firstEdges[task] = edge;
    this.#previousOfObject[edge] = last;
    this.#nextOfObject[edge] = NONE;
    if (last === NONE) firstEdges[object] = edge;
    else this.#nextOfObject[last] = edge;
    lastEdges[object] = edge;
  }

  /** The task that has waited longest for the object, or -1. */
  firstTask(object: number): number {
    const edge = this.#objects.firstEdges[object] as number;
    return edge === NONE ? NONE : (this.#taskRows[edge] as number);
  }

  /** Takes the longest wait for the object out of its list and returns the task, or -1. */
  shift(object: number): number {
    const edge = this.#objects.firstEdges[object] as number;
    if (edge === NONE) return NONE;
    this.#unlinkFromObject(edge, object);
    this.#objectRows[edge] = NONE;
    return this.#taskRows[edge] as number;
  }

  /** Frees all edges of the task; tells each object that the task had still waited for. */
  unlinkTask(task: number, onObject: (object: number) => void): void {
    let edge = this.#tasks.firstEdges[task] as number;
    this.#tasks.firstEdges[task] = NONE;
    while (edge !== NONE) {
      const next = this.#nextOfTask[edge] as number;
      const object = this.#objectRows[edge] as number;
      if (object !== NONE) {
        this.#unlinkFromObject(edge, object);
        onObject(object);
      }
      this.#nextOfTask[edge] = this.#firstFree;
      this.#firstFree = edge;
      edge = next;
    }
  }

  /** Calls back for each object that the task still waits for, once for each edge. */
  forEachObject(task: number, onObject: (object: number) => void): void {
    let edge = this.#tasks.firstEdges[task] as number;
    while (edge !== NONE) {
      const object = this.#objectRows[edge] as number;
      if (object !== NONE) onObject(object);
      edge = this.#nextOfTask[edge] as number;
    }
  }

  #unlinkFromObject(edge: number, object: number): void {
    const next = this.#nextOfObject[edge] as number;
    const previous = this.#previousOfObject[edge] as number;
    if (previous === NONE) this.#objects.firstEdges[object] = next;
    else this.#nextOfObject[previous] = next;
    if (next === NONE) this.#objects.lastEdges[object] = previous;
    else this.#previousOfObject[next] = previous;
  }

  #allocate(): number {
    const free = this.#firstFree;
    if (free !== NONE) {
      this.#firstFree = this.#nextOfTask[free] as number;
      return free;
    }
    const edge = this.#end++;
    if (edge >= this.#taskRows.length) {
      const capacity = grownCapacity(this.#taskRows.length, edge + 1);
      this.#taskRows = resizeColumn(this.#taskRows, capacity);
      this.#objectRows = resizeColumn(this.#objectRows, capacity);
      this.#nextOfTask = resizeColumn(this.#nextOfTask, capacity);
      this.#nextOfObject = resizeColumn(this.#nextOfObject, capacity);
      this.#previousOfObject = resizeColumn(this.#previousOfObject, capacity);
    }
    return edge;
  }
}
