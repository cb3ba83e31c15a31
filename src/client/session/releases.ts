import type { SmallRequest } from "../../protocol/client/client-request.ts";

/** Ids in one request, well below its limit of bytes. */
const RELEASES_PER_REQUEST = 65_536;

/** Releases that go out together, with the next request or at the end of this turn. */
export class Releases {
  /** The server takes releases of many results in one request. */
  takesMany = false;
  /** While false, they are kept. */
  canSend = true;
  readonly #send: (request: SmallRequest) => void;
  #ids: number[] = [];

  constructor(send: (request: SmallRequest) => void) {
    this.#send = send;
  }

  add(id: number): void {
    if (this.#ids.push(id) === 1) queueMicrotask(() => this.flush());
  }

  /** The server hears of them in another way. */
  clear(): void {
    this.#ids = [];
  }

  flush(): void {
    const ids = this.#ids;
    if (ids.length === 0 || !this.canSend) return;
    this.#ids = [];
    if (ids.length > 1 && this.takesMany) {
      for (let start = 0; start < ids.length; start += RELEASES_PER_REQUEST) {
        const some = Int32Array.from(ids.slice(start, start + RELEASES_PER_REQUEST));
        this.#send({ kind: "releaseMany", ids: some });
      }
    } else for (const id of ids) this.#send({ kind: "release", id });
  }
}
