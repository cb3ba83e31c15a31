import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BIN, type Program, runToEnd, start, untilGone } from "./programs.ts";

const LIMIT_MS = 30_000;

async function startServer(): Promise<{ server: Program; port: string }> {
  const server = start("loom-server", ["--port", "0"]);
  const [, port = ""] = await server.waitFor(/ port=(\d+)/);
  return { server, port };
}

describe("loom-worker", { timeout: LIMIT_MS }, () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "hyperloom-worker-cli-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    { args: [], says: "SERVER" },
    { args: ["localhost"], says: "SERVER" },
    { args: ["localhost", "0"], says: "PORT" },
    { args: ["localhost", "9010", "more"], says: "more" },
    { args: ["--cpus", "many", "localhost", "9010"], says: "--cpus" },
    { args: ["--resource", "gpus", "localhost", "9010"], says: "gpus=2" },
    { args: ["--bad", "localhost", "9010"], says: "--bad" },
  ])("refuses $args with status 2 and its usage", async ({ args, says }) => {
    const { code, stdout, stderr } = await runToEnd("loom-worker", args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^loom-worker: /);
    expect(stderr).toContain(says);
    expect(stderr).toContain("Usage: loom-worker");
  });

  test("says that no server is there, with status 3, after it has tried for 5 s", async () => {
    const startMs = performance.now();
    const { code, stderr } = await runToEnd("loom-worker", ["127.0.0.1", "1"]);
    expect(code, stderr).toBe(3);
    expect(stderr).toContain("127.0.0.1:1");
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(performance.now() - startMs).toBeGreaterThan(4_500);
  });

  test("says that its work directory cannot be made, with status 5", async () => {
    const { server, port } = await startServer();
    await using _server = server;
    const file = join(folder, "a-file");
    writeFileSync(file, "");
    const ended = await runToEnd("loom-worker", ["--wdir", join(file, "below"), "127.0.0.1", port]);
    expect(ended.code, ended.stderr).toBe(5);
    expect(ended.stderr).toContain(file);
    expect(ended.stderr.trim().split("\n")).toHaveLength(1);
  });

  test("says that a module of task types cannot be loaded", async () => {
    const module = join(folder, "empty.mjs");
    writeFileSync(module, "export const nothing = 1;\n");
    const ended = await runToEnd("loom-worker", ["--load", module, "127.0.0.1", "9"]);
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining(module) });
    expect(ended.stderr.trim().split("\n")).toHaveLength(1);
  });

  test("joins a server that is started later", async () => {
    const probe = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => probe.once("listening", resolve));
    const address = probe.address();
    const port = String(typeof address === "object" ? address?.port : 0);
    await new Promise((resolve) => probe.close(resolve));

    await using worker = start("loom-worker", ["--wdir", folder, "127.0.0.1", port]);
    await using server = start("loom-server", ["--port", port]);
    await worker.waitFor(/joined the server/);
    server.child.kill("SIGTERM");
    expect((await worker.ended).code).toBe(0);
    expect((await server.ended).code).toBe(0);
  });

  test.each(["SIGTERM", "SIGINT", "SIGKILL"] as const)(
    "through a symbolic link, from another directory, it leaves no process behind at %s",
    async (signal) => {
      const { server, port } = await startServer();
      await using _server = server;
      const cwd = mkdtempSync(join(folder, "cwd-"));
      const path = join(cwd, "loom-worker");
      symlinkSync(join(BIN, "loom-worker.js"), path);
      await using worker = start("loom-worker", ["--wdir", ".", "127.0.0.1", port], { cwd, path });
      await worker.waitFor(/joined the server/);
      expect(readdirSync(cwd).some((name) => name.startsWith("worker-"))).toBe(true);
      worker.child.kill(signal);
      const { code } = await worker.ended;
      await untilGone(worker.mark);
      if (signal === "SIGKILL") return;
      expect(code).toBe(0);
      expect(readdirSync(cwd)).toEqual(["loom-worker"]);
    },
  );

  test("ends with its server, with status 3 when that was killed", async () => {
    const { server, port } = await startServer();
    await using _server = server;
    await using worker = start("loom-worker", [
      "--reattach-for",
      "0.5",
      "--wdir",
      folder,
      "127.0.0.1",
      port,
    ]);
    await worker.waitFor(/joined the server/);
    server.child.kill("SIGKILL");
    const { code, stderr } = await worker.ended;
    expect(code, stderr).toBe(3);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});
