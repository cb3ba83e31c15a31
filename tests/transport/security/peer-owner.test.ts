import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { expect, test } from "vitest";
import { findPeerOwner } from "../../../src/transport/security/peer-owner.ts";
import { isTrustedUser, ownUid } from "../../../src/transport/security/trusted-users.ts";
import { endsOf } from "../../../src/transport/tcp-connection.ts";

/** Somebody who is neither us nor root. */
const OTHER_UID = 61_234;
const CONNECT = `
const socket = require("node:net").connect(Number(process.argv[1]), process.argv[2]);
socket.on("error", () => {});
process.stdin.on("end", () => process.exit()).resume();
`;

async function listen(
  host: string,
): Promise<{ server: Server; port: number; accept: () => Promise<Socket> }> {
  const server = createServer();
  server.listen(0, host);
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { server, port, accept: async () => (await once(server, "connection"))[0] as Socket };
}

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ["::1", "::1"],
  ["::", "127.0.0.1"],
  ["127.0.0.1", "::ffff:127.0.0.1"],
])("the owner of a connection to %s by %s is found from both ends", async (bound, host) => {
  const { server, port, accept } = await listen(bound);
  const accepting = accept();
  const client = connect(port, host);
  const accepted = await accepting;
  if (client.connecting) await once(client, "connect");
  const uid = ownUid();
  expect(await findPeerOwner(endsOf(accepted))).toEqual({ kind: "user", uid });
  expect(await findPeerOwner(endsOf(client), 5000)).toEqual({ kind: "user", uid });
  client.destroy();
  accepted.destroy();
  server.close();
});

test("many lookups at once are all answered", async () => {
  const { server, port } = await listen("127.0.0.1");
  const accepted: Socket[] = [];
  server.on("connection", (socket) => accepted.push(socket));
  const clients = Array.from({ length: 50 }, () => connect(port, "127.0.0.1"));
  await expect.poll(() => accepted.length).toBe(50);
  const owners = await Promise.all(accepted.map((socket) => findPeerOwner(endsOf(socket))));
  expect(new Set(owners.map((owner) => owner.kind))).toEqual(new Set(["user"]));
  for (const socket of [...clients, ...accepted]) socket.destroy();
  server.close();
});

test("an end that was closed is nobody's, though the kernel shows it as root's", async () => {
  const { server, port, accept } = await listen("127.0.0.1");
  const accepting = accept();
  const client = connect(port, "127.0.0.1");
  const accepted = await accepting;
  accepted.on("error", () => {});
  const ends = endsOf(accepted);
  client.end("its last words");
  client.destroy();
  await once(client, "close");
  expect(["not-found", "closed"]).toContain((await findPeerOwner(ends)).kind);
  accepted.destroy();
  server.close();
});

test("another user is told from us", async () => {
  const canBeOthers = ownUid() === 0;
  const { server, port, accept } = await listen("127.0.0.1");
  const accepting = accept();
  const child = spawn(process.execPath, ["-e", CONNECT, `${port}`, "127.0.0.1"], {
    stdio: ["pipe", "ignore", "inherit"],
    ...(canBeOthers && { uid: OTHER_UID, gid: OTHER_UID, cwd: "/" }),
  });
  const accepted = await accepting;
  const uid = canBeOthers ? OTHER_UID : ownUid();
  const owner = await findPeerOwner(endsOf(accepted));
  expect(owner).toEqual({ kind: "user", uid });
  expect(owner.kind === "user" && isTrustedUser(owner.uid)).toBe(!canBeOthers);
  accepted.destroy();
  child.stdin?.end();
  await once(child, "exit");
  server.close();
});
