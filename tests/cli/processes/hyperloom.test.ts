import { expect, test } from "vitest";
import { runToEnd } from "./programs.ts";

const COMMANDS = [
  "server",
  "worker",
  "local",
  "run",
  "status",
  "explain",
  "simulate",
  "stop",
  "wait",
];

test.concurrent("--help names every command", async () => {
  const { code, stdout } = await runToEnd("hyperloom", ["--help"]);
  expect(code).toBe(0);
  for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, "m"));
});

test.concurrent.each(COMMANDS)("%s --help says how it is used", async (command) => {
  const { code, stdout, stderr } = await runToEnd("hyperloom", [command, "--help"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(new RegExp(`^Usage: hyperloom ${command}\\b`, "m"));
});

test.concurrent("--version prints the package's version", async () => {
  expect(await runToEnd("hyperloom", ["--version"])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  });
});

test.concurrent.each([
  { args: ["no-such-command"], says: "no-such-command" },
  { args: ["status", "--bad"], says: "--bad" },
  { args: ["server", "--bad"], says: "--bad" },
  { args: ["worker", "--bad"], says: "--bad" },
  { args: ["wait"], says: "--workers" },
  { args: ["wait", "--workers", "many"], says: "--workers" },
  { args: ["wait", "--workers", "1", "--timeout", "soon"], says: "--timeout" },
  { args: ["local", "--cpus", "0"], says: "--cpus" },
  { args: ["run"], says: "script" },
  { args: ["run", "no-such-script.ts"], says: "no-such-script.ts" },
  { args: ["status", "--server", "host:port"], says: "host:port" },
  { args: ["explain"], says: "task" },
])("$args is a usage error", async ({ args, says }) => {
  const { code, stderr } = await runToEnd("hyperloom", args);
  expect(stderr).toContain(says);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(code).toBe(2);
});

test.concurrent.each(["status", "stop"])(
  "%s without a server ends with status 3",
  async (command) => {
    // Nothing listens on port 1.
    const { code, stderr } = await runToEnd("hyperloom", [command, "--server", "127.0.0.1:1"]);
    expect(stderr).toMatch(/^hyperloom: .*127\.0\.0\.1:1/);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(code).toBe(3);
  },
  20_000,
);

test.concurrent("wait without a server ends with status 6 when its time is up before the server's", async () => {
  const args = ["wait", "--workers", "1", "--timeout", "0.3", "--server", "127.0.0.1:1"];
  const { code, stderr } = await runToEnd("hyperloom", args);
  expect(stderr).toContain("0 of 1 worker");
  expect(code).toBe(6);
});
