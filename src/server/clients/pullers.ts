import type { FORMAT_CLIENT_FRAMES } from "../../protocol/peer/messages.ts";
import { openPullConnection, type PullConnection } from "../../transport/pull-connection.ts";
import type { Engine } from "../engine.ts";
import type { FramesHeader } from "./delivery.ts";

export type FramesRequest = {
  readonly task: number;
  readonly attempt: number;
  readonly format: typeof FORMAT_CLIENT_FRAMES;
  readonly fromBytes?: number;
};

/** What comes of one request: a header, its bytes and the end; or one of the other two, also later. */
export type FramesHandlers = {
  readonly onHeader: (header: FramesHeader, payloadBytes: number) => void;
  /** The bytes are valid during the call, or until the promise has settled. */
  readonly onPayload: (bytes: Uint8Array) => Promise<unknown> | undefined;
  readonly onEnd: () => void;
  readonly onMissing: () => void;
  readonly onFailed: (reason: string) => void;
};

/** A connection to a worker's data port, whose answers find their requests. */
export type Puller = {
  request(request: FramesRequest, handlers: FramesHandlers): void;
  destroy(): void;
};

/** Opens a connection of its own, for a stream that may be slowed down by its reader. */
export function openPuller(engine: Engine, workerId: number): Puller | undefined {
  const worker = engine.workers.get(workerId);
  if (worker === undefined) return undefined;
  return createPuller(engine, worker.address.host, worker.address.port, () => {});
}

const shared = new WeakMap<Engine, Map<number, Puller>>();

/** The connection that all small requests to the worker share; undefined when the worker is gone. */
export function pullerOf(engine: Engine, workerId: number): Puller | undefined {
  const worker = engine.workers.get(workerId);
  if (worker === undefined) return undefined;
  const pullers = shared.get(engine) ?? new Map<number, Puller>();
  shared.set(engine, pullers);
  const known = pullers.get(workerId);
  if (known !== undefined) return known;
  const { host, port } = worker.address;
  const puller = createPuller(engine, host, port, () => pullers.delete(workerId));
  pullers.set(workerId, puller);
  return puller;
}

/** Closes the shared connections. */
export function closePullers(engine: Engine): void {
  for (const puller of shared.get(engine)?.values() ?? []) puller.destroy();
  shared.delete(engine);
}

function createPuller(engine: Engine, host: string, port: number, onGone: () => void): Puller {
  const waiting = new Map<number, FramesHandlers>();
  let nextRequest = 0;
  /** The one whose payload is arriving. */
  let current: FramesHandlers | undefined;

  const take = (requestId: number): FramesHandlers | undefined => {
    const handlers = waiting.get(requestId);
    waiting.delete(requestId);
    return handlers;
  };
  const connection: PullConnection = openPullConnection(
    {
      host,
      port,
      identity: { serverId: engine.serverId, memberKey: engine.security.memberKey },
      security: {
        credentials: engine.security.credentials(),
        expects: "worker",
        provesItself: true,
      },
    },
    {
      onAnswer: (answer) => {
        const handlers = take(answer.requestId);
        if (answer.kind === "missing") handlers?.onMissing();
        else if (answer.kind === "failed") handlers?.onFailed(answer.reason);
        else if (answer.kind === "object-frames") {
          current = handlers;
          handlers?.onHeader(answer, answer.payloadBytes);
        } else handlers?.onFailed("it sent something else where client frames were asked for");
      },
      onPayload: (bytes) => current?.onPayload(bytes),
      onObjectEnd: () => {
        const ended = current;
        current = undefined;
        ended?.onEnd();
      },
      onClose: (reason) => {
        onGone();
        const open = [...(current === undefined ? [] : [current]), ...waiting.values()];
        current = undefined;
        waiting.clear();
        for (const handlers of open) handlers.onFailed(reason);
      },
    },
  );
  return {
    request(request, handlers) {
      const requestId = nextRequest;
      nextRequest = (nextRequest + 1) >>> 0;
      waiting.set(requestId, handlers);
      connection.pull([{ requestId, ...request }]);
    },
    destroy: () => connection.destroy(),
  };
}
