import { connect, type Socket } from "node:net";
import type { AssignedTasks } from "../../src/core/model/batches.ts";
import { DATA_TYPE } from "../../src/core/model/symbols.ts";
import { encodeRegister, type NamedAmount } from "../../src/protocol/client/register.ts";
import { MAX_TO_WORKER_BODY_BYTES } from "../../src/protocol/limits.ts";
import { ByteWriter } from "../../src/protocol/wire/byte-writer.ts";
import { decodeToWorker, encodeFromWorker } from "../../src/protocol/worker/codec.ts";
import { FrameReader } from "../../src/protocol/worker/frame-reader.ts";
import {
  type FromWorker,
  type ToWorker,
  WORKER_PROTOCOL_VERSION,
} from "../../src/protocol/worker/messages.ts";
import { carriedTexts } from "../core/scheduler/fake-cluster.ts";

/** A worker that computes nothing: the test says what it reports. */
export type StubWorker = {
  readonly socket: Socket;
  readonly received: ToWorker[];
  send(message: FromWorker): void;
  /** Resolves with the first message, also a past one, of that kind that is not taken yet. */
  take<Kind extends ToWorker["kind"]>(kind: Kind): Promise<Extract<ToWorker, { kind: Kind }>>;
  /** Reports all tasks of a batch as finished, with objects of 8 bytes; `texts` are results that ride along. */
  finish(batch: AssignedTasks, texts?: readonly string[]): void;
  close(): void;
};

export function startStubWorker(
  port: number,
  {
    cpus = 2,
    resources = [],
    taskTypes = [],
    // Nobody listens there: who wants the data of a stub finds nothing.
    dataPort = 1,
  }: {
    readonly cpus?: number;
    readonly resources?: readonly NamedAmount[];
    readonly taskTypes?: readonly string[];
    readonly dataPort?: number;
  } = {},
): StubWorker {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const reader = new FrameReader(MAX_TO_WORKER_BODY_BYTES);
  const received: ToWorker[] = [];
  const taken = new Set<ToWorker>();
  let onMessage = (): void => {};
  socket.on("data", (chunk) => {
    for (const { kind, body } of reader.feed(chunk)) received.push(decodeToWorker(kind, body));
    onMessage();
  });
  socket.on("error", () => {});
  const writer = new ByteWriter();
  encodeRegister(writer, {
    type: "worker",
    port: dataPort,
    taskTypes,
    dataTypes: [],
    cpus,
    capabilities: [],
    resources,
    workerProtocolVersion: WORKER_PROTOCOL_VERSION,
  });
  socket.write(writer.take());
  const send = (message: FromWorker): void => void socket.write(encodeFromWorker(message));
  return {
    socket,
    received,
    send,
    async take(kind) {
      for (;;) {
        const found = received.find((message) => message.kind === kind && !taken.has(message));
        if (found !== undefined) {
          taken.add(found);
          return found as Extract<ToWorker, { kind: typeof kind }>;
        }
        await new Promise<void>((resolve) => {
          onMessage = resolve;
        });
      }
    },
    finish: (batch, texts) => {
      const count = batch.tasks.length;
      send({
        kind: "tasks-finished",
        finished: {
          tasks: batch.tasks,
          attempts: batch.attempts,
          sizesBytes: new Float64Array(count).fill(8),
          lengths: new Float64Array(count),
          dataTypes: new Uint16Array(count).fill(DATA_TYPE.data),
          durationsUs: new Float32Array(count).fill(5),
          carried: texts === undefined ? undefined : carriedTexts(texts),
        },
      });
    },
    close: () => void socket.destroy(),
  };
}
