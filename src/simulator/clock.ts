/** What is to happen at a moment of virtual time. */
type Moment = {
  readonly atUs: number;
  /** Order of scheduling, which decides between moments of the same time. */
  readonly sequence: number;
  readonly isBackground: boolean;
  action: (() => void) | undefined;
};

/** A handle on a scheduled action; opaque to all but the clock. */
export type Scheduled = { action: (() => void) | undefined };

/**
 * Virtual time in microseconds and all that is still to happen, in a binary heap. Time stands still
 * while an action runs and jumps to the next one after it, so that a simulated hour costs what its
 * actions cost.
 */
export class VirtualClock {
  readonly #heap: Moment[] = [];
  #sequence = 0;
  #foreground = 0;
  #nowUs = 0;

  nowUs(): number {
    return this.#nowUs;
  }

  nowMs(): number {
    return this.#nowUs / 1000;
  }

  /** Actions that are still to come, without those of the background. */
  get pending(): number {
    return this.#foreground;
  }

  /** Runs `action` once, `delayUs` from now; among equal times in the order of these calls. */
  schedule(delayUs: number, action: () => void): Scheduled {
    return this.#add(this.#nowUs + Math.max(0, delayUs), action, false);
  }

  /** The same for a moment, which must not be over: sums of delays differ by a little. */
  scheduleAt(atUs: number, action: () => void): Scheduled {
    return this.#add(atUs, action, false);
  }

  /** Like `schedule`, for what goes on for ever and must not look like progress, such as a tick. */
  scheduleInBackground(delayUs: number, action: () => void): Scheduled {
    return this.#add(this.#nowUs + Math.max(0, delayUs), action, true);
  }

  /** The action will not run. Does nothing where it already has. */
  cancel(scheduled: Scheduled): void {
    if (scheduled.action === undefined) return;
    scheduled.action = undefined;
    if (!(scheduled as Moment).isBackground) this.#foreground -= 1;
  }

  /** Goes to the next moment and runs its action. False where nothing is left. */
  advance(): boolean {
    for (;;) {
      const moment = this.#pop();
      if (moment === undefined) return false;
      const { action } = moment;
      if (action === undefined) continue;
      moment.action = undefined;
      if (!moment.isBackground) this.#foreground -= 1;
      this.#nowUs = moment.atUs;
      action();
      return true;
    }
  }

  #add(atUs: number, action: () => void, isBackground: boolean): Moment {
    const moment: Moment = { atUs, sequence: this.#sequence, isBackground, action };
    this.#sequence += 1;
    if (!isBackground) this.#foreground += 1;
    this.#push(moment);
    return moment;
  }

  #push(moment: Moment): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(moment);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(moment, heap[parent] as Moment)) break;
      heap[index] = heap[parent] as Moment;
      index = parent;
    }
    heap[index] = moment;
  }

  #pop(): Moment | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Moment, heap[child] as Moment)) {
        child += 1;
      }
      if (!isBefore(heap[child] as Moment, last)) break;
      heap[index] = heap[child] as Moment;
      index = child;
    }
    heap[index] = last;
    return top;
  }
}

const isBefore = (left: Moment, right: Moment): boolean =>
  left.atUs < right.atUs || (left.atUs === right.atUs && left.sequence < right.sequence);
