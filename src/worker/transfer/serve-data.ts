import type { Log } from "../../core/base/log.ts";
import { LARGE_OBJECT_BYTES, type UploadDecision, Uploads } from "../../core/worker/uploads.ts";
import { MAX_PULL_BODY_BYTES } from "../../protocol/limits.ts";
import { decodeFromPuller, encodeFromHolder } from "../../protocol/peer/codec.ts";
import {
  FORMAT_CLIENT_FRAMES,
  FORMAT_TREE_OR_FILES,
  type FromPuller,
  type PullRequests,
} from "../../protocol/peer/messages.ts";
import { ProtocolError } from "../../protocol/protocol-error.ts";
import { FrameReader } from "../../protocol/worker/frame-reader.ts";
import type { PeerAddress } from "../../protocol/worker/messages.ts";
import { isOfThisMachine } from "../../transport/security/addresses.ts";
import {
  holderStatement,
  isProofOfPeer,
  membershipStatement,
  proveKey,
} from "../../transport/security/connection-proof.ts";
import type { TcpConnection, TcpHandlers } from "../../transport/tcp-connection.ts";
import type { Store } from "../store/store.ts";
import type { ValueId } from "../store/value-id.ts";
import { createTurnBudget } from "../turn-budget.ts";
import { handOverName, type SharedFiles } from "./hand-over.ts";
import { sendClientFrames, sendTree, UnreadableError } from "./send-value.ts";

/** Requests of one puller that wait; beyond them nothing is read from it. */
const WAITING_REQUESTS_MAX = 65_536;
/** Whoever connects says who it is within this time. */
const HELLO_TIMEOUT_MS = 10_000;

export type DataServerOptions = {
  readonly store: Store;
  /** Which pullers belong to this worker's server; undefined before that has welcomed it. */
  readonly membership: () => Membership | undefined;
  /** What is shown to workers on the same file system; undefined hands over no files. */
  readonly shared: SharedFiles | undefined;
  readonly log: Log;
};

export type Membership = {
  /** Who does not name it is refused. */
  readonly serverId: string;
  /** On a connection without TLS, whoever does not prove that he has it is refused. */
  readonly memberKey: Uint8Array;
  /** What a ticket of a client allows, the first time; undefined for one that is not good. */
  readonly redeem: (
    ticket: Uint8Array,
  ) => { readonly task: number; readonly attempt: number } | undefined;
};

type Hello = Extract<FromPuller, { readonly kind: "hello" }>;

/** Serves the data objects of the store to all connections to the data port. */
export type DataServer = {
  serve(connection: TcpConnection): TcpHandlers;
  /** The object has been dropped. */
  onDropped(task: number, attempt: number): void;
  /** What it was being sent is given up. */
  onPeerLost(workerId: number): void;
  /** Large objects on their way to other workers, as bytes. */
  readonly activeCount: number;
  /** Those that have gone out whole. */
  readonly servedCount: number;
};

/** One request for one object. */
type Ask = {
  readonly key: string;
  readonly puller: PeerAddress | undefined;
  readonly mayRedirect: boolean;
  readonly hasComeBack: boolean;
  readonly requestId: number;
  readonly task: number;
  readonly attempt: number;
  readonly format: number;
  readonly fromBytes: number;
  readonly decide: (decision: Decision) => void;
};
type Decision = UploadDecision<PeerAddress, Ask>;

/** The connections of each worker that pulls: one, or two for a moment. */
type PeerConnections = Map<number, Set<TcpConnection>>;

const keyOf = (task: number, attempt: number): string => `${task}:${attempt}`;

export function createDataServer(options: DataServerOptions): DataServer {
  const uploads = new Uploads<PeerAddress, Ask>();
  const peers: PeerConnections = new Map();
  return {
    serve: (connection) => serveConnection(connection, uploads, peers, options),
    onDropped: (task, attempt) => {
      if (uploads.lineCount > 0) uploads.forget(keyOf(task, attempt));
    },
    onPeerLost: (workerId) => {
      for (const connection of peers.get(workerId) ?? []) connection.destroy();
    },
    get activeCount() {
      return uploads.activeCount;
    },
    get servedCount() {
      return uploads.servedCount;
    },
  };
}

