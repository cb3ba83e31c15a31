import type { Log } from "../../core/base/log.ts";
import { MAX_PULL_BODY_BYTES } from "../../protocol/limits.ts";
import { decodeFromPuller, encodeFromHolder } from "../../protocol/peer/codec.ts";
import {
  FORMAT_CLIENT_FRAMES,
  type FromPuller,
  PEER_PROTOCOL_VERSION,
  type PullRequests,
} from "../../protocol/peer/messages.ts";
import { ProtocolError } from "../../protocol/protocol-error.ts";
import { FrameReader } from "../../protocol/worker/frame-reader.ts";
import type { TcpConnection, TcpHandlers } from "../../transport/tcp-connection.ts";
import type { Store } from "../store/store.ts";
import { createTurnBudget } from "../turn-budget.ts";
import { sendClientFrames, sendTree, UnreadableError } from "./send-value.ts";

/** Requests of one puller that wait; beyond them nothing is read from it. */
const WAITING_REQUESTS_MAX = 65_536;
/** Whoever connects says who it is within this time. */
const HELLO_TIMEOUT_MS = 10_000;

export type ServeDataOptions = {
  readonly store: Store;
  /** Who does not name it is refused. Undefined before the server has welcomed this worker. */
  readonly serverId: string | undefined;
  readonly log: Log;
};

/** Serves the data objects of the store to one connection to the data port: a worker's, or the server's. */
export function serveData(
  connection: TcpConnection,
  { store, serverId, log }: ServeDataOptions,
): TcpHandlers {
  const frames = new FrameReader(MAX_PULL_BODY_BYTES);
  let isGreeted = false;
  const waiting: PullRequests[] = [];
  let waitingCount = 0;
  const canceled = new Set<number>();
  let isAnswering = false;

  const refuse = (reason: string): void => {
    log("warning", "refused a puller of data", { peer: connection.remote, reason });
    connection.send(encodeFromHolder({ kind: "refused", reason }));
    connection.end();
  };

  const helloTimer = setTimeout(() => refuse("no hello came"), HELLO_TIMEOUT_MS).unref();

  const answerOne = async (requests: PullRequests, i: number): Promise<void> => {
    const requestId = requests.requestIds[i] as number;
    const value = canceled.delete(requestId)
      ? undefined
      : store.objects.get(requests.tasks[i] as number, requests.attempts[i] as number);
    if (value === undefined) {
      connection.send(encodeFromHolder({ kind: "missing", requestId }));
      return;
    }
    const { values } = store;
    values.retain(value);
    try {
      if (requests.formats[i] === FORMAT_CLIENT_FRAMES) {
        const fromBytes = requests.fromBytes[i] as number;
        await sendClientFrames(connection, values, requestId, value, fromBytes);
      } else await sendTree(connection, values, requestId, value);
    } catch (error) {
      if (!(error instanceof UnreadableError)) throw error;
      const reason = error.message;
      log("warning", "cannot read a data object for a puller", { peer: connection.remote, reason });
      connection.send(encodeFromHolder({ kind: "failed", requestId, reason }));
    } finally {
      values.release(value);
    }
  };

  const answerAll = async (): Promise<void> => {
    const budget = createTurnBudget();
    for (let requests = waiting.shift(); requests !== undefined; requests = waiting.shift()) {
      for (let i = 0; i < requests.requestIds.length; i++) {
        if (connection.isClosed) return;
        await answerOne(requests, i);
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
      });
  };

  const onMessage = (message: FromPuller): void => {
    if (!isGreeted) {
      if (message.kind !== "hello") throw new ProtocolError("expected a hello first");
      if (message.version !== PEER_PROTOCOL_VERSION) {
        const wanted = `expected version ${PEER_PROTOCOL_VERSION} of the pull protocol`;
        throw new ProtocolError(`${wanted}, got ${message.version}`);
      }
      if (serverId === undefined || message.serverId !== serverId) {
        throw new ProtocolError("this worker belongs to another server");
      }
      isGreeted = true;
      clearTimeout(helloTimer);
      return;
    }
    switch (message.kind) {
      case "hello":
        throw new ProtocolError("a second hello");
      case "pull":
        waiting.push(message.requests);
        waitingCount += message.requests.requestIds.length;
        if (waitingCount > WAITING_REQUESTS_MAX) connection.pause();
        startAnswering();
        return;
      case "cancel":
        // One for each waiting request at most, whoever sends them.
        if (canceled.size < waitingCount) canceled.add(message.requestId);
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
    },
  };
}
