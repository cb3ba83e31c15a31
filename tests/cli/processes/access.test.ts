import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Client, tasks } from "../../../src/client/index.ts";
import { encodeRegister } from "../../../src/protocol/client/register.ts";
import { ByteWriter } from "../../../src/protocol/wire/byte-writer.ts";
import { type Program, runToEnd, start } from "./programs.ts";

/** Somebody who is neither us nor root. */
const OTHER_UID = 61_235;
const directory = mkdtempSync(join(tmpdir(), "hyperloom-access-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let homes = 0;
/** A home of its own for each test, and TLS on this machine as between machines. */
const newHome = (): Record<string, string> => {
  homes += 1;
  return { HYPERLOOM_HOME: join(directory, `home-${homes}`) };
};

type Started = { readonly program: Program; readonly port: number; readonly accessFile: string };

async function startServer(env: Record<string, string>, ...args: string[]): Promise<Started> {
  const program = start("loom-server", ["--port", "0", ...args], { env });
  const [, port = ""] = await program.waitFor(/server listens .*port=(\d+)/);
  const [, accessFile = ""] = await program.waitFor(/access file written path=(\S+)/);
  return { program, port: Number(port), accessFile };
}

async function handOn(
  env: Record<string, string>,
  accessFile: string,
  role: string,
): Promise<string> {
  const output = `${accessFile}.${role}`;
  const args = ["access", "--role", role, "--access-file", accessFile, "--output", output];
  expect(await runToEnd("hyperloom", args, { env })).toMatchObject({ code: 0 });
  return output;
}

test("beyond the loopback, server, workers and clients speak TLS by files that they find", async () => {
  const home = newHome();
  const env = { ...home, HYPERLOOM_TLS: "always" };
  const { program: server, port, accessFile } = await startServer(env, "--host", "0.0.0.0");
  await using _server = server;
  expect(statSync(accessFile).mode & 0o777).toBe(0o600);
  expect(statSync(home["HYPERLOOM_HOME"] ?? "").mode & 0o777).toBe(0o700);
  await using worker = start(
    "loom-worker",
    ["--cpus", "1", "--wdir", directory, "127.0.0.1", `${port}`],
    { env },
  );
  await worker.waitFor(/joined the server/);
  // By its file alone; large enough that the data goes from worker to worker, and to the client.
  await using other = start(
    "loom-worker",
    ["--cpus", "1", "--wdir", directory, "--no-shared-files", "--access-file", accessFile],
    { env },
  );
  await other.waitFor(/joined the server/);
  const script = join(import.meta.dirname, "../../cli/fixtures/tls-pipeline.ts");
  const ran = await runToEnd("hyperloom", ["run", "--server", `127.0.0.1:${port}`, script], {
    env,
  });
  expect(ran).toMatchObject({ code: 0, stdout: "16777216 bytes\n" });

  const viewer = { ...env, HYPERLOOM_ACCESS_FILE: await handOn(env, accessFile, "viewer") };
  expect(await runToEnd("hyperloom", ["status", "--json"], { env: viewer })).toMatchObject({
    code: 0,
  });
  const stopped = await runToEnd("hyperloom", ["stop"], { env: viewer });
  expect(stopped.code).not.toBe(0);
  expect(stopped.stderr).toContain("A viewer may only look");
  const refused = await runToEnd("hyperloom", ["run", script], { env: viewer });
  expect(refused.stderr).toContain("A viewer may only look");

  // A worker's certificate is no client's, nor the other way round.
  const forWorkers = JSON.parse(readFileSync(await handOn(env, accessFile, "worker"), "utf8"));
  const disguised = `${accessFile}.disguised`;

  const { worker: role } = forWorkers.roles;
  writeFileSync(disguised, JSON.stringify({ ...forWorkers, roles: { client: role } }));
  const asClient = await runToEnd("hyperloom", ["status"], {
    env: { ...env, HYPERLOOM_ACCESS_FILE: disguised },
  });
  expect(asClient.stderr).toContain("a certificate of a worker is not good for a client");

  const end = await runToEnd("hyperloom", ["stop", "--server", `127.0.0.1:${port}`], { env });
  expect(end).toMatchObject({ code: 0 });
  expect(await server.ended).toMatchObject({ code: 0 });
  expect(await worker.ended).toMatchObject({ code: 0 });
  expect(existsSync(accessFile)).toBe(false);
}, 120_000);

test("a server that is killed and started again at its port has the same authority", async () => {
  const env = { ...newHome(), HYPERLOOM_TLS: "always" };
  const { program, port, accessFile } = await startServer(env, "--host", "0.0.0.0");
  const viewer = await handOn(env, accessFile, "viewer");
  program.child.kill("SIGKILL");
  await program.ended;
  expect(existsSync(accessFile)).toBe(true);
  await using again = start("loom-server", ["--port", `${port}`, "--host", "0.0.0.0"], { env });
  await again.waitFor(/access file written/);
  const status = await runToEnd("hyperloom", ["status"], {
    env: { ...env, HYPERLOOM_ACCESS_FILE: viewer },
  });
  expect(status).toMatchObject({ code: 0 });
}, 60_000);

const REGISTER = (() => {
  const writer = new ByteWriter();
  const none = { taskTypes: [], dataTypes: [], capabilities: [], resources: [] };
  encodeRegister(writer, { ...none, type: "client" });
  return Buffer.from(writer.take()).toString("base64");
})();
/** Registers as an old client does, and prints what comes. */
const OLD_CLIENT = `
const socket = require("node:net").connect(Number(process.argv[1]), "127.0.0.1");
socket.on("connect", () => socket.write(Buffer.from("${REGISTER}", "base64")));
socket.on("error", () => {});
socket.on("close", () => process.exit());
socket.once("data", (chunk) => process.stdout.write(chunk.toString("latin1"), () => process.exit()));
`;

/** What a server says to an old client of somebody else; of our own user where we cannot be another. */
async function askAsSomebodyElse(port: number): Promise<string> {
  const isRoot = process.getuid?.() === 0;
  const child = spawn(process.execPath, ["-e", OLD_CLIENT, `${port}`], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: "/",
    ...(isRoot && { uid: OTHER_UID, gid: OTHER_UID }),
  });
  let text = "";
  child.stdout?.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
  });
  await once(child, "close");
  return text;
}

