import { randomBytes } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { UPLOADS_MAX } from "../../../src/core/worker/uploads.ts";
import { listenTcp } from "../../../src/transport/listen-tcp.ts";
import { dropObject, putObject } from "../../../src/worker/store/store.ts";
import { createPuller, type Puller } from "../../../src/worker/transfer/puller.ts";
import { createDataServer, type DataServer } from "../../../src/worker/transfer/serve-data.ts";
import { MEMBER_KEY, SERVER_ID } from "../support/test-peers.ts";
import { createValue, testStore } from "../support/test-store.ts";

const OBJECT_BYTES = 32 * 1024 * 1024;

type Peer = ReturnType<typeof testStore> & {
  readonly workerId: number;
  readonly port: number;
  readonly puller: Puller;
  readonly server: DataServer;
  readonly failed: string[];
  close(): Promise<void>;
};

/** A worker that serves and pulls over real sockets. */
async function startPeer(workerId: number): Promise<Peer> {
  const store = testStore();
  const log = (): void => {};
  const membership = { serverId: SERVER_ID, memberKey: MEMBER_KEY, redeem: () => undefined };
  const server = createDataServer({ store, membership: () => membership, shared: undefined, log });
  const listener = await listenTcp({ host: "127.0.0.1", port: 0 }, server.serve);
  const failed: string[] = [];
  const puller = createPuller({
    store,
    identity: { serverId: SERVER_ID, workerId, port: listener.port, memberKey: MEMBER_KEY },
    sharesFiles: false,
    onFetched: () => {},
    onRefused: () => {},
    onFailed: ({ tasks }) => void failed.push(tasks.join()),
    log,
  });
  const close = async (): Promise<void> => {
    puller.dispose();
    await listener[Symbol.asyncDispose]();
  };
  onTestFinished(close);
  return { ...store, workerId, port: listener.port, puller, server, failed, close };
}

const REFS = { tasks: Uint32Array.of(5), attempts: Uint32Array.of(1) };

async function startAll(count: number): Promise<{ source: Peer; others: Peer[] }> {
  const source = await startPeer(1);
  putObject(source, 5, 1, await createValue(source, randomBytes(OBJECT_BYTES)));
  const others: Peer[] = [];
  for (let i = 0; i < count; i++) others.push(await startPeer(2 + i));
  for (const { puller } of others) {
    puller.addPeer({ workerId: 1, host: "127.0.0.1", port: source.port });
  }
  return { source, others };
}

const hasIt = (peer: Peer): boolean => peer.objects.get(5, 1) !== undefined;

test("eight workers that want one object get it from each other too", async () => {
  const { source, others } = await startAll(8);
  for (const { puller } of others) puller.fetch(1, REFS);
  let active = 0;
  await expect
    .poll(
      () => {
        active = Math.max(active, ...[source, ...others].map(({ server }) => server.activeCount));
        return others.every(hasIt);
      },
      { timeout: 20_000, interval: 1 },
    )
    .toBe(true);
  // Who sends it is done a little after who has received it.
  const served = (): number[] => [source, ...others].map(({ server }) => server.servedCount);
  await expect.poll(() => served().reduce((sum, count) => sum + count)).toBe(8);
  expect(active).toBeLessThanOrEqual(UPLOADS_MAX);
  // Two at once, then one more for each half of the line that it keeps.
  expect(served()[0]).toBeLessThanOrEqual(4);
  expect(others.flatMap(({ failed }) => failed)).toEqual([]);
}, 30_000);

test("whoever is sent to a worker that has died comes back", async () => {
  const { source, others } = await startAll(6);
  const [first, ...rest] = others;
  if (first === undefined) throw new Error("no peers");
  first.puller.fetch(1, REFS);
  await expect.poll(() => hasIt(first), { timeout: 20_000 }).toBe(true);
  await first.close();
  for (const { puller } of rest) puller.fetch(1, REFS);
  await expect.poll(() => rest.every(hasIt), { timeout: 20_000 }).toBe(true);
  expect(rest.flatMap(({ failed }) => failed)).toEqual([]);
  expect(source.server.activeCount).toBe(0);
}, 30_000);

test("whoever waits is told when the object is dropped", async () => {
  const { source, others } = await startAll(5);
  for (const { puller } of others) puller.fetch(1, REFS);
  await expect.poll(() => source.server.activeCount, { interval: 1 }).toBe(UPLOADS_MAX);
  dropObject(source, 5, 1);
  source.server.onDropped(5, 1);
  await expect
    .poll(() => others.every((peer) => hasIt(peer) || peer.failed.length === 1), {
      timeout: 20_000,
    })
    .toBe(true);
  await expect.poll(() => source.server.activeCount).toBe(0);
}, 30_000);
