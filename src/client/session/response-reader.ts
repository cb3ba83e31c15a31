import {
  type ClientResponse,
  decodeClientResponse,
} from "../../protocol/client/client-response.ts";
import { PAYLOAD_FRAME, RESPONSE_FRAME } from "../../protocol/client/frame-limit.ts";
import { FrameSplitter } from "../../protocol/client/frame-splitter.ts";
import type { ResultsFinished } from "../../protocol/client/results-finished.ts";
import { FinishedIds, scanTasksFinished } from "../../protocol/client/task-finished.ts";
import type { ResultSink } from "../results/result-sink.ts";
import { type PayloadProgress, readPayload } from "./read-payload.ts";

export type ResponseHandlers = {
  readonly onResultsFinished: (results: ResultsFinished) => void;
  /** A result comes: who takes its frames. */
  readonly onData: (id: number, dataType: number, frameCount: number) => ResultSink;
  /** The frames of that result have all come. */
  readonly onDataEnd: (id: number) => void;
  /** Every other response. */
  readonly onResponse: (response: ClientResponse) => void;
};

type Payload = PayloadProgress & { readonly id: number };

/** Splits what the server sends into responses and payload, which is passed on as it comes. */
export class ResponseReader {
  readonly #splitter = new FrameSplitter(RESPONSE_FRAME);
  readonly #finished = new FinishedIds();
  readonly #handlers: ResponseHandlers;
  #payload: Payload | undefined;

  constructor(handlers: ResponseHandlers) {
    this.#handlers = handlers;
  }

  /** Takes the next received bytes, which are not changed from now on. Throws a ProtocolError. */
  push(chunk: Uint8Array): void {
    this.#splitter.push(chunk);
    while (this.#payload === undefined ? this.#readResponse() : this.#readPayload(this.#payload));
  }

  /** False if more bytes are needed. */
  #readResponse(): boolean {
    const finished = this.#finished;
    this.#splitter.scan((bytes, start, end) => scanTasksFinished(bytes, start, end, finished));
    if (finished.count > 0) {
      this.#handlers.onResultsFinished({ ids: finished.take(), carried: undefined });
    }
    const frame = this.#splitter.next();
    if (frame === undefined) return false;
    const response = decodeClientResponse(frame);
    if (response.kind === "data") {
      const { id, dataType, frameCount } = response;
      const sink = this.#handlers.onData(id, dataType, frameCount);
      this.#payload = { id, sink, missingFrames: frameCount, isInFrame: false };
      this.#splitter.limit = PAYLOAD_FRAME;
    } else if (response.kind === "resultsFinished") this.#handlers.onResultsFinished(response);
    else this.#handlers.onResponse(response);
    return true;
  }

  #readPayload(payload: Payload): boolean {
    const splitter = this.#splitter;
    const { id, sink } = payload;
    if (!readPayload(splitter, payload)) return false;
    this.#payload = undefined;
    splitter.limit = RESPONSE_FRAME;
    sink.end();
    this.#handlers.onDataEnd(id);
    return true;
  }
}