test("on one machine, our own processes need nothing, and those of others an open port", async () => {
  const isRoot = process.getuid?.() === 0;
  const env = newHome();
  const { program, port } = await startServer(env, "--insecure-legacy-port", "0");
  await using _ = program;
  const [, legacyPort = ""] = await program.waitFor(/INSECURE.* port=(\d+)/);
  const answer = await askAsSomebodyElse(port);
  if (isRoot) {
    expect(answer).toContain(`who has uid ${OTHER_UID}`);
    expect(answer).toContain("--insecure-legacy-port");
  } else expect(answer).toContain("loom/run/run");
  expect(await askAsSomebodyElse(Number(legacyPort))).toContain("loom/run/run");
  const status = await runToEnd("hyperloom", ["status", "--server", `localhost:${port}`], {
    env: { ...env, HYPERLOOM_HOME: join(directory, "nobody") },
  });
  expect(status).toMatchObject({ code: 0 });
}, 60_000);

test("a crowd of connections that say nothing hurts nobody who belongs here", async () => {
  const { program, port } = await startServer(newHome());
  await using _ = program;
  await using client = await Client.connect(`127.0.0.1:${port}`);
  const crowd: Socket[] = [];
  let closed = 0;
  for (let i = 0; i < 1500; i++) {
    const socket = connect(port, "127.0.0.1");
    socket
      .on("error", () => {})
      .on("close", () => {
        closed += 1;
      });
    socket.write("x");
    crowd.push(socket);
  }
  // The oldest of them are put out, long before their time is up.
  await expect.poll(() => closed, { timeout: 20_000 }).toBeGreaterThan(0);
  expect((await client.stats()).workers).toBe(0);
  await using another = await Client.connect(`127.0.0.1:${port}`);
  expect((await another.stats()).workers).toBe(0);
  for (const socket of crowd) socket.destroy();
}, 60_000);

test("what a killed server left is removed by the next one", async () => {
  const env = newHome();
  const { program } = await startServer(env);
  program.child.kill("SIGKILL");
  await program.ended;
  const { program: next, accessFile } = await startServer(env);
  await using _ = next;
  expect(
    readdirSync(env["HYPERLOOM_HOME"] ?? "").map((name) => join(env["HYPERLOOM_HOME"] ?? "", name)),
  ).toEqual([accessFile]);
}, 60_000);

test("open, save, checkpoints and traces stay below the directories that were named", async () => {
  const inside = join(directory, "inside");
  mkdirSync(inside);
  writeFileSync(join(inside, "in"), "inside");
  writeFileSync(join(directory, "out"), "outside");
  const { program, port } = await startServer(newHome(), "--allow-write", inside);
  await using _ = program;
  const args = [
    "--cpus",
    "1",
    "--wdir",
    directory,
    "--allow-read",
    inside,
    "--allow-write",
    inside,
  ];
  await using worker = start("loom-worker", [...args, "127.0.0.1", `${port}`]);
  await worker.waitFor(/joined the server/);
  await using client = await Client.connect(`127.0.0.1:${port}`);
  const read = client.submit(tasks.open(join(inside, "in")));
  expect((await read.fetch()).toString()).toBe("inside");
  await client.submit(tasks.save(tasks.const("x"), join(inside, "saved"))).wait();
  expect(readFileSync(join(inside, "saved"), "utf8")).toBe("x");
  await expect(client.submit(tasks.open(join(directory, "out"))).wait()).rejects.toThrow(
    "outside of the directories that --allow-read names",
  );
  const elsewhere = join(directory, "elsewhere");
  const outside = "outside of the directories that --allow-write names";
  await expect(client.submit(tasks.save(tasks.const("x"), elsewhere)).wait()).rejects.toThrow(
    outside,
  );
  await expect(
    client.submit(tasks.merge([tasks.const("x")], { checkpoint: elsewhere })).wait(),
  ).rejects.toThrow(outside);
  await expect(client.trace(elsewhere)).rejects.toThrow(outside);
  expect(existsSync(elsewhere)).toBe(false);
}, 60_000);
