import { encodeClientResponse } from "../protocol/client/client-response.ts";
import { REGISTER_FRAME } from "../protocol/client/frame-limit.ts";
import { FrameSplitter } from "../protocol/client/frame-splitter.ts";
import { decodeRegister } from "../protocol/client/register.ts";
import { ProtocolError } from "../protocol/protocol-error.ts";
import { ByteWriter } from "../protocol/wire/byte-writer.ts";
import type { TcpConnection, TcpHandlers } from "../transport/tcp-connection.ts";
import { startClientSession } from "./clients/client-session.ts";
import type { Engine } from "./engine.ts";
import { startWorkerSession } from "./workers/worker-session.ts";

/** Whoever connects says who it is within this time. */
const REGISTER_TIMEOUT_MS = 10_000;

type Session = {
  onData(chunk: Uint8Array): void;
  onClose(error: Error | undefined): void;
};

/** Waits for the registration, then hands the connection to the session of a client or of a worker. */
export function acceptConnection(engine: Engine, connection: TcpConnection): TcpHandlers {
  const splitter = new FrameSplitter(REGISTER_FRAME);
  let session: Session | undefined;
  const timer = setTimeout(() => refuse("no registration came"), REGISTER_TIMEOUT_MS);

  const refuse = (reason: string): void => {
    clearTimeout(timer);
    engine.log("warning", "connection refused", { remote: connection.remote, reason });
    const writer = new ByteWriter();
    encodeClientResponse(writer, { kind: "error", error: { message: reason } });
    connection.send(writer.take());
    connection.end();
    session = { onData: () => {}, onClose: () => {} };
  };

  const register = (): void => {
    const frame = splitter.next();
    if (frame === undefined) return;
    const registration = decodeRegister(frame);
    clearTimeout(timer);
    if (registration.type === "client") {
      session = startClientSession(engine, connection, registration, splitter);
      // What came together with the registration.
      session.onData(new Uint8Array(0));
      return;
    }
    const rest = splitter.takeRest();
    session = startWorkerSession(engine, engine.ids.next++, connection, registration);
    if (rest.length > 0) session.onData(rest);
  };

  return {
    onData(chunk) {
      if (session !== undefined) {
        session.onData(chunk);
        return;
      }
      splitter.push(chunk);
      try {
        register();
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        refuse(error.message);
      }
    },
    onClose(error) {
      clearTimeout(timer);
      session?.onClose(error);
    },
  };
}
