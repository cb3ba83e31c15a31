import type { Pass } from "../access/pass.ts";
import { decodeClientResponse } from "../protocol/client/client-response.ts";
import { FRAME_HEADER_BYTES } from "../protocol/client/frame.ts";
import { encodeRegister, type Register } from "../protocol/client/register.ts";
import { MAX_TO_WORKER_BODY_BYTES } from "../protocol/limits.ts";
import { ProtocolError } from "../protocol/protocol-error.ts";
import { ByteWriter } from "../protocol/wire/byte-writer.ts";
import { decodeToWorker, encodeFromWorker } from "../protocol/worker/codec.ts";
import { FrameReader } from "../protocol/worker/frame-reader.ts";
import type { FromWorker, ToWorker } from "../protocol/worker/messages.ts";
import { connectTcp } from "../transport/connect-tcp.ts";
import type { TcpConnection } from "../transport/tcp-connection.ts";

export type ServerLinkHandlers = {
  readonly onMessage: (message: ToWorker) => void;
  /** Called once: the server refused us, ended, broke the protocol or is gone. */
  readonly onEnd: (reason: string, isRefused: boolean) => void;
};

/** The connection to the server: a registration, then the worker protocol. */
export type ServerLink = {
  readonly connection: TcpConnection;
  register(register: Register): void;
  send(message: FromWorker): void;
};

export type ServerLinkOptions = {
  readonly host: string;
  readonly port: number;
  /** How long a refused connection is tried again. */
  readonly retryForMs: number;
  readonly signal?: AbortSignal;
  /** What is shown to the server, and which servers are trusted: what they send is run here. */
  readonly pass: Pass;
};

/** Rejects with a NotReachableError, or the signal's reason. */
export async function connectToServer(
  options: ServerLinkOptions,
  { onMessage, onEnd }: ServerLinkHandlers,
): Promise<ServerLink> {
  const frames = new FrameReader(MAX_TO_WORKER_BODY_BYTES);
  let isFirst = true;
  let isOver = false;
  /** The first bytes, until it is clear which protocol they are of. */
  let head = Buffer.alloc(0);

  const end = (reason: string, isRefused = false): void => {
    if (isOver) return;
    isOver = true;
    onEnd(reason, isRefused);
  };

  /** A server that refuses a worker says so in the client protocol, whose frames begin with 8 bytes of length. */
  const readFirst = (chunk: Uint8Array): Uint8Array | undefined => {
    head = Buffer.concat([head, chunk]);
    if (head.length < FRAME_HEADER_BYTES) return undefined;
    if (head.readUInt32LE(4) !== 0) {
      isFirst = false;
      return head;
    }
    const bodyBytes = head.readUInt32LE(0);
    if (head.length < FRAME_HEADER_BYTES + bodyBytes) return undefined;
    const body = head.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + bodyBytes);
    const response = decodeClientResponse(body);
    end(response.kind === "error" ? response.error.message : `answered ${response.kind}`, true);
    return undefined;
  };

  const onData = (chunk: Uint8Array): void => {
    if (isOver) return;
    try {
      const bytes = isFirst ? readFirst(chunk) : chunk;
      if (bytes === undefined) return;
      for (const { kind, body } of frames.feed(bytes)) {
        if (!isOver) onMessage(decodeToWorker(kind, body));
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      end(`it broke the protocol: ${error.message}`);
    }
  };

  const { pass } = options;
  const security = pass.securityFor("server");
  const connection = await connectTcp({ ...options, security }, () => ({
    onData,
    onClose: (error) => end(error === undefined ? "it closed the connection" : error.message),
  }));
  return {
    connection,
    register: (register) => {
      const writer = new ByteWriter();
      const isSealed = connection.certifiedRole !== undefined;
      const token = isSealed ? undefined : pass.proofFor(connection);
      encodeRegister(writer, { ...register, token });
      connection.send(writer.take());
    },
    send: (message) => connection.send(encodeFromWorker(message)),
  };
}
