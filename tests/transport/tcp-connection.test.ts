import { expect, test } from "vitest";
import { createDeferred } from "../../src/core/base/deferred.ts";
import { connectTcp, NotReachableError } from "../../src/transport/connect-tcp.ts";
import { listenTcp } from "../../src/transport/listen-tcp.ts";
import type { TcpConnection } from "../../src/transport/tcp-connection.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const host = "127.0.0.1";
const quiet = { onData: (): void => {}, onClose: (): void => {} };

test("what one turn sends arrives in order, in one piece", async () => {
  const chunks: string[] = [];
  const closed = createDeferred<Error | undefined>();
  const listener = await listenTcp({ host, port: 0 }, () => ({
    onData: (chunk) => chunks.push(text(chunk)),
    onClose: closed.resolve,
  }));
  const connection = await connectTcp({ host, port: listener.port }, () => quiet);
  for (let i = 0; i < 1000; i++) connection.send(Buffer.from(`${i},`));
  connection.end();
  expect(await closed.promise).toBeUndefined();
  expect(chunks).toHaveLength(1);
  expect(chunks[0]).toBe(Array.from({ length: 1000 }, (_, i) => `${i},`).join(""));
  await listener[Symbol.asyncDispose]();
});

test("a receiver that stops reading is seen by the sender", async () => {
  const accepted = createDeferred<TcpConnection>();
  let receivedBytes = 0;
  const listener = await listenTcp({ host, port: 0 }, (connection) => {
    accepted.resolve(connection);
    return { onData: (chunk) => (receivedBytes += chunk.length), onClose: () => {} };
  });
  const connection = await connectTcp({ host, port: listener.port }, () => quiet);
  const receiver = await accepted.promise;
  receiver.pause();
  const sizeBytes = 64 * 1024 * 1024;
  const chunk = new Uint8Array(1024 * 1024);
  for (let sent = 0; sent < sizeBytes; sent += chunk.length) connection.send(chunk);
  let drained = false;
  const done = connection.drained().then(() => {
    drained = true;
  });
  await connection.drained(sizeBytes - chunk.length);
  expect(drained).toBe(false);
  expect(connection.unsentBytes).toBeGreaterThan(sizeBytes / 4);
  receiver.resume();
  await done;
  expect(connection.unsentBytes).toBe(0);
  connection.end();
  await expect.poll(() => receivedBytes).toBe(sizeBytes);
  await listener[Symbol.asyncDispose]();
});

test("waiting for a drain ends when the peer is gone", async () => {
  const listener = await listenTcp({ host, port: 0 }, (connection) => {
    connection.pause();
    return quiet;
  });
  const connection = await connectTcp({ host, port: listener.port }, () => quiet);
  for (let i = 0; i < 64; i++) connection.send(new Uint8Array(1024 * 1024));
  const drained = connection.drained();
  await listener[Symbol.asyncDispose]();
  await drained;
  await expect.poll(() => connection.isClosed).toBe(true);
});

test("the end of the peer is told once", async () => {
  const ends: (Error | undefined)[] = [];
  const listener = await listenTcp({ host, port: 0 }, (connection) => {
    connection.send(Buffer.from("bye"));
    connection.end();
    return quiet;
  });
  let received = "";
  await connectTcp({ host, port: listener.port }, () => ({
    onData: (chunk) => {
      received += text(chunk);
    },
    onClose: (error) => ends.push(error),
  }));
  await expect.poll(() => ends).toEqual([undefined]);
  expect(received).toBe("bye");
  await listener[Symbol.asyncDispose]();
});

test("a refused connection is tried again until somebody listens", async () => {
  const first = await listenTcp({ host, port: 0 }, () => quiet);
  const { port } = first;
  await first[Symbol.asyncDispose]();
  const connecting = connectTcp({ host, port, retryForMs: 10_000 }, () => quiet);
  const second = await listenTcp({ host, port }, () => quiet);
  const connection = await connecting;
  expect(connection.remote).toBe(`127.0.0.1:${port}`);
  await second[Symbol.asyncDispose]();
});

test("an address where nobody listens is named", async () => {
  const listener = await listenTcp({ host, port: 0 }, () => quiet);
  const { port } = listener;
  await listener[Symbol.asyncDispose]();
  const failure = await connectTcp({ host, port, retryForMs: 50 }, () => quiet).catch((e) => e);
  expect(failure).toBeInstanceOf(NotReachableError);
  expect(failure.message).toBe(`127.0.0.1:${port} is not reachable: ECONNREFUSED`);
});

test("connecting ends when it is no longer wanted", async () => {
  const listener = await listenTcp({ host, port: 0 }, () => quiet);
  const { port } = listener;
  await listener[Symbol.asyncDispose]();
  const aborting = new AbortController();
  const connecting = connectTcp(
    { host, port, retryForMs: 60_000, signal: aborting.signal },
    () => quiet,
  );
  setImmediate(() => aborting.abort(new Error("changed my mind")));
  await expect(connecting).rejects.toThrow();
});
