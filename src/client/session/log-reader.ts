import type { HyperloomError } from "../../core/model/errors.ts";
import { LOG_STREAMS, type LogStream, type TaskLogPart } from "../../core/model/task-log.ts";
import type { SmallRequest } from "../../protocol/client/client-request.ts";
import type { LogAnswer } from "../../protocol/client/log-part.ts";
import { raceAbort } from "../abort.ts";
import type { WaitOptions } from "../futures/options.ts";

export type LogOptions = WaitOptions & {
  /** Goes on until the attempt ends; default: false, what there is now. */
  readonly follow?: boolean;
  /** Default: both, stdout first; when followed, each as it comes. */
  readonly stream?: LogStream;
};

/** A piece of what a task wrote. */
export type LogChunk = {
  readonly stream: LogStream;
  readonly bytes: Buffer;
  /** Bytes of this stream, before these, that were not kept. */
  readonly skippedBytes: number;
};

type Waiting = {
  readonly resolve: (part: TaskLogPart | undefined) => void;
  readonly reject: (error: Error) => void;
};

/** Reads logs a part at a time, and asks for the next when the caller wants it: so nothing piles up. */
export class LogReader {
  readonly #send: (request: SmallRequest) => void;
  readonly #waiting = new Map<number, Waiting & { readonly request: SmallRequest }>();
  #lastRequest = 0;

  constructor(send: (request: SmallRequest) => void) {
    this.#send = send;
  }

  onPart({ request, part }: LogAnswer): void {
    const waiting = this.#waiting.get(request);
    this.#waiting.delete(request);
    waiting?.resolve(part);
  }

  /** The client has come back, and what it asked for is forgotten. */
  askAgain(): void {
    for (const { request } of this.#waiting.values()) this.#send(request);
  }

  rejectAll(error: HyperloomError): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  async *read(
    id: number,
    query: string,
    { follow = false, stream, signal }: LogOptions,
  ): AsyncGenerator<LogChunk, void, undefined> {
    const streams = stream === undefined ? LOG_STREAMS : [stream];
    const readers = streams.map((name) => this.#readStream(id, query, name, follow, signal));
    if (follow && readers.length > 1) yield* merge(readers);
    else for (const reader of readers) yield* reader;
  }

  async *#readStream(
    id: number,
    query: string,
    stream: LogStream,
    isFollowing: boolean,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<LogChunk, void, undefined> {
    for (let position = 0; ; ) {
      signal?.throwIfAborted();
      const asked = this.#ask({ id, query, stream, position, isFollowing });
      const part = await raceAbort(asked, signal);
      if (part === undefined) return;
      const { bytes, next, skippedBytes, isEnd } = part;
      if (bytes.length > 0) yield { stream, bytes: Buffer.from(bytes), skippedBytes };
      if (isEnd || (bytes.length === 0 && !isFollowing)) return;
      position = next;
    }
  }

  #ask(
    question: Omit<Extract<SmallRequest, { kind: "readLog" }>, "kind" | "request">,
  ): Promise<TaskLogPart | undefined> {
    this.#lastRequest = (this.#lastRequest + 1) & 0x7fff_ffff;
    const number = this.#lastRequest;
    const request: SmallRequest = { kind: "readLog", request: number, ...question };
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject, request });
      this.#send(request);
    });
  }
}

/** What comes first is yielded first. */
async function* merge(
  readers: readonly AsyncGenerator<LogChunk, void, undefined>[],
): AsyncGenerator<LogChunk, void, undefined> {
  const next = (reader: AsyncGenerator<LogChunk, void, undefined>) =>
    reader.next().then((result) => ({ reader, result }));
  const coming = new Map(readers.map((reader) => [reader, next(reader)]));
  while (coming.size > 0) {
    const { reader, result } = await Promise.race(coming.values());
    if (result.done === true) coming.delete(reader);
    else {
      coming.set(reader, next(reader));
      yield result.value;
    }
  }
}
