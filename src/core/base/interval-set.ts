/** A set of whole numbers as sorted, disjoint, non-touching intervals. */
export class IntervalSet {
  /** First numbers and ends (exclusive), both rising. */
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  has(value: number): boolean {
    const index = this.#firstEndingAfter(value);
    return index < this.#starts.length && (this.#starts[index] as number) <= value;
  }

  /** Whether a number of `start .. end` (exclusive) is in the set. */
  hasAny(start: number, end: number): boolean {
    const index = this.#firstEndingAfter(start);
    return index < this.#starts.length && (this.#starts[index] as number) < end;
  }

  /** Adds `start .. end` (exclusive); intervals that touch become one. */
  add(start: number, end: number): void {
    if (start >= end) return;
    // Those that overlap or touch: from the first that ends at or after `start`.
    const first = this.#firstEndingAfter(start - 1);
    let last = first;
    let mergedStart = start;
    let mergedEnd = end;
    while (last < this.#starts.length && (this.#starts[last] as number) <= end) {
      mergedStart = Math.min(mergedStart, this.#starts[last] as number);
      mergedEnd = Math.max(mergedEnd, this.#ends[last] as number);
      last += 1;
    }
    this.#starts.splice(first, last - first, mergedStart);
    this.#ends.splice(first, last - first, mergedEnd);
  }

  #firstEndingAfter(value: number): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ends[middle] as number) > value) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
