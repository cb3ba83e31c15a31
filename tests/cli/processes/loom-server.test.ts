import { spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BIN, type Program, runToEnd, start, until } from "./programs.ts";

/** A port that was free a moment ago. */
async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** The port that a server announces on file descriptor 3. */
async function readAnnouncedPort(program: Program): Promise<number> {
  const pipe = program.child.stdio[3];
  let text = "";
  if (pipe == null) throw new Error("There is no file descriptor 3");
  for await (const chunk of pipe as AsyncIterable<Buffer>) text += chunk;
  return Number(text.trim());
}

async function canConnect(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    return await new Promise((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
  } finally {
    socket.destroy();
  }
}

const startOnFreePort = (...args: string[]): Program =>
  start("loom-server", ["--port", "0", "--ready-fd", "3", ...args]);

test("announces its port, serves, and ends with status 0 on SIGTERM", async () => {
  await using server = startOnFreePort();
  const port = await readAnnouncedPort(server);
  expect(await canConnect(port)).toBe(true);
  server.child.kill("SIGTERM");
  expect(await server.ended).toMatchObject({ code: 0, stderr: "" });
  expect(server.stdout()).toMatch(new RegExp(`^\\S+Z INFO .*port=${port}`, "m"));
});

test("takes the same port again at once, also after a client was connected", async () => {
  const port = await findFreePort();
  for (let round = 0; round < 3; round++) {
    await using server = start("loom-server", ["-p", String(port), "--ready-fd", "3"]);
    expect(await readAnnouncedPort(server)).toBe(port);
    const socket = connect(port, "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    server.child.kill("SIGINT");
    expect((await server.ended).code).toBe(0);
    socket.destroy();
  }
});

test("says that the port is taken, with status 4", async () => {
  await using first = startOnFreePort();
  const port = await readAnnouncedPort(first);
  const { code, stderr } = await runToEnd("loom-server", ["--port", String(port)]);
  expect(code).toBe(4);
  expect(stderr).toContain(`:${port}`);
  expect(stderr).toContain("--port");
  expect(stderr).not.toMatch(/^\s+at /m);
});

describe("a bad command line ends with status 2 and the usage on stderr", () => {
  test.each([
    ["--port", "70000"],
    ["-p", "x"],
    ["--bad"],
    ["extra"],
    ["--unsatisfiable-after", "-1"],
  ])("%s %s", async (...args) => {
    const { code, stdout, stderr } = await runToEnd("loom-server", args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^loom-server: /);
    expect(stderr).toContain("Usage: loom-server");
  });
});

test("--help goes to stdout", async () => {
  const { code, stdout, stderr } = await runToEnd("loom-server", ["--help"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("--unsatisfiable-after");
});

test("--exit-with-stdin ends it when the parent's pipe is closed", async () => {
  await using server = startOnFreePort("--exit-with-stdin");
  await readAnnouncedPort(server);
  server.child.stdin?.end();
  expect((await server.ended).code).toBe(0);
});

test("works through a symbolic link, from another directory, with stdout a file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hyperloom-cli-"));
  try {
    symlinkSync(join(BIN, "loom-server.js"), join(folder, "loom-server"));
    const log = join(folder, "log");
    const child = spawn(join(folder, "loom-server"), ["--port", "0"], {
      cwd: folder,
      stdio: ["ignore", openSync(log, "w"), "inherit"],
    });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await until(() => /port=\d+/.test(readFileSync(log, "utf8")), "no line in the log");
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
