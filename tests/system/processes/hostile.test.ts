import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { tasks } from "../../../src/client/index.ts";
import { BUILTIN_SYMBOLS } from "../../../src/core/model/symbols.ts";
import {
  decodeClientRequest,
  encodeSmallRequest,
} from "../../../src/protocol/client/client-request.ts";
import { PlanRefusal } from "../../../src/protocol/client/plan-context.ts";
import { encodeRegister } from "../../../src/protocol/client/register.ts";
import { decodeFromPuller, encodeFromPuller } from "../../../src/protocol/peer/codec.ts";
import { PEER_PROTOCOL_VERSION } from "../../../src/protocol/peer/messages.ts";
import { ProtocolError } from "../../../src/protocol/protocol-error.ts";
import { ByteWriter } from "../../../src/protocol/wire/byte-writer.ts";
import { decodeFromWorker } from "../../../src/protocol/worker/codec.ts";
import { WORKER_PROTOCOL_VERSION } from "../../../src/protocol/worker/messages.ts";
import { membershipStatement, proveKey } from "../../../src/transport/security/connection-proof.ts";
import { endsOf } from "../../../src/transport/tcp-connection.ts";
import { startStubWorker } from "../../server/stub-worker.ts";
import { startCluster } from "./cluster.ts";
import { type HostileMessages, hostilePulls, hostileReports, hostileRequests } from "./hostile.ts";

const MESSAGES = 3_400;
const PER_CONNECTION = 25;

type Port = {
  readonly port: number;
  /** What makes a connection a known one. */
  readonly introduction: Uint8Array | ((socket: Socket) => Uint8Array);
  readonly messages: HostileMessages;
  /** Whether the receiver can go on after the message; throws a ProtocolError where it cannot. */
  readonly decode: (message: Uint8Array) => void;
  /** Something that is always the end of the connection. */
  readonly ending: Uint8Array;
};

/**
 * Sends messages on connections that were introduced. Each connection ends at its first message
 * that nobody can go on after, so that all messages that are sent come to a decoder; returns how
 * many these are, and how many of them are undecodable.
 */
async function attack({ port, introduction, messages, decode, ending }: Port) {
  let reached = 0;
  let broken = 0;
  while (reached < MESSAGES) {
    const parts: Uint8Array[] = [];
    let isBroken = false;
    for (let i = 0; i < PER_CONNECTION && !isBroken; i += 1) {
      const message = messages.next();
      parts.push(message);
      isBroken = !isSound(decode, message);
      // A wrong length is found before any decoder sees the message.
      if (hasRightLength(message)) reached += 1;
    }
    if (isBroken) broken += 1;
    else parts.push(ending);
    const introduced = (socket: Socket): Uint8Array =>
      Buffer.concat([
        typeof introduction === "function" ? introduction(socket) : introduction,
        ...parts,
      ]);
    await untilClosed(port, introduced, isBroken);
  }
  return { reached, broken };
}

function isSound(decode: (message: Uint8Array) => void, message: Uint8Array): boolean {
  if (!hasRightLength(message)) return false;
  try {
    decode(message);
    return true;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return error instanceof PlanRefusal;
  }
}

/** Both framings begin with the length of the body behind a header of 8 bytes, in their low 4 bytes. */
function hasRightLength(message: Uint8Array): boolean {
  const view = new DataView(message.buffer, message.byteOffset);
  return view.getUint32(0, true) === message.length - 8;
}

/** The server closes after whatever is broken; what a wrong length leaves open, we end. */
function untilClosed(
  port: number,
  bytesFor: (socket: Socket) => Uint8Array,
  mayStayOpen: boolean,
): Promise<void> {
  return new Promise((resolve) => {
    const socket: Socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => {});
    socket.once("close", () => resolve());
    socket.resume();
    socket.once("connect", () => {
      if (mayStayOpen) socket.end(bytesFor(socket));
      else socket.write(bytesFor(socket));
    });
  });
}

const written = (write: (writer: ByteWriter) => void): Uint8Array => {
  const writer = new ByteWriter();
  write(writer);
  return writer.take();
};

test("10,000 hostile messages end neither server nor workers", async () => {
  await using cluster = await startCluster({ workers: 2 });
  const client = await cluster.connect();
  const kept = client.submit(tasks.merge([tasks.const("kept")]));
  await kept.wait();
  const stub = startStubWorker(cluster.port, { cpus: 0 });
  const { serverId, memberKey } = await stub.take("welcome");
  const { peers } = await stub.take("peers");
  stub.close();

  const register = { taskTypes: [], dataTypes: [], capabilities: ["notices"], resources: [] };
  const client_ = await attack({
    port: cluster.port,
    introduction: written((writer) => encodeRegister(writer, { ...register, type: "client" })),
    messages: hostileRequests(1),
    decode: (message) =>
      void decodeClientRequest(message.subarray(8), {
        resolveSymbol: () => undefined,
        isTaskType: (id) => id < BUILTIN_SYMBOLS.length,
        isResource: (id) => id === 6,
      }),
    ending: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0xff),
  });
  const worker = await attack({
    port: cluster.port,
    introduction: written((writer) =>
      encodeRegister(writer, {
        ...register,
        type: "worker",
        port: 1,
        cpus: 0,
        workerProtocolVersion: WORKER_PROTOCOL_VERSION,
      }),
    ),
    messages: hostileReports(2),
    decode: decodeBody((kind, body) => void decodeFromWorker(kind, body)),
    ending: Uint8Array.of(0, 0, 0, 0, 99, 0, 0, 0),
  });
  const peer = await attack({
    port: peers[0]?.port ?? 0,
    introduction: (socket) =>
      encodeFromPuller({
        kind: "hello",
        serverId,
        version: PEER_PROTOCOL_VERSION,
        workerId: 9,
        port: 0,
        proof: proveKey(memberKey, endsOf(socket), membershipStatement(serverId, 9)),
      }),
    messages: hostilePulls(3, serverId),
    decode: decodeBody((kind, body) => void decodeFromPuller(kind, body)),
    ending: Uint8Array.of(0, 0, 0, 0, 99, 0, 0, 0),
  });
  for (const { reached, broken } of [client_, worker, peer]) {
    expect(reached).toBeGreaterThanOrEqual(MESSAGES);
    expect(broken).toBeGreaterThan(20);
  }

  expect((await client.stats()).workers).toBe(2);
  expect((await kept.gather()).toString()).toBe("kept");
  const after = client.submit([1, 2, 3, 4].map((i) => tasks.run(["echo", String(i)])));
  expect((await client.gather(after)).map(String)).toEqual(["1\n", "2\n", "3\n", "4\n"]);
}, 120_000);

function decodeBody(decode: (kind: number, body: Uint8Array) => void) {
  return (message: Uint8Array): void => {
    const view = new DataView(message.buffer, message.byteOffset);
    if (view.getUint16(6, true) !== 0) throw new ProtocolError("no frame");
    decode(view.getUint16(4, true), message.subarray(8));
  };
}

test("what never registers is closed, and what says nonsense first is told why", async () => {
  await using cluster = await startCluster({ workers: 1 });
  await untilClosed(cluster.port, () => Buffer.from("GET / HTTP/1.1\r\n\r\n"), false);
  await untilClosed(cluster.port, () => Buffer.alloc(1 << 20, 0x41), false);
  const register = encodeSmallRequest;
  await untilClosed(
    cluster.port,
    () => written((writer) => register(writer, { kind: "stats" })),
    false,
  );
  const client = await cluster.connect();
  expect((await client.stats()).workers).toBe(1);
});