/** One puller: a worker, the server, or a client with a ticket. */
function serveConnection(
  connection: TcpConnection,
  uploads: Uploads<PeerAddress, Ask>,
  peers: PeerConnections,
  { store, membership, shared, log }: DataServerOptions,
): TcpHandlers {
  const { values } = store;
  const frames = new FrameReader(MAX_PULL_BODY_BYTES);
  let isGreeted = false;
  let puller: PeerAddress | undefined;
  /** The only object that a client with a ticket gets. */
  let allowed: string | undefined;
  /** The puller sees our files. */
  let seesFiles = false;
  const waiting: PullRequests[] = [];
  let waitingCount = 0;
  const canceled = new Set<number>();
  /** Large objects that wait for their turn, and those whose turn has come. */
  const parked = new Map<number, Ask>();
  const granted: Ask[] = [];
  /** Large objects that were sent and are not known to have come. */
  const unconfirmed = new Map<number, Ask>();
  let isAnswering = false;

  const refuse = (reason: string): void => {
    log("warning", "refused a puller of data", { peer: connection.remote, reason });
    connection.send(encodeFromHolder({ kind: "refused", reason }));
    connection.end();
  };

  const helloTimer = setTimeout(() => refuse("no hello came"), HELLO_TIMEOUT_MS).unref();

  const answerMissing = (requestId: number): void => {
    connection.send(encodeFromHolder({ kind: "missing", requestId }));
  };

  /** Large objects that go as bytes to other workers are few at a time. */
  const needsTurn = ({ format }: Ask, value: ValueId): boolean =>
    puller !== undefined &&
    format !== FORMAT_CLIENT_FRAMES &&
    values.sizeBytes(value) >= LARGE_OBJECT_BYTES &&
    !(seesFiles && format === FORMAT_TREE_OR_FILES);

  const decide = (decision: Decision): void => {
    const { upload } = decision;
    parked.delete(upload.requestId);
    if (decision.kind === "redirect") {
      const { requestId } = upload;
      connection.send(encodeFromHolder({ kind: "redirected", requestId, peer: decision.to }));
    } else if (connection.isClosed) endUpload(upload, false);
    else {
      granted.push(upload);
      startAnswering();
    }
  };

  const endUpload = (ask: Ask, isComplete: boolean): void => {
    for (const decision of uploads.end(ask, isComplete)) decision.upload.decide(decision);
  };

  const findValue = ({ key, task, attempt }: Ask): ValueId | undefined =>
    allowed !== undefined && allowed !== key ? undefined : store.objects.get(task, attempt);

  const answerOne = async (ask: Ask): Promise<void> => {
    const value = canceled.delete(ask.requestId) ? undefined : findValue(ask);
    if (value === undefined) answerMissing(ask.requestId);
    else if (!needsTurn(ask, value)) await sendValue(ask, value);
    else {
      const decision = uploads.ask(ask);
      if (decision === undefined) parked.set(ask.requestId, ask);
      else if (decision.kind === "redirect") decide(decision);
      else await sendInTurn(ask);
    }
  };

  /** Its turn ends when the puller has it, says that it will not, or is gone. */
  const sendInTurn = async (ask: Ask): Promise<void> => {
    const value = findValue(ask);
    unconfirmed.set(ask.requestId, ask);
    let isSent = false;
    try {
      if (value === undefined) answerMissing(ask.requestId);
      else isSent = await sendValue(ask, value);
    } finally {
      if (!isSent || connection.isClosed) confirm(ask.requestId, false);
    }
  };

  const confirm = (requestId: number, isComplete: boolean): void => {
    const ask = unconfirmed.get(requestId);
    if (ask === undefined) return;
    unconfirmed.delete(requestId);
    endUpload(ask, isComplete);
  };

  /** False if it could not be read, which was told. */
  const sendValue = async (ask: Ask, value: ValueId): Promise<boolean> => {
    const { requestId, format } = ask;
    values.retain(value);
    try {
      if (format === FORMAT_CLIENT_FRAMES) {
        await sendClientFrames(connection, values, requestId, value, ask.fromBytes);
      } else {
        const isShared = seesFiles && format === FORMAT_TREE_OR_FILES;
        await sendTree(connection, values, requestId, value, isShared ? handOverName : undefined);
      }
      return true;
    } catch (error) {
      if (!(error instanceof UnreadableError)) throw error;
      const reason = error.message;
      log("warning", "cannot read a data object for a puller", { peer: connection.remote, reason });
      connection.send(encodeFromHolder({ kind: "failed", requestId, reason }));
      return false;
    } finally {
      values.release(value);
    }
  };

  const askAt = (requests: PullRequests, i: number): Ask => {
    const task = requests.tasks[i] as number;
    const attempt = requests.attempts[i] as number;
    return {
      key: keyOf(task, attempt),
      puller,
      mayRedirect: requests.mayRedirect[i] !== 0,
      hasComeBack: requests.mayRedirect[i] === 2,
      requestId: requests.requestIds[i] as number,
      task,
      attempt,
      format: requests.formats[i] as number,
      fromBytes: requests.fromBytes[i] as number,
      decide,
    };
  };

  const answerAll = async (): Promise<void> => {
    const budget = createTurnBudget();
    for (;;) {
      for (let ask = granted.shift(); ask !== undefined; ask = granted.shift()) {
        await sendInTurn(ask);
      }
      const requests = waiting.shift();
      if (requests === undefined) break;
      for (let i = 0; i < requests.requestIds.length; i++) {
        if (connection.isClosed) return;
        await answerOne(askAt(requests, i));
        waitingCount -= 1;
        if (budget.isSpent()) await budget.renew();
      }
      if (waitingCount < WAITING_REQUESTS_MAX) connection.resume();
    }
    canceled.clear();
  };

  const startAnswering = (): void => {
    if (isAnswering) return;
    isAnswering = true;
    answerAll()
      .catch((error: Error) => {
        // In the middle of an answer there is no way to say so but the end of the stream.
        if (connection.isClosed) return;
        log("warning", "gave up a puller in the middle of an object", {
          peer: connection.remote,
          reason: error.message,
        });
        connection.destroy();
      })
      .finally(() => {
        isAnswering = false;
        if (connection.isClosed) endGranted();
        else if (granted.length > 0 || waiting.length > 0) startAnswering();
      });
  };

  /** Nobody is there to be sent what was granted. */
  const endGranted = (): void => {
    for (const ask of granted.splice(0)) endUpload(ask, false);
  };

  const isMember = (hello: Hello, { memberKey }: Membership): boolean => {
    const { certifiedRole } = connection;
    if (certifiedRole !== undefined)
      return certifiedRole === "worker" || certifiedRole === "server";
    const statement = membershipStatement(hello.serverId, hello.workerId);
    return isProofOfPeer(hello.proof, memberKey, connection, statement);
  };

  const greet = (message: FromPuller): void => {
    if (message.kind !== "hello" && message.kind !== "ticket") {
      throw new ProtocolError("expected a hello first");
    }
    const member = membership();
    const { certifiedRole } = connection;
    if (certifiedRole === undefined && !isOfThisMachine(connection)) {
      throw new ProtocolError("other machines are spoken with by TLS alone");
    }
    if (message.kind === "ticket") {
      const redeemed = member?.redeem(message.ticket);
      if (redeemed === undefined) throw new ProtocolError("this ticket is not good here");
      allowed = keyOf(redeemed.task, redeemed.attempt);
    } else {
      if (member === undefined || message.serverId !== member.serverId) {
        throw new ProtocolError("this worker belongs to another server");
      }
      if (!isMember(message, member)) {
        throw new ProtocolError("only the server and its workers are given data without a ticket");
      }
      const { workerId, port } = message;
      const isWorker = port !== 0;
      const tokenPath = isWorker ? (shared?.tokenPath ?? "") : "";
      const dataDirectory = tokenPath === "" ? "" : values.files.directory;
      const proof =
        certifiedRole === undefined
          ? proveKey(member.memberKey, connection, holderStatement(message.serverId))
          : new Uint8Array(0);
      connection.send(encodeFromHolder({ kind: "welcome", tokenPath, dataDirectory, proof }));
      if (isWorker) {
        puller = { workerId, host: connection.remoteHost, port };
        const known = peers.get(workerId) ?? new Set();
        peers.set(workerId, known.add(connection));
      }
    }
    isGreeted = true;
    connection.admit();
    clearTimeout(helloTimer);
  };

  const cancel = (requestId: number): void => {
    const ask = parked.get(requestId);
    if (ask !== undefined) {
      parked.delete(requestId);
      uploads.leave(ask);
      answerMissing(requestId);
    } else if (canceled.size < waitingCount) {
      // One for each waiting request at most, whoever sends them.
      canceled.add(requestId);
    }
  };

  const onMessage = (message: FromPuller): void => {
    if (!isGreeted) {
      greet(message);
      return;
    }
    switch (message.kind) {
      case "hello":
      case "ticket":
        throw new ProtocolError("a second hello");
      case "proof":
        seesFiles = shared !== undefined && message.token === shared.token;
        return;
      case "pull":
        waiting.push(message.requests);
        waitingCount += message.requests.requestIds.length;
        if (waitingCount > WAITING_REQUESTS_MAX) connection.pause();
        startAnswering();
        return;
      case "taken":
        confirm(message.requestId, message.isComplete);
        return;
      case "cancel":
        cancel(message.requestId);
        return;
    }
  };

  return {
    onData: (chunk) => {
      try {
        for (const { kind, body } of frames.feed(chunk)) onMessage(decodeFromPuller(kind, body));
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        refuse(error.message);
      }
    },
    onClose: () => {
      clearTimeout(helloTimer);
      waiting.length = 0;
      for (const ask of parked.values()) uploads.leave(ask);
      parked.clear();
      for (const requestId of [...unconfirmed.keys()]) confirm(requestId, false);
      if (puller !== undefined) {
        const known = peers.get(puller.workerId);
        known?.delete(connection);
        if (known?.size === 0) peers.delete(puller.workerId);
      }
      if (!isAnswering) endGranted();
    },
  };
}
