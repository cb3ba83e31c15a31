import type { DataLocation } from "../../protocol/client/data-location.ts";
import { PAYLOAD_FRAME } from "../../protocol/client/frame-limit.ts";
import { FrameSplitter } from "../../protocol/client/frame-splitter.ts";
import { FORMAT_CLIENT_FRAMES } from "../../protocol/peer/messages.ts";
import { ProtocolError } from "../../protocol/protocol-error.ts";
import { openPullConnection, type PullConnection } from "../../transport/pull-connection.ts";
import type { ConnectSecurity } from "../../transport/security/connect-securely.ts";
import type { ResultSink } from "../results/result-sink.ts";
import type { FetchRequest } from "./fetch-queue.ts";
import { type PayloadProgress, readPayload } from "./read-payload.ts";

/** Results that come at a time: each has a buffer of its size. */
const PULLS_MAX = 4;

export type DirectPullHandlers = {
  readonly security?: ConnectSecurity | undefined;
  /** A symbol, such as `loom/array`. */
  readonly nameOf: (symbolId: number) => string;
  /** The result has come whole, or is to be asked of the server. */
  readonly onEnd: (request: FetchRequest, isComplete: boolean) => void;
};

type Pull = { readonly request: FetchRequest; readonly location: DataLocation };

/** Results that are pulled from the workers that hold them, and do not pass through the server. */
export class DirectPulls {
  readonly #handlers: DirectPullHandlers;
  readonly #waiting: Pull[] = [];
  readonly #active = new Set<PullConnection>();

  constructor(handlers: DirectPullHandlers) {
    this.#handlers = handlers;
  }

  add(request: FetchRequest, location: DataLocation): void {
    this.#waiting.push({ request, location });
    this.#startNext();
  }

  /** Ends all; nobody is told. */
  close(): void {
    this.#waiting.length = 0;
    for (const connection of this.#active) connection.destroy();
    this.#active.clear();
  }

  #startNext(): void {
    while (this.#active.size < PULLS_MAX) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      // What nobody wants any more has come as far as it will; a stream goes on at its reader's pace.
      if (next.request.isCanceled) this.#handlers.onEnd(next.request, true);
      else if (!next.request.sink.canRestart) this.#handlers.onEnd(next.request, false);
      else this.#start(next);
    }
  }

  #start({ request, location }: Pull): void {
    const { host, port, ticket, task, attempt } = location;
    const end = (isComplete: boolean): void => {
      if (!this.#active.delete(connection)) return;
      connection.destroy();
      this.#handlers.onEnd(request, isComplete);
      this.#startNext();
    };
    const receive = createFramesReceiver(request.sink, this.#handlers.nameOf);
    const connection = openPullConnection(
      { host, port, identity: { ticket }, security: this.#handlers.security },
      {
        onAnswer: (answer) => {
          if (answer.kind === "object-frames") receive.begin(answer.typeId, answer.messageCount);
          else end(false);
        },
        onPayload: (bytes) => {
          if (request.isCanceled) end(true);
          else receive.push(bytes);
          return undefined;
        },
        onObjectEnd: () => {
          receive.end();
          end(true);
        },
        onClose: () => end(false),
      },
    );
    this.#active.add(connection);
    connection.pull([{ requestId: 0, task, attempt, format: FORMAT_CLIENT_FRAMES }]);
  }
}

function createFramesReceiver(
  sink: ResultSink,
  nameOf: (symbolId: number) => string,
): {
  begin(typeId: number, frameCount: number): void;
  push(bytes: Uint8Array): void;
  end(): void;
} {
  const splitter = new FrameSplitter(PAYLOAD_FRAME);
  let payload: PayloadProgress | undefined;
  let isComplete = false;
  return {
    begin(typeId, frameCount) {
      sink.begin(nameOf(typeId), frameCount);
      payload = { sink, missingFrames: frameCount, isInFrame: false };
    },
    push(bytes) {
      if (payload === undefined) return;
      splitter.push(bytes);
      isComplete = readPayload(splitter, payload);
    },
    end() {
      if (!isComplete) throw new ProtocolError("a result ended before its last frame");
      sink.end();
    },
  };
}
