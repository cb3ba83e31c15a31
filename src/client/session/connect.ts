import { createPass, type Pass } from "../../access/pass.ts";
import { HyperloomError } from "../../core/model/errors.ts";
import { encodeRegister, type Register } from "../../protocol/client/register.ts";
import { ByteWriter } from "../../protocol/wire/byte-writer.ts";
import { connectTcp, NotReachableError } from "../../transport/connect-tcp.ts";
import { UntrustedPeerError } from "../../transport/security/connect-securely.ts";
import type { TcpConnection } from "../../transport/tcp-connection.ts";
import { formatAddress, type ServerAddress } from "./address.ts";
import type { Reconnect } from "./comeback.ts";
import { Session } from "./session.ts";

/** Server and client are often started together, so a refused connection is tried again for so long. */
const CONNECT_TIMEOUT_MS = 5000;
/** What this client can take beyond the original protocol. */
const CAPABILITIES = ["notices", "symbols", "carried-results", "direct-data", "cancel"];
/** One try to come back. */
const RECONNECT_TIMEOUT_MS = 5000;

export type ConnectSessionOptions = {
  readonly name: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onNotice: (message: string) => void;
  /** Default: nothing, which is enough for this user's servers of this machine. */
  readonly pass?: Pass | undefined;
  readonly firstTaskId?: number;
  /** For how long it tries to come back when its connection breaks; default: as long as the server waits. */
  readonly reconnectForMs?: number | undefined;
};

/** Connects and registers. Throws a HyperloomError, or the signal's reason. */
export async function connectSession(
  address: ServerAddress,
  options: ConnectSessionOptions,
): Promise<Session> {
  const { name, signal, onNotice, firstTaskId, timeoutMs = CONNECT_TIMEOUT_MS } = options;
  const server = formatAddress(address);
  const { pass = createPass(undefined, "client") } = options;
  const security = pass.securityFor("server");
  const mayReturn = options.reconnectForMs !== 0;
  const register: Register = {
    type: "client",
    taskTypes: [],
    dataTypes: [],
    clientName: name,
    capabilities: mayReturn ? [...CAPABILITIES, "sessions"] : CAPABILITIES,
    resources: [],
    role: pass.role === "viewer" ? "viewer" : undefined,
  };
  const reconnect: Reconnect = async (handlersOf, { id, secret }, abortSignal) => {
    const connection = await connectTcp(
      { ...address, timeoutMs: RECONNECT_TIMEOUT_MS, signal: abortSignal, security },
      handlersOf,
    );
    sendRegister(connection, pass, { ...register, session: id, sessionSecret: secret });
    return connection;
  };
  const session = new Session({
    server,
    onNotice,
    reconnectForMs: options.reconnectForMs,
    ...(mayReturn ? { reconnect } : {}),
    workers: pass.securityFor("worker"),
    ...(firstTaskId === undefined ? {} : { firstTaskId }),
  });
  const startMs = performance.now();
  try {
    const connection = await connectTcp(
      {
        ...address,
        retryForMs: timeoutMs,
        timeoutMs: Math.max(timeoutMs, 1),
        security,
        ...(signal === undefined ? {} : { signal }),
      },
      (opened) => session.attach(opened),
    );
    sendRegister(connection, pass, register);
    await registeredWithin(session, startMs + timeoutMs - performance.now(), server, signal);
    return session;
  } catch (error) {
    await session.close();
    if (error instanceof UntrustedPeerError) {
      throw new HyperloomError(
        "server-untrusted",
        `The server at ${error.message}. Name its access file, by accessFile or HYPERLOOM_ACCESS_FILE.`,
        { cause: error },
      );
    }
    if (!(error instanceof NotReachableError)) throw error;
    throw new HyperloomError(
      "server-unreachable",
      `The server at ${error.message}. Start a server there with loom-server, or give another address.`,
      { cause: error },
    );
  }
}

function sendRegister(connection: TcpConnection, pass: Pass, register: Register): void {
  const writer = new ByteWriter();
  const isSealed = connection.certifiedRole !== undefined;
  const token = isSealed ? undefined : pass.proofFor(connection);
  encodeRegister(writer, { ...register, token });
  connection.send(writer.written());
}

/** Something may listen there that is no server, and never answer. */
async function registeredWithin(
  session: Session,
  timeoutMs: number,
  server: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const limit = new AbortController();
  const timer = setTimeout(
    () =>
      limit.abort(
        new HyperloomError(
          "server-unreachable",
          `${server} accepts connections but does not answer as a HyperLoom server does.`,
        ),
      ),
    Math.max(timeoutMs, 1000),
  );
  try {
    const signals = signal === undefined ? [limit.signal] : [limit.signal, signal];
    await session.registered(AbortSignal.any(signals));
  } finally {
    clearTimeout(timer);
  }
}
