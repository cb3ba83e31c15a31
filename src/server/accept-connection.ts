import { encodeClientResponse } from "../protocol/client/client-response.ts";
import { REGISTER_FRAME } from "../protocol/client/frame-limit.ts";
import { FrameSplitter } from "../protocol/client/frame-splitter.ts";
import { decodeRegister, type Register } from "../protocol/client/register.ts";
import { ProtocolError } from "../protocol/protocol-error.ts";
import { ByteWriter } from "../protocol/wire/byte-writer.ts";
import type { TcpConnection, TcpHandlers } from "../transport/tcp-connection.ts";
import { type Admission, admit, type Doorkeeping } from "./admit.ts";
import { startClientSession } from "./clients/client-session.ts";
import type { Engine } from "./engine.ts";
import { startWorkerSession } from "./workers/worker-session.ts";

/** Whoever connects says who it is within this time. */
const REGISTER_TIMEOUT_MS = 10_000;

type Admitted = Extract<Admission, { kind: "admitted" }>;

type Session = {
  onData(chunk: Uint8Array): void;
  onClose(error: Error | undefined): void;
};

/**
 * Waits for the registration and lets in whoever may, then hands the connection to the session of a
 * client or of a worker.
 */
export function acceptConnection(
  engine: Engine,
  connection: TcpConnection,
  doorkeeping: Doorkeeping,
): TcpHandlers {
  const splitter = new FrameSplitter(REGISTER_FRAME);
  let session: Session | undefined;
  let isExamined = false;
  const timer = setTimeout(() => refuse("no registration came"), REGISTER_TIMEOUT_MS);

  const refuse = (reason: string): void => {
    clearTimeout(timer);
    doorkeeping.logRefusal(connection.remote, reason);
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
    isExamined = true;
    // What it sends meanwhile waits on its side.
    connection.pause();
    void admit(doorkeeping, connection, registration).then((admission) => {
      if (connection.isClosed || session !== undefined) return;
      connection.resume();
      if (admission.kind === "refused") refuse(admission.reason);
      else orRefuse(() => start(registration, admission));
    });
  };

  const start = (registration: Register, { role }: Admitted): void => {
    clearTimeout(timer);
    connection.admit();
    if (role !== "worker") {
      session = startClientSession(engine, connection, registration, splitter, role);
      // What came together with the registration.
      session.onData(new Uint8Array(0));
      return;
    }
    const rest = splitter.takeRest();
    session = startWorkerSession(engine, connection, registration);
    if (rest.length > 0) session.onData(rest);
  };

  const orRefuse = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      refuse(error.message);
    }
  };

  return {
    onData(chunk) {
      if (session !== undefined) {
        session.onData(chunk);
        return;
      }
      splitter.push(chunk);
      if (!isExamined) orRefuse(register);
    },
    onClose(error) {
      clearTimeout(timer);
      session?.onClose(error);
    },
  };
}
