/** Large objects that a worker sends at a time: one fills its line, a second hides the latencies. */
export const UPLOADS_MAX = 2;

/** Objects from this size on are counted and may wait; smaller ones are sent at once. */
export const LARGE_OBJECT_BYTES: number = 4 * 1024 * 1024;

/** Who was sent elsewhere in vain so often waits until it is served here. */
export const VAIN_REDIRECTS_MAX = 3;

/** Pullers of one object that are remembered as having it. */
const SERVED_MAX = 64;

/** Who pulls; what it has got, others may be sent to it for. Undefined if it serves nobody. */
export type Upload<Puller> = {
  /** Names the object. */
  readonly key: string;
  readonly puller: Puller | undefined;
  readonly mayRedirect: boolean;
  /** It was sent to a copy in vain: only one that becomes complete later is another try. */
  readonly hasComeBack: boolean;
};

/** What becomes of an upload: it begins now, or somebody else is to be asked. */
export type UploadDecision<Puller, Asked extends Upload<Puller>> =
  | { readonly kind: "start"; readonly upload: Asked }
  | { readonly kind: "redirect"; readonly upload: Asked; readonly to: Puller };

type Line<Asked, Puller> = {
  /** Who waits for the object, oldest first. */
  waiting: Asked[];
  /** Who has got it from here. */
  readonly served: Puller[];
  /** Whose turn it is among them. */
  nextServed: number;
};

/**
 * A worker's uploads of large objects: few at a time, and when many want one object, those that have
 * got it serve the rest. Each time that a copy is complete, the newer half of those who wait is sent
 * to where it is, and does the same there; so the copies double in the time of one or two, without
 * anybody who knows them all.
 *
 *     A: 1 2 3 4 5 6 7 8        A serves 1 and 2, the others wait
 *     A: 3 4 5   1: 6 7 8       1 is complete: half of them go there
 *     A: 4   1: 6 7 8   2: 5    2 is complete: half of those who are left
 *
 * Costs O(moved) for each step. Knows neither time nor connections.
 */
export class Uploads<Puller, Asked extends Upload<Puller> = Upload<Puller>> {
  readonly #max: number;
  readonly #lines = new Map<string, Line<Asked, Puller>>();
  #activeCount = 0;
  #servedCount = 0;
  /** Lines with somebody waiting, the one that had its turn longest ago first. */
  readonly #turns = new Set<string>();

  constructor(max: number = UPLOADS_MAX) {
    this.#max = max;
  }

  get activeCount(): number {
    return this.#activeCount;
  }

  /** Uploads that became complete. */
  get servedCount(): number {
    return this.#servedCount;
  }

  /** Objects that somebody waits for or that others can be sent away for. */
  get lineCount(): number {
    return this.#lines.size;
  }

  /** A decision now, or undefined: then `end` brings it. */
  ask(upload: Asked): UploadDecision<Puller, Asked> | undefined {
    if (this.#activeCount < this.#max) {
      this.#activeCount += 1;
      return { kind: "start", upload };
    }
    const line = this.#line(upload.key);
    // While others wait, the next complete copy shares them all out; later comers go to the copies.
    const isShared = upload.mayRedirect && !upload.hasComeBack && line.waiting.length === 0;
    const to = isShared ? this.#nextServed(line) : undefined;
    if (to !== undefined) return { kind: "redirect", upload, to };
    line.waiting.push(upload);
    this.#turns.add(upload.key);
    return undefined;
  }

  /** An upload that was started is over; what becomes of those who waited. */
  end(upload: Asked, isComplete: boolean): UploadDecision<Puller, Asked>[] {
    this.#activeCount -= 1;
    if (isComplete) this.#servedCount += 1;
    const decisions: UploadDecision<Puller, Asked>[] = [];
    if (isComplete && upload.puller !== undefined) {
      this.#shareOut(this.#line(upload.key), upload.puller, decisions);
    }
    this.#startNext(decisions);
    this.#forgetIfEmpty(upload.key);
    return decisions;
  }

  /** One that waits has gone away. */
  leave(upload: Asked): void {
    const line = this.#lines.get(upload.key);
    if (line === undefined) return;
    line.waiting = line.waiting.filter((waiting) => waiting !== upload);
    this.#forgetIfEmpty(upload.key);
  }

  /** The object is no longer here: nobody is sent to its copies either. Those who wait still do. */
  forget(key: string): void {
    const line = this.#lines.get(key);
    if (line === undefined) return;
    line.served.length = 0;
    this.#forgetIfEmpty(key);
  }

  #line(key: string): Line<Asked, Puller> {
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = { waiting: [], served: [], nextServed: 0 };
      this.#lines.set(key, line);
    }
    return line;
  }

  #nextServed(line: Line<Asked, Puller>): Puller | undefined {
    return line.served[line.nextServed++ % line.served.length];
  }

  #shareOut(
    line: Line<Asked, Puller>,
    to: Puller,
    decisions: UploadDecision<Puller, Asked>[],
  ): void {
    if (line.served.length < SERVED_MAX) line.served.push(to);
    else line.served[line.nextServed++ % SERVED_MAX] = to;
    // The next place is free for one of them here.
    const shared = Math.floor(line.waiting.length / 2);
    const stay = line.waiting.slice(0, line.waiting.length - shared);
    for (const upload of line.waiting.slice(line.waiting.length - shared)) {
      if (upload.mayRedirect) decisions.push({ kind: "redirect", upload, to });
      else stay.push(upload);
    }
    line.waiting = stay;
  }

  #startNext(decisions: UploadDecision<Puller, Asked>[]): void {
    for (const key of this.#turns) {
      if (this.#activeCount >= this.#max) return;
      this.#turns.delete(key);
      const line = this.#lines.get(key);
      const upload = line?.waiting.shift();
      if (line === undefined || upload === undefined) continue;
      if (line.waiting.length > 0) this.#turns.add(key);
      this.#activeCount += 1;
      decisions.push({ kind: "start", upload });
    }
  }

  #forgetIfEmpty(key: string): void {
    const line = this.#lines.get(key);
    if (line === undefined || line.waiting.length > 0 || line.served.length > 0) return;
    this.#lines.delete(key);
    this.#turns.delete(key);
  }
}
