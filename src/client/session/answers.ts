import { onAbort } from "../abort.ts";

/** Somebody who waits for an answer. */
type Waiter<Answer> = {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
};

/** Waiters for answers that come in the order of the requests. */
export class Answers<Answer> {
  #waiters: Waiter<Answer>[] = [];

  get count(): number {
    return this.#waiters.length;
  }

  /** The next answer that nobody else waits for. Whoever stops waiting still takes its turn. */
  next(signal: AbortSignal | undefined): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const settled = onAbort(signal, () => reject(signal?.reason));
      this.#waiters.push({
        resolve(answer) {
          settled();
          resolve(answer);
        },
        reject(error) {
          settled();
          reject(error);
        },
      });
    });
  }

  answer(answer: Answer): void {
    this.#waiters.shift()?.resolve(answer);
  }

  /** Tells the oldest waiter; the answer to its request still comes. */
  rejectOldest(error: unknown): boolean {
    const oldest = this.#waiters[0];
    oldest?.reject(error);
    return oldest !== undefined;
  }

  rejectAll(error: unknown): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { reject } of waiters) reject(error);
  }
}
