import { grownCapacity, resizeColumn, Uint32List } from "../base/columns.ts";

const NONE = -1;
/** Lists shorter than this are never swept. */
const SWEEP_FROM = 64;

/**
 * Consumers that came with a later plan than their input, as linked lists. An edge is never taken
 * out when its consumer goes: it is recognized by the consumer's serial, and swept out when the list
 * has doubled, so that a table that a million later tasks use costs each of them the same.
 *
 *     heads: row -> edge -> edge -> ...        edge: consumer row | its serial
 */
export class LateEdges {
  readonly #heads = new Map<number, number>();
  #consumers = new Uint32Array(16);
  #serials = new Uint32Array(16);
  #next = new Int32Array(16);
  /** Of a list's first edge: edges in the list, and at how many it is swept. */
  #counts = new Uint32Array(16);
  #sweepAt = new Uint32Array(16);
  #edgeCount = 0;
  readonly #free = new Uint32List();

  /** One more place at which `consumer` uses `row`. `isCurrent` tells whether an edge still means its consumer. */
  add(
    row: number,
    consumer: number,
    serial: number,
    isCurrent: (consumer: number, serial: number) => boolean,
  ): void {
    const edge = this.#allocate();
    const head = this.#heads.get(row) ?? NONE;
    this.#consumers[edge] = consumer;
    this.#serials[edge] = serial;
    this.#next[edge] = head;
    this.#counts[edge] = head === NONE ? 1 : (this.#counts[head] as number) + 1;
    this.#sweepAt[edge] = head === NONE ? SWEEP_FROM : (this.#sweepAt[head] as number);
    this.#heads.set(row, edge);
    if ((this.#counts[edge] as number) >= (this.#sweepAt[edge] as number)) {
      this.#sweep(row, edge, isCurrent);
    }
  }

  forEach(
    row: number,
    isCurrent: (consumer: number, serial: number) => boolean,
    visit: (consumer: number) => void,
  ): void {
    if (this.#heads.size === 0) return;
    let edge = this.#heads.get(row) ?? NONE;
    while (edge !== NONE) {
      const consumer = this.#consumers[edge] as number;
      if (isCurrent(consumer, this.#serials[edge] as number)) visit(consumer);
      edge = this.#next[edge] as number;
    }
  }

  /** Forgets all edges of the row. */
  delete(row: number): void {
    if (this.#heads.size === 0) return;
    let edge = this.#heads.get(row) ?? NONE;
    if (edge === NONE) return;
    this.#heads.delete(row);
    while (edge !== NONE) {
      this.#free.push(edge);
      edge = this.#next[edge] as number;
    }
  }

  /** `head` itself is current: it was just added. */
  #sweep(
    row: number,
    head: number,
    isCurrent: (consumer: number, serial: number) => boolean,
  ): void {
    let kept = head;
    let count = 1;
    let edge = this.#next[head] as number;
    while (edge !== NONE) {
      const next = this.#next[edge] as number;
      if (isCurrent(this.#consumers[edge] as number, this.#serials[edge] as number)) {
        this.#next[kept] = edge;
        kept = edge;
        count += 1;
      } else {
        this.#free.push(edge);
      }
      edge = next;
    }
    this.#next[kept] = NONE;
    this.#counts[head] = count;
    this.#sweepAt[head] = Math.max(SWEEP_FROM, 2 * count);
    this.#heads.set(row, head);
  }

  #allocate(): number {
    if (this.#free.length > 0) return this.#free.pop();
    const edge = this.#edgeCount++;
    if (edge === this.#next.length) {
      const grown = grownCapacity(edge, edge + 1);
      this.#consumers = resizeColumn(this.#consumers, grown);
      this.#serials = resizeColumn(this.#serials, grown);
      this.#next = resizeColumn(this.#next, grown);
      this.#counts = resizeColumn(this.#counts, grown);
      this.#sweepAt = resizeColumn(this.#sweepAt, grown);
    }
    return edge;
  }
}
