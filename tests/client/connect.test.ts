import { createServer } from "node:net";
import { expect, test } from "vitest";
import { Client } from "../../src/client/index.ts";
import { parseAddress } from "../../src/client/session/address.ts";
import { startFakeServer, until } from "./support/fake-server.ts";

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  const server = await startFakeServer();
  await server[Symbol.asyncDispose]();
  return server.port;
}

test("registers as a client with its name and capabilities", async () => {
  await using server = await startFakeServer();
  await using client = await Client.connect(server.address, { name: "my pipeline" });
  expect(client.address).toBe(server.address);
  expect(server.peers[0]?.register).toMatchObject({
    type: "client",
    clientName: "my pipeline",
    capabilities: ["notices", "symbols", "carried-results", "direct-data", "cancel", "sessions"],
  });
});

test("waits for a server that starts later than the client", async () => {
  const port = await freePort();
  const connecting = Client.connect({ host: "127.0.0.1", port });
  await new Promise((resolve) => setTimeout(resolve, 60));
  const server = createServer((socket) => {
    socket.once("data", () => {
      // The dictionary: type 10, one symbol "a".
      socket.write(Buffer.from("05000000000000" + "00" + "080a2a0161", "hex"));
    });
  }).listen(port, "127.0.0.1");
  const client = await connecting;
  await client.close();
  await new Promise((resolve) => server.close(resolve));
});

test("says that nobody listens, once the time is over", async () => {
  const port = await freePort();
  const startMs = performance.now();
  await expect(Client.connect(`127.0.0.1:${port}`, { timeoutMs: 100 })).rejects.toMatchObject({
    code: "server-unreachable",
    message: expect.stringMatching(/127\.0\.0\.1:\d+ is not reachable.*loom-server/),
  });
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(100);
});

test("says that what listens there is no server", async () => {
  await using server = await startFakeServer({ onRegister: () => {} });
  await expect(Client.connect(server.address, { timeoutMs: 10 })).rejects.toMatchObject({
    code: "server-unreachable",
    message: expect.stringContaining("does not answer as a HyperLoom server"),
  });
});

test("passes on why the server refuses the registration", async () => {
  await using server = await startFakeServer({
    onRegister: (peer) => peer.send({ kind: "error", error: { message: "go away" } }),
  });
  await expect(Client.connect(server.address)).rejects.toMatchObject({
    code: "server-refused",
    message: expect.stringContaining("go away"),
  });
});

test("says that the server went away during the registration", async () => {
  await using server = await startFakeServer({ onRegister: (peer) => peer.socket.destroy() });
  await expect(Client.connect(server.address)).rejects.toMatchObject({ code: "server-lost" });
});

test("ends the attempt to connect with the signal's reason", async () => {
  const port = await freePort();
  const reason = new Error("changed my mind");
  const controller = new AbortController();
  const connecting = Client.connect(`127.0.0.1:${port}`, { signal: controller.signal });
  controller.abort(reason);
  await expect(connecting).rejects.toBe(reason);
});

test("leaves the server when it is disposed of", async () => {
  await using server = await startFakeServer();
  let ended = false;
  {
    await using _client = await Client.connect(server.address);
    server.peers[0]?.socket.once("close", () => {
      ended = true;
    });
  }
  await until(() => ended);
});

test.each([
  ["localhost:9010", { host: "localhost", port: 9010 }],
  ["node7", { host: "node7", port: 9010 }],
  ["10.0.0.1:1", { host: "10.0.0.1", port: 1 }],
  ["[::1]:80", { host: "::1", port: 80 }],
])("reads the address %s", (text, address) => {
  expect(parseAddress(text)).toEqual(address);
});

test.each(["", ":9010", "a:b", "a:0", "a:65536", "::1", "a b:1"])(
  "refuses the address %j",
  (text) => {
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  },
);
