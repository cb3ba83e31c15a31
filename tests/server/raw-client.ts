import { connect, type Socket } from "node:net";
import { encodeSmallRequest, type SmallRequest } from "../../src/protocol/client/client-request.ts";
import type { ClientResponse } from "../../src/protocol/client/client-response.ts";
import { decodeClientResponse } from "../../src/protocol/client/client-response.ts";
import { PAYLOAD_FRAME } from "../../src/protocol/client/frame-limit.ts";
import { FrameSplitter } from "../../src/protocol/client/frame-splitter.ts";
import { PlanEncoder } from "../../src/protocol/client/plan-encoder.ts";
import { encodeRegister, type Register } from "../../src/protocol/client/register.ts";
import { ByteWriter } from "../../src/protocol/wire/byte-writer.ts";

/** A connection that speaks the client protocol message by message, and hides nothing. */
export type RawClient = {
  readonly socket: Socket;
  /** Registers as an existing client does. */
  register(capabilities?: readonly string[]): void;
  registerAs(register: Partial<Register>): void;
  request(request: SmallRequest): void;
  plan(build: (encoder: PlanEncoder) => void, idBase?: number): void;
  raw(bytes: Uint8Array): void;
  /** The next message that is not a payload frame; rejects when the connection closes first. */
  next(): Promise<ClientResponse>;
  /** The next frame as it is. */
  nextFrame(): Promise<Uint8Array>;
  closed: Promise<void>;
  close(): void;
};

export function connectRaw(port: number): RawClient {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const splitter = new FrameSplitter(PAYLOAD_FRAME);
  const frames: Uint8Array[] = [];
  const waiting: { resolve: (frame: Uint8Array) => void; reject: (error: Error) => void }[] = [];
  let isClosed = false;
  socket.on("data", (chunk) => {
    splitter.push(chunk);
    for (let frame = splitter.next(); frame !== undefined; frame = splitter.next()) {
      const waiter = waiting.shift();
      if (waiter === undefined) frames.push(frame);
      else waiter.resolve(frame);
    }
  });
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => {
      isClosed = true;
      for (const { reject } of waiting) reject(new Error("the server closed the connection"));
      resolve();
    });
  });
  const nextFrame = (): Promise<Uint8Array> => {
    const frame = frames.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    if (isClosed) return Promise.reject(new Error("the server closed the connection"));
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  };
  const write = (encode: (writer: ByteWriter) => void): void => {
    const writer = new ByteWriter();
    encode(writer);
    socket.write(writer.take());
  };
  const registerAs = (register: Partial<Register>): void =>
    write((writer) =>
      encodeRegister(writer, {
        type: "client",
        taskTypes: [],
        dataTypes: [],
        capabilities: [],
        resources: [],
        ...register,
      }),
    );
  return {
    socket,
    register: (capabilities = []) => registerAs({ capabilities }),
    registerAs,
    request: (request) => write((writer) => encodeSmallRequest(writer, request)),
    plan(build, idBase = 0) {
      const encoder = new PlanEncoder();
      build(encoder);
      socket.write(encoder.finish(idBase, false));
    },
    raw: (bytes) => void socket.write(bytes),
    next: async () => decodeClientResponse(await nextFrame()),
    nextFrame,
    closed,
    close: () => void socket.destroy(),
  };
}
