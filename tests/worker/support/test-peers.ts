import { onTestFinished } from "vitest";
import type { Log } from "../../../src/core/base/log.ts";
import { listenTcp } from "../../../src/transport/listen-tcp.ts";
import type { SharedFiles } from "../../../src/worker/transfer/hand-over.ts";
import { createPuller, type Puller } from "../../../src/worker/transfer/puller.ts";
import { createDataServer, type Membership } from "../../../src/worker/transfer/serve-data.ts";
import { testStore } from "./test-store.ts";

export const SERVER_ID = "server-of-the-test";
export const MEMBER_KEY: Uint8Array = new Uint8Array(32).fill(7);

export type TestHolder = ReturnType<typeof testStore> & {
  readonly port: number;
  readonly logs: string[];
  close(): Promise<void>;
};

/** A store that is served on a free port. */
export async function startHolder(
  shared?: SharedFiles,
  redeem: Membership["redeem"] = () => undefined,
): Promise<TestHolder> {
  const store = testStore();
  const logs: string[] = [];
  const log: Log = (_, message, fields) => void logs.push(`${message} ${JSON.stringify(fields)}`);
  const membership = { serverId: SERVER_ID, memberKey: MEMBER_KEY, redeem };
  const server = createDataServer({ store, membership: () => membership, shared, log });
  const listener = await listenTcp({ host: "127.0.0.1", port: 0 }, server.serve);
  const close = async (): Promise<void> => listener[Symbol.asyncDispose]();
  onTestFinished(close);
  return { ...store, port: listener.port, logs, close };
}

export type TestPuller = ReturnType<typeof testStore> & {
  readonly puller: Puller;
  /** `task:attempt` of what was told, in its order. */
  readonly fetched: string[];
  readonly failed: string[];
  readonly logs: string[];
  fetch(peer: number, refs: readonly (readonly [number, number])[]): void;
};

/** A store with a puller that knows worker 1. */
export function startPuller(port: number, serverId: string = SERVER_ID): TestPuller {
  const store = testStore();
  const fetched: string[] = [];
  const failed: string[] = [];
  const logs: string[] = [];
  const puller = createPuller({
    store,
    identity: { serverId, workerId: 2, port: 1, memberKey: MEMBER_KEY },
    onFetched: ({ tasks, attempts }) =>
      void tasks.forEach((task, i) => void fetched.push(`${task}:${attempts[i]}`)),
    onRefused: () => {},
    onFailed: ({ tasks, attempts }) =>
      void tasks.forEach((task, i) => void failed.push(`${task}:${attempts[i]}`)),
    log: (_, message, fields) => void logs.push(`${message} ${JSON.stringify(fields)}`),
  });
  onTestFinished(() => puller.dispose());
  puller.addPeer({ workerId: 1, host: "127.0.0.1", port });
  return {
    ...store,
    puller,
    fetched,
    failed,
    logs,
    fetch: (peer, refs) =>
      puller.fetch(peer, {
        tasks: Uint32Array.from(refs, ([task]) => task),
        attempts: Uint32Array.from(refs, ([, attempt]) => attempt),
      }),
  };
}
