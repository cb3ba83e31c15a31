import { describe, expect, test } from "vitest";
import { CliError } from "../../src/cli/cli-error.ts";
import { EXIT } from "../../src/cli/exit-codes.ts";
import { parseServerFlags, serverUsage } from "../../src/cli/server/server-flags.ts";

describe("parseServerFlags", () => {
  test("has the defaults that its usage promises", () => {
    expect(parseServerFlags([])).toEqual({
      help: false,
      debug: false,
      host: "127.0.0.1",
      port: 9010,
      unsatisfiableAfterMs: 60_000,
      clientGraceMs: 30_000,
      exitWithStdin: false,
      readyFd: undefined,
      accessFile: undefined,
      allowRead: [],
      allowWrite: [],
      insecureLegacyPort: undefined,
      journal: undefined,
    });
    const usage = serverUsage("loom-server");
    for (const text of ["9010", "127.0.0.1", "default 60"]) expect(usage).toContain(text);
  });

  test.each([
    { args: ["-p", "1"], flags: { port: 1 } },
    { args: ["--port=65535"], flags: { port: 65_535 } },
    { args: ["--port", "0", "--debug"], flags: { port: 0, debug: true } },
    { args: ["--unsatisfiable-after", "0.25"], flags: { unsatisfiableAfterMs: 250 } },
    { args: ["--client-grace", "90"], flags: { clientGraceMs: 90_000 } },
    { args: ["--ready-fd", "3", "--exit-with-stdin"], flags: { readyFd: 3, exitWithStdin: true } },
  ])("reads $args", ({ args, flags }) => {
    expect(parseServerFlags(args)).toMatchObject(flags);
  });

  test.each([
    { args: ["--port", "65536"], says: "--port" },
    { args: ["--port", "-1"], says: "--port" },
    { args: ["--port", "1e3"], says: "'1e3'" },
    { args: ["--port", ""], says: "--port" },
    { args: ["--port"], says: "port" },
    { args: ["--unsatisfiable-after", "soon"], says: "'soon'" },
    { args: ["--ready-fd", "0"], says: "--ready-fd" },
    { args: ["--colour"], says: "--colour" },
    { args: ["9010"], says: "9010" },
  ])("refuses $args as bad usage", ({ args, says }) => {
    const refused = expect.objectContaining({
      exitCode: EXIT.usage,
      message: expect.stringContaining(says),
    });
    expect(() => parseServerFlags(args)).toThrow(CliError);
    expect(() => parseServerFlags(args)).toThrow(refused);
  });
});
