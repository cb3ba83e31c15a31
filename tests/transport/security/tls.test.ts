import { connect as connectPlain } from "node:net";
import { connect as connectTls } from "node:tls";
import { beforeAll, expect, test } from "vitest";
import { createDeferred } from "../../../src/core/base/deferred.ts";
import type { Role } from "../../../src/core/model/roles.ts";
import { connectTcp } from "../../../src/transport/connect-tcp.ts";
import { listenTcp, type TcpListener } from "../../../src/transport/listen-tcp.ts";
import { createReceiver } from "../../../src/transport/receiver.ts";
import {
  type ConnectSecurity,
  UntrustedPeerError,
} from "../../../src/transport/security/connect-securely.ts";
import { tlsOptions } from "../../../src/transport/security/credentials.ts";
import type { TcpConnection } from "../../../src/transport/tcp-connection.ts";
import { createCluster, type TestCluster } from "./support.ts";

const host = "127.0.0.1";
const quiet = { onData: (): void => {}, onClose: (): void => {} };

let cluster: TestCluster;
let other: TestCluster;
beforeAll(async () => {
  cluster = await createCluster();
  other = await createCluster();
}, 60_000);

type Accepted = { readonly role: Role | undefined; readonly text: string };

/** Listens with TLS and says what came, from whom, at the end of each connection. */
async function listen(accepted: (connection: Accepted) => void): Promise<TcpListener> {
  return listenTcp({ host, port: 0, credentials: () => cluster.server }, (connection) => {
    let text = "";
    return {
      onData: (chunk) => {
        text += Buffer.from(chunk).toString();
      },
      onClose: () => accepted({ role: connection.certifiedRole, text }),
    };
  });
}

const as = (role: Role, from = cluster): ConnectSecurity => ({
  credentials: from[role],
  expects: "server",
  alwaysTls: true,
});

test("the certificate of the peer says its role", async () => {
  const accepted = createDeferred<Accepted>();
  await using listener = await listen(accepted.resolve);
  const connection = await connectTcp(
    { host, port: listener.port, security: as("worker") },
    () => quiet,
  );
  expect(connection.certifiedRole).toBe("server");
  connection.send(Buffer.from("hello "));
  connection.send(Buffer.from("there"));
  connection.end();
  expect(await accepted.promise).toEqual({ role: "worker", text: "hello there" });
});

test("whoever begins without TLS is taken as he is, at the same port", async () => {
  // 22 is the first byte of TLS, and the length of a frame as well.
  for (const text of ["x", "\u0016\0\0\0\0\0\0\0 a frame of 22 bytes"]) {
    const accepted = createDeferred<Accepted>();
    await using listener = await listen(accepted.resolve);
    const socket = connectPlain(listener.port, host);
    socket.end(text);
    expect(await accepted.promise).toEqual({ role: undefined, text });
  }
});

test("certificates of another cluster, or none, are refused on both sides", async () => {
  let count = 0;
  await using listener = await listen(() => {
    count += 1;
  });
  const { port } = listener;
  await expect(
    connectTcp({ host, port, security: as("client", other) }, () => quiet),
  ).rejects.toThrow(UntrustedPeerError);
  const stranger = { ca: cluster.client.ca, minVersion: "TLSv1.3" } as const;
  for (const options of [stranger, { ...tlsOptions(other.client), ca: cluster.client.ca }]) {
    const closed = createDeferred<void>();
    const socket = connectTls({ host, port, ...options, checkServerIdentity: () => undefined });
    socket.on("error", () => {});
    socket.on("close", () => closed.resolve());
    socket.resume();
    await closed.promise;
  }
  expect(count).toBe(0);
});

test("older versions of TLS are refused", async () => {
  await using listener = await listen(() => {});
  const failed = createDeferred<Error>();
  const options = {
    ...tlsOptions(cluster.client),
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.2",
  } as const;
  const socket = connectTls({
    host,
    port: listener.port,
    ...options,
    checkServerIdentity: () => undefined,
  });
  socket.on("error", failed.resolve);
  expect((await failed.promise).message).toMatch(/version/i);
});

test("a worker's certificate is no server's", async () => {
  await using listener = await listenTcp(
    { host, port: 0, credentials: () => cluster.worker },
    () => quiet,
  );
  const connecting = connectTcp({ host, port: listener.port, security: as("client") }, () => quiet);
  await expect(connecting).rejects.toThrow("its certificate is of a worker, not a server");
});

test("renewed certificates are used for the next connection", async () => {
  let credentials = other.server;
  await using listener = await listenTcp(
    { host, port: 0, credentials: () => credentials },
    () => quiet,
  );
  const connect = (): Promise<TcpConnection> =>
    connectTcp({ host, port: listener.port, security: as("client") }, () => quiet);
  await expect(connect()).rejects.toThrow(UntrustedPeerError);
  credentials = cluster.server;
  const connection = await connect();
  expect(connection.certifiedRole).toBe("server");
  connection.destroy();
});

test("much data comes whole, also into memory that is used again, and a slow reader is waited for", async () => {
  const sizeBytes = 24 * 1024 * 1024;
  const chunk = Buffer.alloc(1024 * 1024, "0123456789abcdef");
  const sender = createDeferred<TcpConnection>();
  await using listener = await listenTcp(
    { host, port: 0, credentials: () => cluster.server },
    (connection) => {
      sender.resolve(connection);
      return quiet;
    },
  );
  const receiver = createReceiver();
  let receivedBytes = 0;
  let isRight = true;
  const reader = await connectTcp(
    { host, port: listener.port, security: as("client"), receiver },
    () => ({
      onData: (bytes) => {
        for (let i = 0; i < bytes.length; i += 997) {
          isRight &&= bytes[i] === chunk[(receivedBytes + i) % 16];
        }
        receivedBytes += bytes.length;
      },
      onClose: () => {},
    }),
  );
  reader.pause();
  const connection = await sender.promise;
  for (let sent = 0; sent < sizeBytes; sent += chunk.length) connection.send(chunk);
  await connection.drained(sizeBytes - chunk.length);
  expect(connection.unsentBytes).toBeGreaterThan(0);
  reader.resume();
  await connection.drained();
  await expect.poll(() => receivedBytes, { timeout: 20_000 }).toBe(sizeBytes);
  expect(isRight).toBe(true);
  reader.destroy();
});
