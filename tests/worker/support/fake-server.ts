import { onTestFinished } from "vitest";
import type { AssignedTasks, TaskRefs } from "../../../src/core/model/batches.ts";
import { CPUS } from "../../../src/core/model/symbols.ts";
import { REGISTER_FRAME } from "../../../src/protocol/client/frame-limit.ts";
import { FrameSplitter } from "../../../src/protocol/client/frame-splitter.ts";
import { decodeRegister, type Register } from "../../../src/protocol/client/register.ts";
import { MAX_FROM_WORKER_BODY_BYTES } from "../../../src/protocol/limits.ts";
import { decodeFromWorker, encodeToWorker } from "../../../src/protocol/worker/codec.ts";
import { FrameReader } from "../../../src/protocol/worker/frame-reader.ts";
import type { FromWorker, ToWorker } from "../../../src/protocol/worker/messages.ts";
import { listenTcp } from "../../../src/transport/listen-tcp.ts";
import type { TcpConnection } from "../../../src/transport/tcp-connection.ts";
import { MEMBER_KEY, SERVER_ID } from "./test-peers.ts";

export type TaskSpec = {
  readonly task: number;
  readonly attempt?: number;
  readonly type: number;
  readonly config?: string | Uint8Array;
  readonly inputs?: readonly { readonly task: number; readonly holder: number }[];
  readonly checkpoint?: string;
  readonly flags?: number;
  readonly cpus?: number;
};

/** One worker's connection, as the server sees it. */
export type FakeSession = {
  readonly register: Register;
  readonly connection: TcpConnection;
  send(message: ToWorker): void;
  assign(...tasks: TaskSpec[]): void;
  /** The next message of this kind; the others stay. */
  take<Kind extends FromWorker["kind"]>(kind: Kind): Promise<Extract<FromWorker, { kind: Kind }>>;
  /** What has come and was not taken. */
  readonly received: readonly FromWorker[];
};

export type FakeServer = {
  readonly port: number;
  /** The next worker that registers. It is welcomed with id 1, 2, ... */
  nextWorker(): Promise<FakeSession>;
};

/** Listens like a server, and does only what the test says. */
export async function startFakeServer(
  options: { readonly heartbeatMs?: number; readonly greet?: (session: FakeSession) => void } = {},
): Promise<FakeServer> {
  const sessions: FakeSession[] = [];
  let takenCount = 0;
  const listener = await listenTcp({ host: "127.0.0.1", port: 0 }, (connection) => {
    const splitter = new FrameSplitter(REGISTER_FRAME);
    const frames = new FrameReader(MAX_FROM_WORKER_BODY_BYTES);
    const received: FromWorker[] = [];
    let isRegistered = false;
    return {
      onData: (chunk) => {
        if (isRegistered) {
          for (const { kind, body } of frames.feed(chunk)) {
            const message = decodeFromWorker(kind, body);
            // It comes with heartbeats, whenever those are.
            if (message.kind !== "memory") received.push(message);
          }
          return;
        }
        splitter.push(chunk);
        const frame = splitter.next();
        if (frame === undefined) return;
        isRegistered = true;
        const session = createSession(connection, decodeRegister(frame), received);
        sessions.push(session);
        if (options.greet !== undefined) options.greet(session);
        else {
          session.send({
            kind: "welcome",
            workerId: sessions.length,
            serverId: SERVER_ID,
            clusterId: SERVER_ID,
            receivedFrames: 0,
            heartbeatMs: options.heartbeatMs ?? 1000,
            ticketKey: new Uint8Array(32),
            memberKey: MEMBER_KEY,
          });
        }
      },
      onClose: () => {},
    };
  });
  onTestFinished(() => listener[Symbol.asyncDispose]());
  return {
    port: listener.port,
    nextWorker: async () => {
      const position = takenCount++;
      return until(() => sessions[position], "a worker");
    },
  };
}

function createSession(
  connection: TcpConnection,
  register: Register,
  received: FromWorker[],
): FakeSession {
  const send = (message: ToWorker): void => connection.send(encodeToWorker(message));
  return {
    register,
    connection,
    send,
    assign: (...tasks) => send({ kind: "assign", batch: createBatch(tasks) }),
    received,
    take: async (kind) =>
      until(() => {
        const position = received.findIndex((message) => message.kind === kind);
        return position < 0
          ? undefined
          : (received.splice(position, 1)[0] as Extract<FromWorker, { kind: typeof kind }>);
      }, kind),
  };
}

async function until<Value>(find: () => Value | undefined, what: string): Promise<Value> {
  const limitMs = performance.now() + 20_000;
  for (;;) {
    const found = find();
    if (found !== undefined) return found;
    if (performance.now() > limitMs) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export const refs = (...tasks: number[]): TaskRefs => ({
  tasks: Uint32Array.from(tasks),
  attempts: new Uint32Array(tasks.length).fill(1),
});

function createBatch(tasks: readonly TaskSpec[]): AssignedTasks {
  const details = tasks.map(({ config = "", checkpoint = "" }) => ({
    bytes: Buffer.concat([Buffer.from(config), Buffer.from(checkpoint)]),
    checkpointLength: Buffer.byteLength(checkpoint),
  }));
  const inputs = tasks.flatMap(({ inputs: own = [] }) => own);
  const starts = (counts: readonly number[]): Uint32Array => {
    let sum = 0;
    return Uint32Array.from([0, ...counts.map((count) => (sum += count))]);
  };
  const cpus = tasks.map((task) => task.cpus ?? 0);
  return {
    tasks: Uint32Array.from(tasks, ({ task }) => task),
    attempts: Uint32Array.from(tasks, ({ attempt = 1 }) => attempt),
    taskTypes: Uint16Array.from(tasks, ({ type }) => type),
    flags: Uint8Array.from(tasks, ({ flags = 0 }) => flags),
    clientTasks: Int32Array.from(tasks, ({ task }) => task),
    priorities: new Int32Array(tasks.length),
    requests: Uint16Array.from(tasks, (_, i) => i),
    requestStarts: starts(cpus.map((count) => (count > 0 ? 1 : 0))),
    requestResources: Uint32Array.from(cpus.filter((count) => count > 0).map(() => CPUS)),
    requestAmounts: Uint32Array.from(cpus.filter((count) => count > 0)),
    inputStarts: starts(tasks.map(({ inputs: own = [] }) => own.length)),
    inputTasks: Uint32Array.from(inputs, ({ task }) => task),
    inputAttempts: new Uint32Array(inputs.length).fill(1),
    inputSizesBytes: new Float64Array(inputs.length).fill(1),
    inputHolders: Uint32Array.from(inputs, ({ holder }) => holder),
    detailStarts: starts(details.map(({ bytes }) => bytes.length)),
    checkpointLengths: Uint32Array.from(details, ({ checkpointLength }) => checkpointLength),
    details: Buffer.concat(details.map(({ bytes }) => bytes)),
  };
}
